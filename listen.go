package main

import (
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/buger/gor/internal/outbound"
)

// listen is net.Listen whose Accept says what it lacks when that is files.
func listen(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, explainListen(addr, err)
	}
	return filesListener{l}, nil
}

type filesListener struct{ net.Listener }

func (l filesListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return conn, outbound.ExplainFiles(err)
}

// explainListen says what to do about an address that cannot be listened on.
func explainListen(addr string, err error) error {
	_, port, _ := net.SplitHostPort(addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("listen on %q: the port is in use; see by whom with: ss -ltnp 'sport = :%s'", addr, port)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("listen on %q: this host has no such address; :%s listens on all it has", addr, port)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("listen on %q: not permitted; ports below 1024 need root: take another, such as :28020", addr)
	}
	return fmt.Errorf("listen on %q: %w", addr, err)
}
