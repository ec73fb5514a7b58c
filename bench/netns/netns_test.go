package netns

import (
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func newPair(t *testing.T) *Pair {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skipf("it makes network namespaces and needs root: sudo go test -run '^%s$' ./bench/netns", t.Name())
	}
	if _, err := Tool("ip"); err != nil {
		t.Skipf("%v: sudo apt-get install iproute2", err)
	}
	p, err := NewPair("gortest")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// TestWire: what is dialled on one host arrives on the other, and comes from
// where it should.
func TestWire(t *testing.T) {
	p := newPair(t)
	for _, test := range []struct{ at, from string }{{p.Near.IPv4, p.Far.IPv4}, {p.Near.IPv6, p.Far.IPv6}} {
		l, err := p.Near.Listen(net.JoinHostPort(test.at, "80"))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		c, err := p.Far.Dial(l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		s, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if got, _, _ := net.SplitHostPort(s.RemoteAddr().String()); got != test.from {
			t.Errorf("a connection from %s, want %s", got, test.from)
		}
		if _, err := s.Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		s.Close()
		if got, err := io.ReadAll(c); string(got) != "hello" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
	}
}

// TestDo: f runs on the host, and nothing that runs after it does.
func TestDo(t *testing.T) {
	p := newPair(t)
	hasFar := func() bool {
		addrs, err := net.InterfaceAddrs()
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(addrs, func(a net.Addr) bool { return strings.HasPrefix(a.String(), p.Far.IPv4+"/") })
	}
	var inside bool
	if err := p.Far.Do(func() error { inside = hasFar(); return nil }); err != nil || !inside {
		t.Errorf("f does not run on the host: %v", err)
	}
	want := errors.New("what f returns")
	if err := p.Far.Do(func() error { return want }); err != want {
		t.Errorf("got %v, want %v", err, want)
	}
	for range 4 * runtime.GOMAXPROCS(0) {
		outside := make(chan bool)
		go func() { outside <- hasFar() }()
		if <-outside {
			t.Fatal("a goroutine runs on the host that did not ask for it")
		}
	}
}

// TestPrefix: a command runs on its host.
func TestPrefix(t *testing.T) {
	p := newPair(t)
	if got := (Host{}).Prefix(); got != nil {
		t.Errorf("the zero host's prefix is %q", got)
	}
	args := append(p.Far.Prefix(), p.ip, "-br", "addr", "show", "veth0")
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	if err != nil || !strings.Contains(string(out), p.Far.IPv4) {
		t.Errorf("%v: %s", err, out)
	}
}

// TestCloseTwice: what is gone already is not an error, and is really gone.
func TestCloseTwice(t *testing.T) {
	p := newPair(t)
	for range 2 {
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Near.Do(func() error { return nil }); err == nil {
		t.Error("the namespace is still there")
	}
}
