package main

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// tinyDisk mounts a file system of 4 MB for the length of the test.
func tinyDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=4m"); err != nil {
		t.Skipf("%s: mount: %v; as root: sudo go test -run %s .", t.Name(), err, t.Name())
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount %q: %v", dir, err)
		}
	})
	return dir
}

func TestFileOutputDiskFull(t *testing.T) {
	dir := tinyDisk(t)
	filler := writeFile(t, filepath.Join(dir, "filler"), make([]byte, 3<<20))
	name := filepath.Join(dir, "x.gor")
	out := newRecording(t, name, nil)
	wantRecovery(t, out, name, "no space left on device", func() {
		got, damage := readBack(t, name)
		if len(got) == 0 || damage.Any() {
			t.Errorf("on the full disk are %d records, %s", len(got), damage)
		}
		must(t, os.Remove(filler))
	})
}
