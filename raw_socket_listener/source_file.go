package rawsocket

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
)

// flushEvery is after how many packets of a file the counters are brought up
// to date.
const flushEvery = 256

// fileSource reads a capture file.
type fileSource struct {
	counters
	addr   Address
	resp   bool
	filter *expression
	vlans  vlanFilter
	in     io.Reader
	file   io.Closer // nil when there is nothing to close
	reader *captureReader
	closed atomic.Bool
}

func openFile(c sourceConfig) (source, error) {
	s := &fileSource{addr: c.Address, resp: c.TrackResponse, filter: c.Filter, vlans: c.VLANs}
	if c.Address.Path == "-" {
		if c.Stdin == nil {
			return nil, fmt.Errorf("read the capture %q: there is no stdin", c.Address)
		}
		// Whoever writes may not have begun, so that the file's header is
		// waited for in run.
		in, err := interruptible(c.Stdin)
		if err != nil {
			return nil, fmt.Errorf("read the capture %q: %w", c.Address, err)
		}
		s.in, s.file = in, in
		return s, nil
	}
	f, err := os.Open(c.Address.Path)
	if err != nil {
		return nil, fmt.Errorf("read the capture %q: %w", c.Address, err)
	}
	s.in, s.file = f, f
	if s.reader, err = newCaptureReader(f); err != nil {
		_ = f.Close() // nothing was written
		return nil, fmt.Errorf("read the capture %q: %w", c.Address, err)
	}
	return s, nil
}

func (s *fileSource) String() string { return s.addr.String() }

func (s *fileSource) stats() SourceStats { return s.snapshot() }

// pressed is false: a file waits.
func (s *fileSource) pressed() bool { return false }

func (s *fileSource) close() error {
	if s.closed.Swap(true) {
		return nil
	}
	if err := s.file.Close(); err != nil {
		return fmt.Errorf("close the capture %q: %w", s.addr, err)
	}
	return nil
}

func (s *fileSource) run(to sink) error {
	t := tally{addr: s.addr, response: s.resp, vlans: s.vlans}
	err := s.readAll(&t, to)
	t.flush(&s.counters)
	switch {
	case s.closed.Load(), errors.Is(err, io.EOF):
		return nil
	case errors.Is(err, io.ErrUnexpectedEOF):
		// What whoever wrote the file had not finished when it was stopped.
		s.fault("the capture %s ends within a packet", s.addr)
		return nil
	}
	return fmt.Errorf("read the capture %q: %w", s.addr, err)
}

// readAll returns the error that ended the file, io.EOF when it was read whole.
func (s *fileSource) readAll(t *tally, to sink) (err error) {
	if s.reader == nil {
		if s.reader, err = newCaptureReader(s.in); err != nil {
			return err
		}
	}
	for n := 1; !s.closed.Load(); n++ {
		p, err := s.reader.next()
		if err != nil {
			if errors.Is(err, errDamaged) {
				return fmt.Errorf("before byte %d: %w", s.reader.offset, err)
			}
			return err
		}
		t.seg.Time = p.time
		r := IgnoredFilter
		switch {
		case !t.vlans.all() && !t.vlans.wants(linkTag(p.link, p.data)):
			r = IgnoredVLAN
		case s.filter == nil || s.filter.matchLink(p.link, p.data, p.wire):
			r = decodeLink(p.link, p.data, p.wire, &t.seg)
		}
		t.take(r, to)
		if n%flushEvery == 0 {
			t.flush(&s.counters)
		}
	}
	return nil
}
