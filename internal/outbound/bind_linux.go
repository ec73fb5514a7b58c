package outbound

import (
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

type rawConn = syscall.RawConn

// bindAnyPort binds the socket to a free local port and returns it.
func bindAnyPort(network string, c rawConn) (port uint16, err error) {
	ctlErr := c.Control(func(fd uintptr) {
		var any unix.Sockaddr = &unix.SockaddrInet4{}
		if strings.HasSuffix(network, "6") {
			any = &unix.SockaddrInet6{}
		}
		if err = unix.Bind(int(fd), any); err != nil {
			return
		}
		var sa unix.Sockaddr
		if sa, err = unix.Getsockname(int(fd)); err != nil {
			return
		}
		switch sa := sa.(type) {
		case *unix.SockaddrInet4:
			port = uint16(sa.Port)
		case *unix.SockaddrInet6:
			port = uint16(sa.Port)
		}
	})
	if ctlErr != nil {
		return 0, ctlErr
	}
	return port, err
}
