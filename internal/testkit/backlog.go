package testkit

import (
	"fmt"
	"net"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// ReserveListener returns an address that refuses connections until listen is
// called, and that nobody else can take meanwhile. listen listens there with that
// backlog.
func ReserveListener(t testing.TB, backlog int) (addr string, listen func() net.Listener) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	Must(t, err)
	file := os.NewFile(uintptr(fd), "listener")
	t.Cleanup(func() { file.Close() })
	Must(t, unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	local, err := unix.Getsockname(fd)
	Must(t, err)
	return fmt.Sprintf("127.0.0.1:%d", local.(*unix.SockaddrInet4).Port), func() net.Listener {
		Must(t, unix.Listen(fd, backlog))
		l, err := net.FileListener(file)
		Must(t, err)
		return l
	}
}
