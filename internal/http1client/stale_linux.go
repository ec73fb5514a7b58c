package http1client

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// A peek looks whether a connection has received anything, without taking it.
type peek struct {
	raw  syscall.RawConn
	fds  [1]unix.PollFd
	n    int
	err  error
	poll func(fd uintptr) // made once: a closure for each look would allocate
}

func newPeek(conn net.Conn) *peek {
	p := &peek{}
	if sc, ok := conn.(syscall.Conn); ok {
		p.raw, _ = sc.SyscallConn() // nil for no socket, which is not looked at
	}
	p.poll = func(fd uintptr) {
		p.fds[0] = unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
		p.n, p.err = unix.Poll(p.fds[:], 0)
	}
	return p
}

// quiet reports that a read would wait: nothing came, neither bytes nor the
// end of the connection, which poll(2) reports too.
func (p *peek) quiet() bool {
	if p.raw == nil {
		return true
	}
	if err := p.raw.Control(p.poll); err != nil {
		return false
	}
	return p.n == 0 || p.err != nil // interrupted: the exchange tells
}
