package spill

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/buger/gor/internal/disk"
	"github.com/buger/gor/internal/payload"
)

const (
	testLimit = 64 << 20
	testMost  = 1 << 20
)

func message(i int) []byte {
	return fmt.Appendf(nil, "1 %024x %d 0\nGET /%d HTTP/1.1\r\nHost: a\r\n\r\n", i, 1_700_000_000_000_000_000+i, i)
}

func messages(from, to int) (list [][]byte) {
	for i := from; i < to; i++ {
		list = append(list, message(i))
	}
	return list
}

func open(t *testing.T, dir string) (*Store, *Mark) {
	t.Helper()
	s, mark, err := Open(dir, testLimit, testMost)
	if err != nil {
		t.Fatal(err)
	}
	return s, mark
}

// take wants the messages from and up to, in order.
func take(t *testing.T, s *Store, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		msg, err := s.Next()
		if err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
		if want := message(i); !bytes.Equal(msg, want) {
			t.Fatalf("got %q, want %q", msg, want)
		}
	}
}

func level(t *testing.T, s *Store, waiting, held int) {
	t.Helper()
	if w, h, _ := s.Level(); w != waiting || h != held {
		t.Errorf("%d wait and %d are held, want %d and %d", w, h, waiting, held)
	}
}

func recordings(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.gor"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestOrder(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, dir)
	if err := s.Append(messages(0, 10)); err != nil {
		t.Fatal(err)
	}
	take(t, s, 0, 4)
	if err := s.Append(messages(10, 20)); err != nil {
		t.Fatal(err)
	}
	take(t, s, 4, 20)
	level(t, s, 0, 20)
	s.Release(15)
	level(t, s, 0, 5)
	s.Release(5)
	level(t, s, 0, 0)
	if left := recordings(t, dir); len(left) > 0 {
		t.Errorf("%v are left", left)
	}
	if err := s.Append(messages(20, 21)); err != nil {
		t.Fatal(err)
	}
	take(t, s, 20, 21)
}

// A good end keeps exactly what was not released, and says from where on.
func TestReopen(t *testing.T) {
	dir := t.TempDir()
	s, mark := open(t, dir)
	if mark != nil {
		t.Errorf("a new folder has the mark %v", mark)
	}
	s.Append(messages(0, 10))
	take(t, s, 0, 7)
	s.Release(3)
	want := Mark{Identity: "who", Number: 4}
	if kept, err := s.Close(nil, &want); err != nil || kept != 7 {
		t.Fatalf("Close = %d, %v, want 7", kept, err)
	}
	s, mark = open(t, dir)
	if mark == nil || *mark != want {
		t.Errorf("mark %v, want %v", mark, want)
	}
	level(t, s, 7, 0)
	take(t, s, 3, 10)
	s.Release(7)
	if kept, err := s.Close(nil, &want); err != nil || kept != 0 {
		t.Fatalf("Close = %d, %v, want 0", kept, err)
	}
	s, _ = open(t, dir)
	level(t, s, 0, 0)
}

// What is put before all others comes first, also twice.
func TestBefore(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, dir)
	s.Append(messages(10, 20))
	if kept, err := s.Close(messages(5, 10), &Mark{Identity: "a", Number: 6}); err != nil || kept != 15 {
		t.Fatalf("Close = %d, %v, want 15", kept, err)
	}
	s, mark := open(t, dir)
	if mark == nil || mark.Number != 6 {
		t.Errorf("mark %v, want number 6", mark)
	}
	if _, err := s.Close(messages(0, 5), nil); err != nil {
		t.Fatal(err)
	}
	s, mark = open(t, dir)
	if mark != nil {
		t.Errorf("mark %v, want none", mark)
	}
	take(t, s, 0, 20)
}

// What somebody else has is kept in its place until that is released.
func TestSecure(t *testing.T) {
	for _, later := range []int{0, 5} {
		dir := t.TempDir()
		s, _ := open(t, dir)
		// An earlier segment of the same number that was released in part.
		s.Append(messages(90, 95))
		take(t, s, 90, 95)
		s.Release(3)
		s.saved = s.saved.Add(-time.Hour)
		s.Release(2)
		if later > 0 {
			s.Append(messages(5, 5+later))
		}
		if err := s.Secure(messages(0, 5)); err != nil {
			t.Fatal(err)
		}
		level(t, s, later, 5)
		take(t, s, 5, 5+later)
		s.lock.Close() // as the end of the process does
		s, _ = open(t, dir)
		take(t, s, 0, 5+later)
		s.Release(5 + later)
		level(t, s, 0, 0)
	}
}

// A process that dies sends again at most what it had not said to be released,
// and a mark is good for one start.
func TestCrash(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, dir)
	s.Append(messages(0, 10))
	s.Close(nil, &Mark{Identity: "a", Number: 1})
	s, mark := open(t, dir)
	if mark == nil {
		t.Fatal("no mark")
	}
	take(t, s, 0, 10)
	s.Release(4)   // saved: the first one of a while
	s.lock.Close() // as the end of the process does
	// A record that was being written.
	name := recordings(t, dir)[0]
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	torn := payload.AppendRecord(nil, message(10))
	f.Write(torn[:len(torn)/2])
	f.Close()
	s, mark = open(t, dir)
	if mark != nil {
		t.Errorf("the mark %v is good for a second start", mark)
	}
	level(t, s, 6, 0)
	s.Append(messages(20, 21)) // behind the torn one, not into it
	take(t, s, 4, 10)
	take(t, s, 20, 21)
}

