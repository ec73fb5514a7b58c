package testkit

import (
	"errors"
	"net"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// loopback4 is any port of 127.0.0.1: a value of its own for each caller, since
// bind(2)'s wrapper writes into it.
func loopback4() *unix.SockaddrInet4 { return &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}} }

// reserve binds a socket to a port of 127.0.0.1 that the system chooses, and does
// not listen. As long as it is open the system gives the port to no connection
// and to no other socket that asks for any, while a listener that asks for this
// one gets it: Go, nginx and others set SO_REUSEADDR, which lets two sockets have
// one address if the first does not listen (socket(7)). Connections to it are
// refused until somebody listens.
func reserve() (addr string, release func(), err error) {
	fd, port, err := bind(unix.AF_INET, loopback4())
	if err != nil {
		return "", nil, err
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), func() { _ = unix.Close(fd) }, nil
}

// bothTries bounds the search for a port that is free on both addresses. Half of
// all ports in use on one of them would make it fail once in a million times.
const bothTries = 20

// reserveBoth reserves one port on 127.0.0.1 and on ::1.
func reserveBoth() (port string, release func(), err error) {
	for range bothTries {
		four, n, err := bind(unix.AF_INET, loopback4())
		if err != nil {
			return "", nil, err
		}
		six, _, err := bind(unix.AF_INET6, &unix.SockaddrInet6{Addr: [16]byte{15: 1}, Port: n})
		if err == nil {
			return strconv.Itoa(n), func() { _, _ = unix.Close(four), unix.Close(six) }, nil
		}
		_ = unix.Close(four)
	}
	return "", nil, errors.New("no port is free on 127.0.0.1 and ::1")
}

// bind opens a socket that shares its address with a listener.
func bind(family int, to unix.Sockaddr) (fd, port int, err error) {
	if fd, err = unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
		return -1, 0, os.NewSyscallError("socket", err)
	}
	if err = os.NewSyscallError("setsockopt", unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)); err == nil {
		err = os.NewSyscallError("bind", unix.Bind(fd, to))
	}
	var name unix.Sockaddr
	if err == nil {
		name, err = unix.Getsockname(fd)
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, 0, err
	}
	if four, ok := name.(*unix.SockaddrInet4); ok {
		return fd, four.Port, nil
	}
	return fd, to.(*unix.SockaddrInet6).Port, nil
}
