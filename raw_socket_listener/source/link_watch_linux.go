package source

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// linkEvents is room for many messages of rtnetlink(7), each of which has about
// 1.5 KiB.
const linkEvents = 64 << 10

// A linkWatch is told by the kernel when interfaces appear, go away, or get
// another name. It needs no privilege.
type linkWatch struct {
	fd  int
	buf []byte
}

func openLinkWatch() (*linkWatch, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("open a netlink socket: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: unix.RTMGRP_LINK}); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("ask for changes of network interfaces: %w", err)
	}
	return &linkWatch{fd: fd, buf: make([]byte, linkEvents)}, nil
}

// changed reports whether something happened since the last call, and reads
// all of it. What it was is not looked at: when many things happen the kernel
// leaves some out (ENOBUFS), so that the list of interfaces has to be read anew
// in any case.
func (w *linkWatch) changed() (some bool) {
	for {
		n, _, err := unix.Recvfrom(w.fd, w.buf, 0)
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.ENOBUFS):
			some = true
		case err != nil || n <= 0:
			return some
		default:
			some = true
		}
	}
}

func (w *linkWatch) close() { _ = unix.Close(w.fd) }
