package outbound

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/buger/gor/internal/testkit"
)

// A connection is known from before its first byte until it is forgotten,
// some time after it was closed.
func TestConnsAreKnown(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	conns := New(true)
	var forget []func()
	conns.forget = func(f func()) { forget = append(forget, f) }

	conn, err := conns.DialContext(context.Background(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	local, remote := netip.MustParseAddrPort(conn.LocalAddr().String()), netip.MustParseAddrPort(conn.RemoteAddr().String())
	known := func(want bool) {
		t.Helper()
		if conns.Has(local, remote) != want || conns.Has(remote, local) != want {
			t.Errorf("known: %v and %v, want %v", conns.Has(local, remote), conns.Has(remote, local), want)
		}
	}
	known(true)
	other := netip.AddrPortFrom(local.Addr(), local.Port()^1)
	if conns.Has(other, remote) {
		t.Error("a connection from another port is known")
	}
	for range 2 {
		conn.Close()
	}
	known(true) // its last packets may still be in a ring
	if len(forget) != 1 {
		t.Fatalf("to be forgotten %d times, want once", len(forget))
	}
	forget[0]()
	known(false)
}

func TestFailedConnectIsForgotten(t *testing.T) {
	addr := testkit.FreePort(t)
	conns := New(true)
	conns.forget = func(f func()) { f() }
	if _, err := conns.DialContext(context.Background(), "tcp", addr); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dial: %v", err)
	}
	if n := len(conns.local); n != 0 {
		t.Errorf("%d remembered", n)
	}
}

func TestExplainFiles(t *testing.T) {
	lack := ExplainFiles(&net.OpError{Op: "dial", Err: os.NewSyscallError("socket", syscall.EMFILE)})
	var ne net.Error
	if !errors.As(lack, &ne) || !errors.Is(lack, syscall.EMFILE) {
		t.Errorf("%v is not an error of the network any more", lack)
	}
	if runtime.GOOS == "linux" && !strings.Contains(lack.Error(), "ulimit -n") {
		t.Errorf("%v does not say what the limit is", lack)
	}
	if err := ExplainFiles(syscall.ECONNREFUSED); err != syscall.ECONNREFUSED {
		t.Errorf("another error became %v", err)
	}
}

// Without a capture nothing is remembered.
func TestWithoutCapture(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	conns := New(false)
	conn, err := conns.DialContext(context.Background(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if n := len(conns.local); n != 0 {
		t.Errorf("%d remembered", n)
	}
}
