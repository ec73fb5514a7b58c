package disk

import (
	"io/fs"
	"syscall"

	"golang.org/x/sys/unix"
)

// Removed reports whether an open file has no name any more.
func Removed(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && st.Nlink == 0
}

// MayWrite returns an error when files cannot be made in a folder (access(2)).
func MayWrite(folder string) error {
	if err := unix.Access(folder, unix.W_OK|unix.X_OK); err != nil {
		return &fs.PathError{Op: "write to", Path: folder, Err: err}
	}
	return nil
}

// mayChange returns an error when a file that is there cannot be written to.
func mayChange(file string) error {
	if err := unix.Access(file, unix.W_OK); err != nil {
		return &fs.PathError{Op: "open", Path: file, Err: err}
	}
	return nil
}
