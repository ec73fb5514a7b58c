package spill

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/buger/gor/internal/disk"
	"github.com/buger/gor/internal/payload"
)

const (
	// segmentBytes is when the next recording begins: small, so that what is
	// sent is removed soon, and large enough that files are few.
	segmentBytes = 8 << 20

	// saveInterval is how old the saved position may be while messages are
	// sent.
	saveInterval = time.Second
)

// ErrFull is what Append returns when the folder holds what it may.
var ErrFull = errors.New("the spill is full")

// A Store is a folder of messages. One goroutine may Append, one call Next,
// and one Release, all at the same time.
type Store struct {
	dir   string
	limit int64 // bytes on disk
	most  int   // bytes of a message

	lock *os.File // on the folder, until it is closed; nil: there is no folder yet

	mu      sync.Mutex
	more    sync.Cond // something can be taken, or closed
	segs    []*segment
	active  *os.File // of the last segment; nil: it takes no more
	next    uint64   // number of the next segment
	bytes   int64    // on disk
	waiting int      // messages that are not taken
	held    int      // messages that are taken and not released
	damaged int      // messages that could not be read back
	closed  bool
	saved   time.Time

	acknowledges bool  // see position
	full         error // see Full
	found        int   // see Found

	out []byte // scratch of Append

	// Next's own.
	file *os.File
	src  payload.Source
	at   *segment // that src reads
}

// A segment is one recording.
type segment struct {
	number   uint64
	bytes    int64
	count    int
	taken    int
	released int
}

func (s *segment) name(dir string) string {
	return filepath.Join(dir, fmt.Sprintf("%017d.gor", s.number))
}

// Append writes messages behind all others, or none of them and returns why.
func (s *Store) Append(msgs [][]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return os.ErrClosed
	}
	if _, err := s.establish(); err != nil {
		return err
	}
	s.out = s.out[:0]
	count := 0
	for _, msg := range msgs {
		before := len(s.out)
		s.out = payload.AppendRecord(s.out, msg)
		if len(s.out) > before { // what has no header is not a message
			count++
		}
	}
	n := int64(len(s.out))
	defer func() {
		if cap(s.out) > 1<<20 {
			s.out = nil // one large message does not cost its size for ever
		}
	}()
	if s.bytes+n > s.limit {
		return ErrFull
	}
	if s.active == nil {
		if err := s.begin(); err != nil {
			return err
		}
	}
	last := s.segs[len(s.segs)-1]
	if _, err := s.active.Write(s.out); err != nil {
		if terr := s.active.Truncate(last.bytes); terr != nil {
			s.seal() // what is torn there, nobody reads: count says where it ends
		}
		return err
	}
	last.bytes += n
	last.count += count
	s.bytes += n
	s.waiting += count
	if last.bytes >= segmentBytes {
		s.seal()
	}
	s.more.Signal()
	return nil
}

// begin starts the next segment.
func (s *Store) begin() error {
	seg := &segment{number: s.next}
	f, err := disk.Create(seg.name(s.dir), 0o600)
	if err != nil {
		return err
	}
	s.next++
	s.active = f
	s.segs = append(s.segs, seg)
	return nil
}

// seal ends the segment that is written to.
func (s *Store) seal() {
	if s.active != nil {
		s.active.Close() // every write to it was checked
		s.active = nil
	}
}

// Next takes the next message. It waits for one, and returns io.EOF once Stop
// was called. Any other error may go away: nothing is given up for it, and the
// next call tries again. The message is valid until the next call.
func (s *Store) Next() ([]byte, error) {
	for {
		seg, err := s.turn()
		if err != nil {
			return nil, err
		}
		msg, err := s.src.Next()
		if err != nil && err != io.EOF {
			s.shut()
			return nil, err
		}
		s.mu.Lock()
		if err == io.EOF {
			// Damage on the disk: the segment has fewer than were written to it.
			lost := seg.count - seg.taken
			seg.count, s.damaged, s.waiting = seg.taken, s.damaged+lost, s.waiting-lost
			s.sweep()
			s.mu.Unlock()
			continue
		}
		seg.taken++
		s.waiting--
		s.held++
		s.mu.Unlock()
		return msg, nil
	}
}

