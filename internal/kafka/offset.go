package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Newest and Oldest are offsets that name an end of a partition, in the numbers that the
// protocol and GoReplay have for them.
const (
	Newest int64 = -1
	Oldest int64 = -2
)

// A Start says where reading begins. Of a group it is where a partition begins that
// the group has committed no offset of.
type Start struct {
	Offset int64 // Newest, Oldest or an offset, for each partition

	// Partitions, unless empty, are the only partitions that are read, each from its
	// own offset.
	Partitions map[int32]int64
}

// ParseStart reads -1 for the newest, -2 for the oldest, an offset, or a list of
// PARTITION:OFFSET with commas between them.
func ParseStart(text string) (Start, error) {
	s := Start{}
	if !strings.Contains(text, ":") {
		offset, err := parseOffset(text)
		s.Offset = offset
		return s, err
	}
	s.Partitions = map[int32]int64{}
	for _, part := range strings.Split(text, ",") {
		id, offset, _ := strings.Cut(part, ":")
		n, err := strconv.ParseInt(strings.TrimSpace(id), 10, 32)
		if err != nil || n < 0 {
			return Start{}, fmt.Errorf("%q is not a partition and offset; want such as 0:1500,1:-2", part)
		}
		if _, twice := s.Partitions[int32(n)]; twice {
			return Start{}, fmt.Errorf("partition %d is named twice", n)
		}
		if s.Partitions[int32(n)], err = parseOffset(offset); err != nil {
			return Start{}, err
		}
	}
	return s, nil
}

func parseOffset(text string) (int64, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil || n < Oldest {
		return 0, fmt.Errorf("%q is not an offset; want -1 for the newest, -2 for the oldest, or an offset", text)
	}
	return n, nil
}

// String is what ParseStart reads.
func (s Start) String() string {
	if len(s.Partitions) == 0 {
		return strconv.FormatInt(s.Offset, 10)
	}
	var parts []string
	for _, id := range slices.Sorted(maps.Keys(s.Partitions)) {
		parts = append(parts, fmt.Sprintf("%d:%d", id, s.Partitions[id]))
	}
	return strings.Join(parts, ",")
}

// Live reports whether only what is still to come is read, if no group says otherwise.
func (s Start) Live() bool { return len(s.Partitions) == 0 && s.Offset == Newest }

// of returns the offset to begin a partition at. ok is false when it is not read.
func (s Start) of(id int32) (offset int64, ok bool) {
	if len(s.Partitions) == 0 {
		return s.Offset, true
	}
	offset, ok = s.Partitions[id]
	return offset, ok
}

// bounds are the first offset that a partition has, and the one after its last.
type bounds struct{ first, end int64 }

// listBounds asks for the bounds of partitions. Those whose leader does not tell are left
// out, and the error is of one of them.
func listBounds(ctx context.Context, client *kgo.Client, topic string, ids []int32) (map[int32]bounds, error) {
	found := map[int32]bounds{}
	firsts, err := listOffsets(ctx, client, topic, ids, Oldest)
	if len(firsts) == 0 && err != nil {
		return nil, err
	}
	ends, err2 := listOffsets(ctx, client, topic, ids, Newest)
	for id, first := range firsts {
		if end, is := ends[id]; is {
			found[id] = bounds{first, end}
		}
	}
	return found, errors.Join(err, err2)
}

func listOffsets(ctx context.Context, client *kgo.Client, topic string, ids []int32, which int64) (map[int32]int64, error) {
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID = -1
	t := kmsg.NewListOffsetsRequestTopic()
	t.Topic = topic
	for _, id := range ids {
		p := kmsg.NewListOffsetsRequestTopicPartition()
		p.Partition, p.Timestamp = id, which
		t.Partitions = append(t.Partitions, p)
	}
	req.Topics = append(req.Topics, t)
	ctx, stop := context.WithTimeout(ctx, probeTimeout)
	defer stop()
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return nil, err
	}
	offsets := map[int32]int64{}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if e := kerr.ErrorForCode(p.ErrorCode); e != nil {
				err = e
				continue
			}
			offsets[p.Partition] = p.Offset
		}
	}
	return offsets, err
}
