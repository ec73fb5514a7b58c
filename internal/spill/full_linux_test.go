package spill

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A full disk keeps no process from opening the folder: what is in it can be
// sent, which makes room.
func TestOpenOnFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Skip("cannot mount a small disk: ", err)
	}
	defer syscall.Unmount(dir, syscall.MNT_DETACH)
	s, _ := open(t, dir)
	if err := s.Append(messages(0, 100)); err != nil {
		t.Fatal(err)
	}
	s.Close(nil, &Mark{Identity: "a", Number: 1})
	filler, err := os.Create(filepath.Join(dir, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = filler.Write(make([]byte, 4<<10))
	}
	filler.Close()
	s, mark := open(t, dir)
	if s.Full() == nil {
		t.Skip("the disk is not full")
	}
	if mark == nil || mark.Identity != "a" {
		t.Errorf("mark %v", mark)
	}
	if err := s.Append(messages(100, 3000)); err == nil {
		t.Error("a full disk took messages")
	}
	take(t, s, 0, 100)
	s.Release(100)
	os.Remove(filler.Name())
	if err := s.Append(messages(100, 110)); err != nil {
		t.Errorf("with room again: %v", err)
	}
	take(t, s, 100, 110)
	s.lock.Close() // as the end of the process does
	s, mark = open(t, dir)
	if mark != nil {
		t.Errorf("the mark %v is good for a second start", mark)
	}
	take(t, s, 100, 110)
}
