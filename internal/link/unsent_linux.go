package link

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// unsent returns how many bytes, written to conn, its peer's system has not
// confirmed: tcp(7), SIOCOUTQ. ok is false when that cannot be told.
func unsent(conn net.Conn) (n int, ok bool) {
	sys, is := conn.(syscall.Conn)
	if !is {
		return 0, false
	}
	raw, err := sys.SyscallConn()
	if err != nil {
		return 0, false
	}
	var ierr error
	if err := raw.Control(func(fd uintptr) { n, ierr = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) }); err != nil || ierr != nil {
		return 0, false
	}
	return n, true
}
