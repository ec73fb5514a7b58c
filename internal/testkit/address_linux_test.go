package testkit

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A port that a test was given is nobody else's: the system does not choose it
// for another socket, and who asks for it by number can listen there, again and
// again.
func TestFreePortIsHeld(t *testing.T) {
	addr := FreePort(t)
	if _, err := net.Dial("tcp", addr); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dial %s: %v, want a refusal", addr, err)
	}
	strict := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 0) })
	}}
	if l, err := strict.Listen(context.Background(), "tcp", addr); err == nil {
		l.Close()
		t.Errorf("somebody who does not ask to share an address got %s", addr)
	}
	for range 3 {
		l, err := net.Listen("tcp", addr)
		Must(t, err)
		client, err := net.Dial("tcp", addr)
		Must(t, err)
		if second, err := net.Listen("tcp", addr); err == nil {
			second.Close()
			t.Errorf("two listen on %s", addr)
		}
		client.Close()
		l.Close()
	}
}

// TestFreePortIsNotGivenOut: in a namespace with few ports, one of them held,
// whoever asks for any port gets the others and never that one.
func TestFreePortIsNotGivenOut(t *testing.T) {
	const first, ports = 30_000, 8
	// The thread is not unlocked: it ends with its namespace.
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Skipf("needs root for a network namespace: %v", err)
	}
	loopbackUp(t)
	Must(t, os.WriteFile("/proc/sys/net/ipv4/ip_local_port_range", fmt.Appendf(nil, "%d %d", first, first+ports-1), 0))
	addr := FreePort(t)
	listeners := map[string]bool{}
	for {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			break
		}
		defer l.Close()
		listeners[l.Addr().String()] = true
	}
	if listeners[addr] || len(listeners) != ports-1 {
		t.Errorf("of %d ports %d were given out; %s, which is held, is one of them: %v", ports, len(listeners), addr, listeners[addr])
	}
	if _, err := net.Listen("tcp", addr); err != nil {
		t.Errorf("listen there by name: %v", err)
	}
}

func loopbackUp(t *testing.T) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	Must(t, err)
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	Must(t, err)
	lo.SetUint16(unix.IFF_UP)
	Must(t, unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo))
}
