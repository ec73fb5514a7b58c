package kafka

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// A NoPartitionError says that a topic has no such partition.
type NoPartitionError struct {
	Topic     string
	Partition int32
	Has       int // partitions
}

func (e *NoPartitionError) Error() string {
	return fmt.Sprintf("topic %s has no partition %d: it has %d, numbered from 0", e.Topic, e.Partition, e.Has)
}

// skipPeriod is how often it is said at most that values were left out.
const skipPeriod = time.Minute

// A skipLog says which values were left out: one at once, then one a minute with how many
// there were.
type skipLog struct {
	logf func(format string, args ...any)

	mu    sync.Mutex
	last  time.Time
	since int // that were not said
}

func (s *skipLog) note(r *kgo.Record, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.since++
	now := time.Now()
	if !s.last.IsZero() && now.Sub(s.last) < skipPeriod {
		return
	}
	more := ""
	if s.since > 1 {
		more = fmt.Sprintf(" (%d values since the last such line)", s.since)
	}
	s.logf("left out what is at offset %d of partition %d: %v%s", r.Offset, r.Partition, err, more)
	s.last, s.since = now, 0
}

// skip counts a value that is not given.
func (c *Consumer) skip(r *kgo.Record, err error) {
	reason := countDamaged
	switch {
	case errors.Is(err, errForeign):
		reason = countForeign
	case errors.Is(err, errNewer):
		reason = countNewer
	case errors.Is(err, errNoRaw):
		reason = countNoRaw
	case errors.Is(err, errTooBig):
		reason = countTooBig
	}
	c.counts.Add(reason)
	c.skips.note(r, err)
}
