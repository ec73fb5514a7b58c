package spill

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/buger/gor/internal/disk"
)

// A disk that has no room for the folder, or for the lock in it, keeps no
// process from starting: messages go there once there is room.
func TestOpenWithoutRoomForTheFolder(t *testing.T) {
	for _, made := range []bool{false, true} {
		t.Run(fmt.Sprint("folder is there ", made), func(t *testing.T) {
			small := t.TempDir()
			if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=1m,nr_inodes=12"); err != nil {
				t.Skip("cannot mount a small disk: ", err)
			}
			defer syscall.Unmount(small, syscall.MNT_DETACH)
			dir := filepath.Join(small, "spill", "host")
			if made {
				if err := os.MkdirAll(dir, 0o700); err != nil {
					t.Fatal(err)
				}
			}
			var fillers []string
			for i := 0; ; i++ {
				name := filepath.Join(small, fmt.Sprint(i))
				if err := os.WriteFile(name, nil, 0o600); err != nil {
					break
				}
				fillers = append(fillers, name)
			}
			s, mark := open(t, dir)
			if s.Full() == nil || mark != nil {
				t.Fatalf("full %v, mark %v", s.Full(), mark)
			}
			for _, f := range []func() error{
				func() error { return s.Append(messages(0, 10)) },
				func() error { return s.Secure(messages(0, 10)) },
			} {
				if err := f(); !errors.Is(err, syscall.ENOSPC) {
					t.Errorf("without room: %v", err)
				}
			}
			if err := s.Remember(); err != nil {
				t.Error(err)
			}
			s.Release(0)
			if waiting, held, bytes := s.Level(); waiting+held != 0 || bytes != 0 {
				t.Errorf("%d wait, %d are held, %d bytes", waiting, held, bytes)
			}
			for _, name := range fillers {
				os.Remove(name)
			}
			if err := s.Append(messages(0, 10)); err != nil {
				t.Fatalf("with room: %v", err)
			}
			take(t, s, 0, 5)
			s.Release(5)
			if n, err := s.Close(nil, &Mark{Identity: "a", Number: 6}); n != 5 || err != nil {
				t.Fatalf("kept %d, %v", n, err)
			}
			s, mark = open(t, dir)
			if mark == nil || s.Found() != 5 || !s.Acknowledges() {
				t.Errorf("mark %v, found %d, acknowledges %v", mark, s.Found(), s.Acknowledges())
			}
			take(t, s, 5, 10)
		})
	}
}

// It ends, too, when there never was room.
func TestCloseWithoutRoom(t *testing.T) {
	small := t.TempDir()
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=1m,nr_inodes=1"); err != nil {
		t.Skip("cannot mount a small disk: ", err)
	}
	defer syscall.Unmount(small, syscall.MNT_DETACH)
	s, _ := open(t, filepath.Join(small, "spill"))
	if n, err := s.Close(nil, &Mark{Identity: "a", Number: 1}); n != 0 || err != nil {
		t.Errorf("kept %d, %v", n, err)
	}
	s, _ = open(t, filepath.Join(small, "spill"))
	if n, err := s.Close(messages(0, 3), &Mark{Identity: "a", Number: 1}); n != 0 || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("kept %d, %v", n, err)
	}
}

// A folder that a stranger made where everybody may is refused, and so is one
// below it or behind the stranger's link.
func TestStrangersFolder(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("it makes folders of another user and needs root")
	}
	const stranger = 54321
	sticky := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Chmod(sticky, 0o1777))
	theirs, link, own, mine := filepath.Join(sticky, "theirs"), filepath.Join(sticky, "link"), filepath.Join(sticky, "own"), t.TempDir()
	must(os.Mkdir(theirs, 0o777))
	must(os.Lchown(theirs, stranger, stranger))
	must(os.Symlink(mine, link))
	must(os.Lchown(link, stranger, stranger))
	must(os.Mkdir(own, 0o700))
	service := filepath.Join(mine, "service") // as an administrator makes it
	must(os.Mkdir(service, 0o700))
	must(os.Lchown(service, stranger, stranger))
	for dir, bad := range map[string]bool{
		theirs: true, filepath.Join(theirs, "below"): true, link: true, filepath.Join(link, "below"): true,
		own: false, filepath.Join(own, "below"): false, filepath.Join(sticky, "new"): false, service: false,
	} {
		s, _, err := Open(dir, 1<<20, 1<<10)
		if errors.As(err, new(*disk.Untrusted)) != bad || err != nil && !bad {
			t.Errorf("%s: %v", dir, err)
		}
		if s != nil {
			s.Close(nil, nil)
		}
	}
	if left, _ := os.ReadDir(theirs); len(left) > 0 {
		t.Errorf("%v was made in a stranger's folder", left)
	}
}