func TestFull(t *testing.T) {
	dir := t.TempDir()
	s, _, err := Open(dir, 2000, testMost)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for ; err == nil && n < 1000; n++ {
		err = s.Append([][]byte{message(n)})
	}
	n--
	if !errors.Is(err, ErrFull) || n < 10 {
		t.Fatalf("after %d messages: %v", n, err)
	}
	take(t, s, 0, n)
	s.Release(n)
	if err := s.Append([][]byte{message(0)}); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if _, _, size := s.Level(); size > 2000 {
		t.Errorf("%d bytes on disk", size)
	}
}

// That a receiver acknowledges outlives the process, whatever its end was.
func TestRemember(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, dir)
	if s.Acknowledges() {
		t.Error("a new folder knows its receiver")
	}
	s.Append(messages(0, 3))
	if err := s.Remember(); err != nil {
		t.Fatal(err)
	}
	s.lock.Close() // as the end of the process does
	for range 2 {
		s, _ = open(t, dir)
		if !s.Acknowledges() {
			t.Error("the receiver is forgotten")
		}
		take(t, s, 0, 3)
		if _, err := s.Close(nil, &Mark{Identity: "a", Number: 1}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestInUse(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, dir)
	if _, _, err := Open(dir, testLimit, testMost); !errors.Is(err, disk.ErrLocked) {
		t.Errorf("a second Open: %v, want %v", err, disk.ErrLocked)
	}
	s.Close(nil, nil)
	s, _ = open(t, dir)
	s.Close(nil, nil)
}

// A segment that is damaged costs what cannot be read of it, counted, and
// nothing behind it.
func TestDamage(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, dir)
	s.Append(messages(0, 5))
	if _, err := s.turn(); err != nil { // ends the first segment
		t.Fatal(err)
	}
	s.Append(messages(5, 8))
	name := recordings(t, dir)[0]
	if err := os.Truncate(name, 2*int64(len(payload.AppendRecord(nil, message(0))))); err != nil {
		t.Fatal(err)
	}
	s.shut()
	take(t, s, 0, 2)
	take(t, s, 5, 8)
	if n := s.Damaged(); n != 3 {
		t.Errorf("%d damaged, want 3", n)
	}
	s.Release(5)
	level(t, s, 0, 0)
	if left := recordings(t, dir); len(left) > 0 {
		t.Errorf("%v are left", left)
	}
}

// What cannot be opened now, as when there are too many open files, is not
// given up.
func TestTrouble(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, dir)
	s.Append(messages(0, 3))
	name := recordings(t, dir)[0]
	if err := os.Rename(name, name+".away"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := s.Next(); err == nil || err == io.EOF {
			t.Fatalf("Next without the file: %v", err)
		}
	}
	level(t, s, 3, 0)
	if err := os.Rename(name+".away", name); err != nil {
		t.Fatal(err)
	}
	take(t, s, 0, 3)
	if n := s.Damaged(); n != 0 {
		t.Errorf("%d damaged", n)
	}
}

func TestStop(t *testing.T) {
	s, _ := open(t, t.TempDir())
	got := make(chan error)
	go func() {
		_, err := s.Next()
		got <- err
	}()
	s.Stop()
	if err := <-got; err != io.EOF {
		t.Errorf("Next after Stop: %v, want EOF", err)
	}
	if err := s.Append(messages(0, 1)); err == nil {
		t.Error("Append after Stop took a message")
	}
}

// Against a model: any mixture of appending, taking, releasing and starting
// again gives every message once and in order.
func TestModel(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 0))
		dir := t.TempDir()
		s, _ := open(t, dir)
		appended, taken, released := 0, 0, 0
		for range 300 {
			switch random.IntN(5) {
			case 0, 1:
				n := random.IntN(20)
				if err := s.Append(messages(appended, appended+n)); err != nil {
					t.Fatal(err)
				}
				appended += n
			case 2:
				n := random.IntN(appended - taken + 1)
				take(t, s, taken, taken+n)
				taken += n
			case 3:
				n := random.IntN(taken - released + 1)
				s.Release(n)
				released += n
			case 4:
				if random.IntN(10) > 0 {
					continue
				}
				mark := &Mark{Identity: "x", Number: uint64(released)}
				if kept, err := s.Close(nil, mark); err != nil || kept != appended-released {
					t.Fatalf("seed %d: Close = %d, %v, want %d", seed, kept, err, appended-released)
				}
				var got *Mark
				s, got = open(t, dir)
				if got == nil && appended > released || got != nil && *got != *mark {
					t.Fatalf("seed %d: mark %v, want %v", seed, got, mark)
				}
				taken = released
			}
			level(t, s, appended-taken, taken-released)
		}
		take(t, s, taken, appended)
		s.Release(appended - released)
		s.Close(nil, nil)
		if left := recordings(t, dir); len(left) > 0 {
			t.Errorf("seed %d: %v are left", seed, left)
		}
	}
}

// The folder's recordings are ordinary ones.
func TestReadable(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, dir)
	s.Append(messages(0, 3))
	s.Close(nil, nil)
	f, err := os.Open(recordings(t, dir)[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	src, err := payload.Open(f, f.Name(), 0)
	if err != nil {
		t.Fatal(err)
	}
	var got [][]byte
	for {
		msg, err := src.Next()
		if err != nil {
			break
		}
		got = append(got, slices.Clone(msg))
	}
	if !slices.EqualFunc(got, messages(0, 3), bytes.Equal) {
		t.Errorf("got %q", got)
	}
}