// turn waits for a segment with something to take, and opens it.
func (s *Store) turn() (*segment, error) {
	s.mu.Lock()
	for s.waiting == 0 && !s.closed {
		s.more.Wait()
	}
	if s.closed {
		s.mu.Unlock()
		s.shut()
		return nil, io.EOF
	}
	i := slices.IndexFunc(s.segs, func(seg *segment) bool { return seg.taken < seg.count })
	seg := s.segs[i]
	if i == len(s.segs)-1 {
		s.seal() // what comes now goes into the next one: a file that grows is not read
	}
	skip := seg.taken
	s.mu.Unlock()
	if s.at == seg {
		return seg, nil
	}
	s.shut()
	f, err := os.Open(seg.name(s.dir))
	if err != nil {
		return nil, err
	}
	s.at, s.file = seg, f
	s.src, err = payload.Open(f, f.Name(), s.most)
	for ; err == nil && skip > 0; skip-- {
		_, err = s.src.Next()
	}
	if err != nil && err != io.EOF { // an end that comes too early, Next finds too
		s.shut()
		return nil, err
	}
	return seg, nil
}

func (s *Store) shut() {
	if s.file != nil {
		s.file.Close() // it was only read
	}
	s.file, s.src, s.at = nil, nil, nil
}

// Release ends the keeping of the n oldest messages that were taken.
func (s *Store) Release(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held -= n
	for _, seg := range s.segs {
		m := min(n, seg.taken-seg.released)
		seg.released += m
		n -= m
	}
	s.sweep()
	if now := time.Now(); !s.closed && s.lock != nil && now.Sub(s.saved) >= saveInterval {
		s.saved = now
		_ = s.save(nil) // an older position sends some messages again, no more
	}
}

// sweep removes the segments that are done with. s.mu is held.
func (s *Store) sweep() {
	for len(s.segs) > 0 {
		first := s.segs[0]
		if first.released < first.count {
			return
		}
		if len(s.segs) == 1 {
			s.seal()
		}
		// When it cannot be removed, it is sent again after a restart: the position says nothing of it.
		_ = os.Remove(first.name(s.dir))
		s.bytes -= first.bytes
		s.segs = s.segs[1:]
	}
}

// Level returns how many messages wait to be taken, how many are taken and not
// released, and how many bytes all of them have on disk.
func (s *Store) Level() (waiting, held int, bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiting, s.held, s.bytes
}

// Damaged returns how many messages could not be read back.
func (s *Store) Damaged() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.damaged
}

// Stop has Next return io.EOF, now and from now on, and Append refuse.
func (s *Store) Stop() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.more.Broadcast()
}

// Close ends the use of the folder, after Stop and the last Next. before are
// messages that belong before all that is kept, and mark, unless nil, is what
// Open gives back: what is kept then is exactly what was not released. It
// returns how many messages are kept.
func (s *Store) Close(before [][]byte, mark *Mark) (kept int, err error) {
	s.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lock == nil && len(before) == 0 {
		return 0, nil
	}
	if _, err := s.establish(); err != nil {
		return 0, err
	}
	defer s.lock.Close()
	s.seal()
	if len(before) > 0 {
		if err := s.prepend(before); err != nil {
			mark = nil
			return s.waiting + s.held, errors.Join(err, s.save(nil))
		}
	}
	return s.waiting + s.held + len(before), s.save(mark)
}

// Secure keeps messages that belong before all that is kept, of which nothing
// is released. They count as taken: somebody has them, and will release them.
func (s *Store) Secure(msgs [][]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.establish(); err != nil {
		return err
	}
	if err := s.prepend(msgs); err != nil {
		return err
	}
	s.segs[0].taken = len(msgs)
	s.held += len(msgs)
	return nil
}

// prepend writes a segment before all others. s.mu is held.
func (s *Store) prepend(msgs [][]byte) error {
	seg := &segment{number: s.next - 1, count: len(msgs)}
	if len(s.segs) > 0 {
		first := s.segs[0]
		if first.released > 0 {
			return fmt.Errorf("spill %s: messages out of order", s.dir)
		}
		seg.number = first.number - 1
	}
	var out []byte
	for _, msg := range msgs {
		out = payload.AppendRecord(out, msg)
	}
	// The position first: an old one could be about an earlier segment of
	// that number.
	s.segs = slices.Insert(s.segs, 0, seg)
	name := seg.name(s.dir)
	err := s.save(nil)
	if err == nil {
		err = disk.Replace(name, out)
	}
	if err != nil {
		_ = os.Remove(name)
		s.segs = s.segs[1:]
		return err
	}
	seg.bytes = int64(len(out))
	s.bytes += seg.bytes
	return nil
}
