package middleware

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/queue"
)

func message(i, size int) []byte {
	head := payload.AppendMeta(nil, payload.Meta{Type: payload.Request, ID: payload.AppendID(nil, 1, uint32(i)), Time: 1, Duration: -1, Length: -1})
	return fmt.Appendf(head, "POST /%d HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", i, size, strings.Repeat("a", size))
}

func TestWords(t *testing.T) {
	for command, want := range map[string]string{
		`node redact.js`: `["node" "redact.js"]`, `sh -c 'cat | cat'`: `["sh" "-c" "cat | cat"]`,
	} {
		words, err := Words(command)
		if got := fmt.Sprintf("%q", words); err != nil || got != want {
			t.Errorf("%s: %s, %v", command, got, err)
		}
	}
	for _, command := range []string{"", " ", "a 'b", "a | b"} {
		if words, err := Words(command); err == nil {
			t.Errorf("%q: %q", command, words)
		}
	}
}

func TestAccountSumsUp(t *testing.T) {
	var f account
	f.init()
	item := func(i int) queue.Item {
		return queue.Item{Bytes: payload.AppendMeta(nil, payload.Meta{Type: payload.Request, ID: payload.AppendID(nil, 1, uint32(i)), Time: 1, Duration: -1, Length: -1})}
	}
	given, back := 0, 0
	for i := range 3 * accountInside {
		f.out([]queue.Item{item(i), item(i / 2)}) // some twice
		given += 2
		if i%3 == 0 {
			f.back(item(i).Bytes)
			back++
		}
		if i%1000 == 0 {
			f.back(item(-i).Bytes)
			back++
		}
	}
	check := func(want uint64) {
		t.Helper()
		dropped, added, inside := f.counts()
		if uint64(given)+added != uint64(back)+dropped+inside {
			t.Errorf("%d given + %d added != %d back + %d dropped + %d inside", given, added, back, dropped, inside)
		}
		if inside > want {
			t.Errorf("%d inside", inside)
		}
		if len(f.inside) > accountInside {
			t.Errorf("%d remembered", len(f.inside))
		}
	}
	check(2 * accountInside)
	f.over(false)
	check(0)
}

// BenchmarkMiddleware is what a message costs that goes through cat: both
// pipes, both codes, and cat. Latency is one message at a time.
func BenchmarkMiddleware(b *testing.B) {
	for _, size := range []int{200, 10_000} {
		msg := message(1, size)
		b.Run(fmt.Sprintf("throughput/%d", size), func(b *testing.B) {
			m := startCat(b)
			b.SetBytes(int64(len(msg)))
			b.ReportAllocs()
			var reader sync.WaitGroup
			reader.Go(func() {
				buf := make([]byte, 64<<10)
				for range b.N {
					if _, err := m.Back.Read(buf); err != nil {
						b.Error(err)
						return
					}
				}
			})
			for range b.N {
				for {
					if _, err := m.Feed.Write(msg); err == nil {
						break
					}
					m.Feed.Room(nil, time.Second)
				}
			}
			reader.Wait()
		})
		b.Run(fmt.Sprintf("latency/%d", size), func(b *testing.B) {
			m := startCat(b)
			buf := make([]byte, 64<<10)
			for range b.N {
				if _, err := m.Feed.Write(msg); err != nil {
					b.Fatal(err)
				}
				if _, err := m.Back.Read(buf); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func startCat(b *testing.B) *Program {
	m, err := Start(Config{Command: "cat", MessageLimit: 1 << 20, QueueBytes: 4 << 20, Stderr: os.Stderr, Logf: b.Logf})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(m.Close)
	b.ResetTimer()
	return m
}

// TestLinger: a middleware that may still be starting has more time than one that
// has given something.
func TestLinger(t *testing.T) {
	for _, tt := range []struct {
		begun  bool
		inside uint64
		want   time.Duration
	}{{false, 0, LingerEmpty}, {true, 0, LingerEmpty}, {true, 3, lingerFull}, {false, 3, LingerFirst}} {
		if got := linger(tt.begun, tt.inside); got != tt.want {
			t.Errorf("begun %t, with %d inside: %s, want %s", tt.begun, tt.inside, got, tt.want)
		}
	}
}
