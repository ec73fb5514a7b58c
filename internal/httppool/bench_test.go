package httppool

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/testkit"
)

// benchTarget answers as fast as a Go server can: it frames requests and
// answers what one read held with one write.
func benchTarget(b testing.TB) *testkit.RawTarget {
	return testkit.StartTarget(b, func(c net.Conn, _ int) {
		var p http1.Parser
		p.ResetRequest()
		buf := make([]byte, 16<<10)
		answer := []byte(testkit.OK200)
		for {
			n, err := c.Read(buf)
			if err != nil {
				return
			}
			for raw := buf[:n]; len(raw) > 0; {
				used, done, err := p.Feed(raw)
				if err != nil {
					return
				}
				raw = raw[used:]
				if done {
					p.ResetRequest()
					if _, err := c.Write(answer); err != nil {
						return
					}
				}
			}
		}
	})
}

const benchRequest = "GET /items/42?q=17 HTTP/1.1\r\nHost: prod.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r\n" +
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nAccept-Encoding: gzip, deflate\r\nAccept-Language: en-US,en;q=0.5\r\n" +
	"Cookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\nConnection: keep-alive\r\n\r\n"

var benchWorkers = []int{1, 8, 64} // the last is what a dynamic output has under load

// BenchmarkRawClient is the yardstick: connections that each write a request
// and read its answer in a loop, with no queue, no clock and no counts.
func BenchmarkRawClient(b *testing.B) {
	for _, workers := range benchWorkers {
		b.Run(fmt.Sprint(workers), func(b *testing.B) {
			target := benchTarget(b)
			var left atomic.Int64
			left.Store(int64(b.N))
			var wg sync.WaitGroup
			b.ReportAllocs()
			for range workers {
				c, err := net.Dial("tcp", target.Address())
				if err != nil {
					b.Fatal(err)
				}
				defer c.Close()
				wg.Go(func() {
					request := []byte(benchRequest)
					buf := make([]byte, 4<<10)
					for left.Add(-1) >= 0 {
						if _, err := c.Write(request); err != nil {
							b.Error(err)
							return
						}
						if _, err := io.ReadFull(c, buf[:len(testkit.OK200)]); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
		})
	}
}

// BenchmarkPool sends through the pool: queue, edits, framing,
// deadlines, counts.
func BenchmarkPool(b *testing.B) {
	for _, workers := range benchWorkers {
		b.Run(fmt.Sprint(workers), func(b *testing.B) {
			target := benchTarget(b)
			rig := newRig(b, target.Address(), fixed(workers))
			rig.put(benchRequest)
			rig.settle()
			msg := rig.message(benchRequest)
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				for {
					if _, err := rig.Write(msg); err == nil {
						break
					}
					rig.Room(nil, time.Second)
				}
			}
			rig.settle()
			b.StopTimer()
			if got := rig.account.delivered.Load(); got != uint64(b.N)+1 {
				b.Errorf("%s, want %d delivered", rig.counts(), b.N+1)
			}
		})
	}
}

// TestExchangeAllocates: a request on a kept connection costs no memory.
func TestExchangeAllocates(t *testing.T) {
	if testkit.RaceEnabled {
		t.Skip("the race detector's own allocations count too")
	}
	for _, test := range []struct {
		name, request string
	}{
		{"small", benchRequest},
		{"body sent from where it lies", "POST / HTTP/1.1\r\nHost: prod\r\nContent-Length: 10000\r\n\r\n" + strings.Repeat("x", 10000)},
	} {
		target := benchTarget(t)
		rig := newRig(t, target.Address(), nil)
		msg := rig.message(test.request)
		cycle := func() {
			for range 100 {
				if _, err := rig.Write(msg); err != nil {
					t.Fatal(err)
				}
			}
			rig.settle() // allocates itself
		}
		cycle()
		if n := testing.AllocsPerRun(100, cycle); n > 10 {
			t.Errorf("%s: %v allocations for a hundred requests", test.name, n)
		}
	}
}
