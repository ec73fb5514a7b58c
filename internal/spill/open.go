package spill

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/buger/gor/internal/disk"
	"github.com/buger/gor/internal/payload"
)

const (
	// firstSegment leaves room for segments that come before all others.
	firstSegment = 1_000_000_000

	positionFile = "position.json"
	lockName     = "lock"
)

// A Mark is what a sender that ended in good order tells its successor: who it
// was to the receiver, and the number of the first message that is kept.
type Mark struct {
	Identity string `json:"identity"`
	Number   uint64 `json:"number"`

	// Secret proves to the receiver that a sender is of that identity.
	Secret string `json:"secret,omitempty"`
}

// position is what of the first segment is done with.
type position struct {
	Segment  uint64 `json:"segment"`
	Released int    `json:"released"`
	Mark     *Mark  `json:"mark,omitempty"`

	// Acknowledges says that the receiver of these messages has once
	// acknowledged some.
	Acknowledges bool `json:"acknowledges,omitempty"`
}

// Open opens a folder, which it makes when there is none, for at most limit
// bytes on disk and messages of at most most bytes. mark is that of the last
// Close, nil when the process that used the folder did not get so far: then
// some of what is kept may have been sent. When another process has the
// folder, the error is disk.ErrLocked; when a stranger made it, a
// *disk.Untrusted. On a full disk the folder may be made later, see Full.
func Open(dir string, limit int64, most int) (s *Store, mark *Mark, err error) {
	s = &Store{dir: dir, limit: limit, most: most, next: firstSegment}
	s.more.L = &s.mu
	mark, err = s.establish()
	if isFull(err) {
		s.full, err = err, nil
	}
	if err != nil {
		return nil, nil, err
	}
	return s, mark, nil
}

// isFull reports whether err is about a disk without room.
func isFull(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// establish makes and locks the folder and finds out what is in it, unless that
// was done. s.mu is held, or s is new.
func (s *Store) establish() (*Mark, error) {
	if s.lock != nil {
		return nil, nil
	}
	if err := disk.MakeFolder(s.dir); err != nil {
		return nil, err
	}
	lock, err := disk.Append(filepath.Join(s.dir, lockName), 0o600)
	if err != nil {
		return nil, err
	}
	err = disk.Lock(lock)
	if err != nil {
		lock.Close()
		return nil, fmt.Errorf("%s: %w", s.dir, err)
	}
	s.lock = lock
	mark, err := s.load()
	if err != nil {
		lock.Close()
		s.lock, s.segs = nil, nil
		return nil, err
	}
	return mark, nil
}

// load finds out what the folder holds.
func (s *Store) load() (*Mark, error) {
	list, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, err
	}
	for _, e := range list {
		digits, ok := strings.CutSuffix(e.Name(), ".gor")
		number, err := strconv.ParseUint(digits, 10, 64)
		if !ok || err != nil || e.IsDir() {
			continue // not ours
		}
		seg := &segment{number: number}
		if filepath.Base(seg.name(s.dir)) != e.Name() {
			continue
		}
		if err := s.count(seg); err != nil {
			return nil, err
		}
		s.segs = append(s.segs, seg)
		s.next = max(s.next, number+1)
	}
	slices.SortFunc(s.segs, func(a, b *segment) int { return int(a.number) - int(b.number) })
	pos := s.readPosition()
	s.acknowledges = s.acknowledges || pos.Acknowledges
	if len(s.segs) > 0 && s.segs[0].number == pos.Segment {
		first := s.segs[0]
		first.released = min(max(pos.Released, 0), first.count)
		first.taken = first.released
	} else if len(s.segs) > 0 {
		pos.Mark = nil // it is about another one
	}
	s.waiting, s.bytes = 0, 0
	for _, seg := range s.segs {
		s.waiting += seg.count - seg.taken
		s.bytes += seg.bytes
	}
	s.found = s.waiting
	s.more.Signal()
	s.sweep()
	// The mark holds once: from now on only a good end renews it.
	if err := s.save(nil); err != nil {
		if !isFull(err) {
			return nil, err
		}
		// A disk that is full must not keep the process from starting: what
		// is there can still be sent, and that makes room. An old position
		// would be wrong later on; without one some messages come again.
		if rerr := os.Remove(filepath.Join(s.dir, positionFile)); rerr != nil && !errors.Is(rerr, os.ErrNotExist) {
			return nil, errors.Join(err, rerr)
		}
		s.full = err
	}
	return pos.Mark, nil
}

// Full returns why the folder could not be made, or written to, when it was
// opened: its disk is full. Nil means that it was not. Append and Secure try
// again.
func (s *Store) Full() error { return s.full }

// Found returns how many messages an earlier process has left in the folder.
func (s *Store) Found() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.found
}

// count finds out how many messages a segment has.
func (s *Store) count(seg *segment) error {
	f, err := os.Open(seg.name(s.dir))
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	seg.bytes = info.Size()
	src, err := payload.Open(f, f.Name(), s.most)
	for err == nil {
		if _, err = src.Next(); err == nil {
			seg.count++
		}
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// readPosition returns the saved position, or one that is about no segment.
func (s *Store) readPosition() (pos position) {
	b, err := os.ReadFile(filepath.Join(s.dir, positionFile))
	if err != nil || json.Unmarshal(b, &pos) != nil {
		return position{}
	}
	return pos
}

// Acknowledges reports whether the receiver of these messages is known to
// acknowledge them, from this process or an earlier one.
func (s *Store) Acknowledges() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.acknowledges
}

// Remember has it known, also after a restart, that the receiver of these
// messages acknowledges them.
func (s *Store) Remember() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.acknowledges || s.closed {
		return nil
	}
	s.acknowledges = true
	if s.lock == nil {
		return nil // it is said when there is a folder
	}
	return s.save(nil)
}

// save writes the position. s.mu is held.
func (s *Store) save(mark *Mark) error {
	pos := position{Segment: s.next, Mark: mark, Acknowledges: s.acknowledges}
	if len(s.segs) > 0 {
		pos.Segment, pos.Released = s.segs[0].number, s.segs[0].released
	}
	b, err := json.Marshal(pos)
	if err != nil {
		return err
	}
	name := filepath.Join(s.dir, positionFile)
	return disk.Replace(name, b)
}
