package rawsocket

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/buger/gor/raw_socket_listener/packettest"
)

// Drops of a real kernel are told within about a second of when the capture
// goes on.
func TestKernelDropsAreToldSoon(t *testing.T) {
	packettest.NeedRoot(t)
	server := echo(t, "tcp4", "127.0.0.1:0").Addr().(*net.TCPAddr)
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
	talk(t, server.String(), make([]byte, 4<<20))
	for l.Stats().Source.Dropped == 0 {
		talk(t, server.String(), make([]byte, 1<<20))
	}
	goOn()
	began := time.Now()
	patience := time.After(packettest.Patience)
	for {
		select {
		case line := <-lines:
			if !strings.Contains(line, "the kernel dropped ") {
				continue // what a stream of zeros is
			}
			if took := time.Since(began); took > noticeGrain+2*waitAtMost+2*time.Second {
				t.Errorf("told after %v", took)
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
