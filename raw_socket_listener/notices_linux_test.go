package rawsocket

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/buger/gor/raw_socket_listener/packettest"
	"github.com/buger/gor/raw_socket_listener/source"
)

// Drops of a real kernel are told within about a second of when the capture
// goes on.
func TestKernelDropsAreToldSoon(t *testing.T) {
	packettest.NeedRoot(t)
	server := packettest.Echo(t, "tcp4", "127.0.0.1:0").Addr().(*net.TCPAddr)
	lines := make(chan string, 100)
	release := make(chan struct{})
	c := Config{
		Address: mustAddress(t, fmt.Sprintf("lo:%d", server.Port)), RingBytes: 1, BlockTimeout: time.Millisecond,
		Logf: func(f string, args ...any) { lines <- fmt.Sprintf(f, args...) },
		// Whoever asks is the goroutine that should empty the ring.
		Exclude: func(src, dst netip.AddrPort) bool { <-release; return false },
	}
	l, err := Listen(c)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		for {
			if _, err := l.Next(); err != nil {
				return
			}
		}
	}()
	goOn := sync.OnceFunc(func() { close(release) })
	defer goOn()
	packettest.Talk(t, server.String(), make([]byte, 4<<20))
	for l.Stats().Source.Dropped == 0 {
		packettest.Talk(t, server.String(), make([]byte, 1<<20))
	}
	goOn()
	patience := time.After(packettest.Patience)
	for {
		select {
		case line := <-lines:
			if !strings.Contains(line, "the kernel dropped ") {
				continue // what a stream of zeros is
			}
			if !strings.Contains(line, "raise --input-raw-buffer-size") {
				t.Errorf("told %q", line)
			}
			return
		case <-patience:
			t.Fatal("nothing is told of the drops")
		}
	}
}

// A capture on the wrong port: the hint names the right one, and where. The
// end of the capture is the end of the hint.
func TestSilenceNamesTheRightPort(t *testing.T) {
	if !packettest.InNamespace(t) {
		return
	}
	packettest.RunIP(t, "link", "set", "lo", "up")
	server, err := net.Listen("tcp4", "127.0.0.1:8123")
	if err != nil {
		t.Fatal(err)
	}
	web := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
	go func() { _ = web.Serve(server) }()
	defer web.Close()

	lines := make(chan string, 100)
	c := Config{
		Address:      mustAddress(t, "lo:80"),
		BlockTimeout: time.Millisecond,
		Logf:         func(f string, args ...any) { lines <- fmt.Sprintf(f, args...) },
	}.withDefaults()
	sources, err := source.Open(source.Config{Address: c.Address, BlockTimeout: c.BlockTimeout}, 1)
	if err != nil {
		t.Fatal(err)
	}
	l := newListener(true)
	l.add(c, sources)
	l.notes.silence = time.Millisecond
	l.start()

	// The client goes on until the hint is there.
	quiet := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-quiet:
				return
			default:
			}
			if resp, err := http.Get("http://127.0.0.1:8123/"); err == nil {
				resp.Body.Close()
			}
		}
	}()
	var got []string
	patience := time.After(packettest.Patience)
	for len(got) < 3 {
		select {
		case line := <-lines:
			got = append(got, line)
		case <-patience:
			t.Fatalf("told only %q", got)
		}
	}
	close(quiet)
	<-done
	for i, want := range []string{"no packet for lo:80", "the interfaces saw, in ", "HTTP requests go to port 8123 on lo: capture them with --input-raw :8123"} {
		if !strings.Contains(got[i], want) {
			t.Errorf("line %d is %q, want %q", i+1, got[i], want)
		}
	}
	if !strings.Contains(got[1], ": lo ") {
		t.Errorf("the interface is not named: %q", got[1])
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if m, err := l.Next(); err == nil {
		t.Errorf("captured %q", m.Data)
	}
}
