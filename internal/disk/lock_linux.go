package disk

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// Lock takes the lock on a file until it is closed (flock(2)), or returns
// ErrLocked. Where the file system has no locks, it trusts that only one
// process writes.
func Lock(f *os.File) error {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	switch {
	case errors.Is(err, unix.EWOULDBLOCK):
		return ErrLocked
	case errors.Is(err, unix.ENOLCK), errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EOPNOTSUPP):
		return nil
	}
	return err
}
