package source

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// interruptible gives a reader of r whose Close ends a Read that waits. A
// file that was opened by others, as stdin is, blocks in read(2) and Close
// would not wake it; making it non-blocking would change it for whoever
// shares it, such as the shell.
func interruptible(r io.Reader) (io.ReadCloser, error) {
	f, ok := r.(*os.File)
	if !ok {
		if rc, ok := r.(io.ReadCloser); ok {
			return rc, nil
		}
		return io.NopCloser(r), nil
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("open an eventfd: %w", err)
	}
	return &polledFile{file: f, wake: wake}, nil
}

// polledFile waits in poll(2) until there is something to read.
type polledFile struct {
	file *os.File
	wake int // eventfd that Close writes to, and that stays open: a Read may be about to wait for it
	once sync.Once
}

func (p *polledFile) Read(b []byte) (int, error) {
	fds := []unix.PollFd{
		{Fd: int32(p.wake), Events: unix.POLLIN},
		{Fd: int32(p.file.Fd()), Events: unix.POLLIN},
	}
	for {
		_, err := unix.Poll(fds, -1)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return 0, fmt.Errorf("wait for %s: %w", p.file.Name(), err)
		case fds[0].Revents != 0:
			return 0, os.ErrClosed
		}
		return p.file.Read(b)
	}
}

func (p *polledFile) Close() error {
	var err error
	p.once.Do(func() {
		_, err = unix.Write(p.wake, binary.NativeEndian.AppendUint64(nil, 1))
	})
	return err
}
