package source

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/buger/gor/raw_socket_listener/filter"
	"github.com/buger/gor/raw_socket_listener/packet"
)

// flushEvery is after how many packets of a file the counters are brought up
// to date.
const flushEvery = 256

// maxUnreadLinks bounds how many link types are told of: a forged file may
// declare thousands.
const maxUnreadLinks = 8

// A packetReader gives the packets of one capture, or of several.
type packetReader interface {
	next() (capturedPacket, error) // as captureReader's
	position() string              // where it is, for an error
	torn() uint64                  // packets that the end of a capture cut
	close() error                  // ends a next that waits, and makes the next one fail
}

// fileSource reads a capture file, or the files that a pattern names.
type fileSource struct {
	counters
	addr   filter.Address
	resp   bool
	filter *filter.Expression
	vlans  filter.VLANs
	survey *Survey
	reader packetReader
	unread []unreadLink
	closed atomic.Bool
}

// An unreadLink is a link type that is not understood.
type unreadLink struct {
	link    uint32
	packets uint64
}

func openFile(c Config) (Source, error) {
	s := &fileSource{addr: c.Address, resp: c.TrackResponse, filter: c.Filter, vlans: c.VLANs, survey: c.Survey}
	var err error
	switch {
	case c.Address.Path == "-" && c.Stdin == nil:
		err = errors.New("there is no stdin")
	case c.Address.Path == "-":
		s.reader, err = readStream(c.Stdin, c.BeforeRead)
	default:
		s.reader, err = readFiles(c.Address.Path, s.fault)
	}
	if err != nil {
		return nil, fmt.Errorf("read the capture %q: %w", c.Address, err)
	}
	return s, nil
}

func (s *fileSource) String() string { return s.addr.String() }

func (s *fileSource) Stats() Stats { return s.snapshot() }

// NearlyFull is false: a file waits.
func (s *fileSource) NearlyFull() bool { return false }

func (s *fileSource) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	if err := s.reader.close(); err != nil {
		return fmt.Errorf("close the capture %q: %w", s.addr, err)
	}
	return nil
}

func (s *fileSource) Run(to Sink) error {
	t := tally{addr: s.addr, response: s.resp, vlans: s.vlans, survey: s.survey, counted: &s.counters}
	err := s.readAll(&t, to)
	if n := s.reader.torn(); n > 0 {
		// What whoever wrote the file had not finished when it was stopped.
		t.ignored[packet.IgnoredTorn] += n
		s.fault("the capture %s ends within a packet%s", s.addr, times(n))
	}
	t.flush(&s.counters)
	if s.closed.Load() {
		return nil
	}
	if !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the capture %q: %w", s.addr, err)
	}
	return s.review()
}

func times(n uint64) string {
	if n == 1 {
		return ""
	}
	return fmt.Sprintf(", %d times", n)
}

// review says what of a capture that was read to its end was of no use, and is
// an error when that was all of it.
func (s *fileSource) review() error {
	st := s.Stats()
	unknown := st.Ignored[packet.IgnoredUnknownLink]
	switch {
	case unknown == 0:
		return nil
	case unknown == st.Received-st.Ignored[packet.IgnoredTorn]:
		return fmt.Errorf("read the capture %q: %w", s.addr, s.unreadable(unknown))
	}
	s.fault("the capture %s: %v", s.addr, s.unreadable(unknown))
	return nil
}

func (s *fileSource) unreadable(packets uint64) error {
	slices.SortStableFunc(s.unread, func(a, b unreadLink) int { return int(min(b.packets, 1<<30)) - int(min(a.packets, 1<<30)) })
	var names []string
	for _, u := range s.unread {
		names = append(names, packet.LinkTypeName(u.link))
	}
	return fmt.Errorf("no request can be read from %s of the link type %s: capture where the packets are plain IP or Ethernet, such as with tcpdump -i any",
		Counted(packets, "packet"), strings.Join(names, ", "))
}

// noteLink keeps the link type of a packet that was not understood.
func (s *fileSource) noteLink(link uint32) {
	for i := range s.unread {
		if s.unread[i].link == link {
			s.unread[i].packets++
			return
		}
	}
	if len(s.unread) < maxUnreadLinks {
		s.unread = append(s.unread, unreadLink{link, 1})
	}
}

// readAll returns the error that ended the file, io.EOF when it was read whole
// or as far as it goes.
func (s *fileSource) readAll(t *tally, to Sink) error {
	for n := 1; !s.closed.Load(); n++ {
		p, err := s.reader.next()
		if err != nil {
			if errors.Is(err, errDamaged) {
				return fmt.Errorf("before %s: %w", s.reader.position(), err)
			}
			return err
		}
		t.seg.Time = p.time
		r := packet.IgnoredFilter
		switch {
		case !t.vlans.All() && !t.vlans.Wants(packet.LinkTag(p.link, p.data)):
			r = packet.IgnoredVLAN
		case s.filter == nil || s.filter.MatchLink(p.link, p.data, p.wire):
			r = packet.DecodeLink(p.link, p.data, p.wire, &t.seg)
		}
		switch {
		case r == packet.IgnoredUnknownLink:
			s.noteLink(p.link)
		case r == packet.IgnoredNotTCP && s.survey != nil:
			s.survey.noSegment(p.link, p.data)
		}
		t.take(r, to)
		if n%flushEvery == 0 {
			t.flush(&s.counters)
		}
	}
	return nil
}
