package middleware

import (
	"os"

	"golang.org/x/sys/unix"
)

// growPipe asks the kernel for a larger pipe; without it, it only takes more
// wake-ups.
func growPipe(f *os.File, bytes int) {
	if conn, err := f.SyscallConn(); err == nil {
		_ = conn.Control(func(fd uintptr) { _, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, bytes) })
	}
}
