package source

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/buger/gor/raw_socket_listener/filter"
)

// maxOpenCaptures is how many files of a pattern are read at the same time,
// because their times overlap: as many as taps have been recorded beside each
// other. Each has a buffer of fileBuffer bytes, two when it is compressed.
const maxOpenCaptures = 8

// captureStream is a capture that comes through a pipe. Whoever writes it may
// not have begun, so that its header is waited for in next.
type captureStream struct {
	in     io.ReadCloser
	reader *captureReader
	ended  uint64
}

func readStream(r io.Reader, before func()) (packetReader, error) {
	in, err := interruptible(r)
	if err != nil {
		return nil, err
	}
	return &captureStream{in: &waitingReader{in, before}}, nil
}

// A waitingReader calls before ahead of each read, which may wait.
type waitingReader struct {
	io.ReadCloser
	before func()
}

func (r *waitingReader) Read(b []byte) (int, error) {
	if r.before != nil {
		r.before()
	}
	return r.ReadCloser.Read(b)
}

func (s *captureStream) next() (p capturedPacket, err error) {
	if s.reader == nil {
		if s.reader, err = newCaptureReader(s.in); err != nil {
			return p, err
		}
	}
	p, err = s.reader.next()
	if errors.Is(err, io.ErrUnexpectedEOF) {
		s.ended++
		err = io.EOF
	}
	if err != nil {
		s.reader.close()
	}
	return p, err
}

func (s *captureStream) position() string {
	if s.reader == nil {
		return "its beginning"
	}
	return fmt.Sprintf("byte %d", s.reader.offset)
}

func (s *captureStream) torn() uint64 {
	if s.reader == nil {
		return 0
	}
	return s.ended + s.reader.cut
}

func (s *captureStream) close() error { return s.in.Close() }

// captureFiles reads one file, or those that a pattern names, as one capture:
// each packet in its time, so that a connection goes on from one file of
// tcpdump -C or -G to the next, and taps that were recorded beside each other
// are merged.
type captureFiles struct {
	waiting []waitingFile // by the time of their first packet
	open    []*openCapture
	current *openCapture // of the packet that was given last
	several bool
	cut     uint64
	fault   func(string, ...any)

	mu     sync.Mutex // guards what follows: close may be called meanwhile
	files  []*os.File
	closed bool
}

type waitingFile struct {
	path  string
	first int64 // time of its first packet
}

// An openCapture is a file and its next packet.
type openCapture struct {
	path   string
	file   *os.File
	reader *captureReader
	p      capturedPacket
}

// readFiles opens the file of that name, or finds those that it matches as a
// pattern. fault is told of files that are empty.
func readFiles(path string, fault func(string, ...any)) (packetReader, error) {
	c := &captureFiles{fault: fault}
	if _, err := os.Stat(path); err == nil || !filter.HasPattern(path) {
		o, err := c.openFile(path)
		if err != nil {
			return nil, err
		}
		c.open, c.current = append(c.open, o), o
		return c, nil
	}
	paths, err := filepath.Glob(path)
	if err != nil {
		return nil, fmt.Errorf("the pattern %q is malformed: %w", path, err)
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("no file matches %q", path)
	}
	c.several = true
	for _, p := range paths {
		if err := c.look(p); err != nil {
			return nil, fmt.Errorf("%s: %w", p, err)
		}
	}
	// Of equal times the names decide: x.pcap9 is before x.pcap10.
	slices.SortStableFunc(c.waiting, func(a, b waitingFile) int {
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(len(a.path), len(b.path)), cmp.Compare(a.path, b.path))
	})
	return c, nil
}

// look finds out when the packets of a file begin. One without any has none to
// wait for.
func (c *captureFiles) look(path string) error {
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		return nil
	}
	o, err := c.openFile(path)
	if errors.Is(err, errEmptyCapture) {
		c.fault("%s is empty", path)
		return nil
	}
	if err != nil {
		return err
	}
	defer c.release(o)
	p, err := o.reader.next()
	switch {
	case err == nil:
		c.waiting = append(c.waiting, waitingFile{path, p.time})
	case errors.Is(err, io.ErrUnexpectedEOF):
		c.cut++
	case !errors.Is(err, io.EOF):
		return err
	}
	return nil
}

func (c *captureFiles) openFile(path string) (*openCapture, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	closed := c.closed
	c.files = append(c.files, f)
	c.mu.Unlock()
	o := &openCapture{path: path, file: f}
	if closed {
		err = os.ErrClosed
	} else {
		o.reader, err = newCaptureReader(f)
	}
	if err != nil {
		c.release(o)
		return nil, err
	}
	return o, nil
}

func (c *captureFiles) release(o *openCapture) {
	if o.reader != nil {
		o.reader.close()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.files = slices.DeleteFunc(c.files, func(f *os.File) bool { return f == o.file })
	_ = o.file.Close() // nothing was written
}

func (c *captureFiles) next() (capturedPacket, error) {
	if c.current != nil {
		if err := c.advance(); err != nil {
			return capturedPacket{}, err
		}
	}
	first := c.earliest()
	for len(c.waiting) > 0 && (first == nil || c.waiting[0].first <= first.p.time) {
		if len(c.open) == maxOpenCaptures {
			c.fault("the times of more than %d files overlap: some packets are read late", maxOpenCaptures)
			break
		}
		o, err := c.openFile(c.waiting[0].path)
		if err != nil {
			return capturedPacket{}, err
		}
		c.waiting, c.open, c.current = c.waiting[1:], append(c.open, o), o
		if err := c.advance(); err != nil {
			return capturedPacket{}, err
		}
		first = c.earliest()
	}
	if first == nil {
		return capturedPacket{}, io.EOF
	}
	c.current = first
	return first.p, nil
}

// advance reads the next packet of the file of the last one.
func (c *captureFiles) advance() (err error) {
	o := c.current
	o.p, err = o.reader.next()
	ends := errors.Is(err, io.ErrUnexpectedEOF)
	if err == nil || !ends && !errors.Is(err, io.EOF) {
		return err
	}
	if ends {
		c.cut++
	}
	c.cut += o.reader.cut
	c.current = nil
	c.open = slices.DeleteFunc(c.open, func(other *openCapture) bool { return other == o })
	c.release(o)
	return nil
}

func (c *captureFiles) earliest() (first *openCapture) {
	for _, o := range c.open {
		if first == nil || o.p.time < first.p.time {
			first = o
		}
	}
	return first
}

func (c *captureFiles) position() string {
	switch {
	case c.current == nil:
		return "its end"
	case c.several:
		return fmt.Sprintf("byte %d of %s", c.current.reader.offset, c.current.path)
	}
	return fmt.Sprintf("byte %d", c.current.reader.offset)
}

func (c *captureFiles) torn() uint64 { return c.cut }

func (c *captureFiles) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	var errs []error
	for _, f := range c.files {
		errs = append(errs, f.Close())
	}
	c.files = nil
	return errors.Join(errs...)
}
