package spill

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// lockFolder takes the lock of a folder until unlock is called or the process
// ends (flock(2)). Where the file system has no locks, it trusts that only one
// process uses the folder.
func lockFolder(name string) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	switch {
	case errors.Is(err, unix.EWOULDBLOCK):
		f.Close()
		return nil, ErrInUse
	case err == nil, errors.Is(err, unix.ENOLCK), errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EOPNOTSUPP):
		return func() { f.Close() }, nil
	}
	f.Close()
	return nil, err
}
