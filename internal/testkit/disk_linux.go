package testkit

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TinyDisk mounts a file system of 4 MB for the length of the test.
func TinyDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=4m"); err != nil {
		t.Skipf("%s: mount: %v; as root: sudo go test -run %s ./...", t.Name(), err, t.Name())
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount %q: %v", dir, err)
		}
	})
	return dir
}
