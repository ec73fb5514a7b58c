package admission

import (
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/buger/gor/internal/outbound"
)

// Listen is net.Listen for TCP whose errors say what to do about them, those of
// Accept about open files too.
func Listen(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, explain(addr, err)
	}
	return listener{l}, nil
}

type listener struct{ net.Listener }

func (l listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return conn, outbound.ExplainFiles(err)
}

// explain says what to do about an address that cannot be listened on.
func explain(addr string, err error) error {
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
