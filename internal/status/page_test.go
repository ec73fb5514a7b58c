package status

import (
	"bytes"
	"io"
	"net"
	runtimepprof "runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/ledger"
)

func openPage(t *testing.T) *Page {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	page := New(listener, Config{Version: "0", Build: "0", Logf: t.Logf})
	t.Cleanup(page.Close)
	page.Serve(func() ledger.Ledger { return ledger.Ledger{} })
	return page
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits for what other goroutines do.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

func TestNilPage(t *testing.T) {
	var page *Page
	page.Serve(nil)
	page.Close()
}

// TestPageEndsAProfile: when the page has ended, so has what it began.
func TestPageEndsAProfile(t *testing.T) {
	page := openPage(t)
	c, err := net.Dial("tcp", page.listener.Addr().String())
	must(t, err)
	defer c.Close()
	_, err = io.WriteString(c, "GET /debug/pprof/profile?seconds=600 HTTP/1.1\r\nHost: x\r\n\r\n")
	must(t, err)
	eventually(t, "the profile is being taken", func() bool {
		var stacks bytes.Buffer
		must(t, runtimepprof.Lookup("goroutine").WriteTo(&stacks, 2))
		return strings.Contains(stacks.String(), "pprof.Profile(")
	})
	page.Close()
	if err := runtimepprof.StartCPUProfile(io.Discard); err != nil {
		t.Error(err)
	}
	runtimepprof.StopCPUProfile()
}

// TestPageIsBounded: connections beyond the bound are closed, and room is
// made when others leave.
func TestPageIsBounded(t *testing.T) {
	page := openPage(t)
	addr := page.listener.Addr().String()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", addr)
		must(t, err)
		t.Cleanup(func() { c.Close() })
		must(t, c.SetDeadline(time.Now().Add(time.Minute)))
		return c
	}
	ask := func(c net.Conn) error {
		if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			return err
		}
		_, err := c.Read(make([]byte, 1))
		return err
	}
	var conns []net.Conn
	for range maxConns {
		c := dial()
		must(t, ask(c))
		conns = append(conns, c)
	}
	if err := ask(dial()); err == nil {
		t.Errorf("connection %d was answered", maxConns+1)
	}
	conns[0].Close()
	eventually(t, "there is room again", func() bool { return ask(dial()) == nil })
}
