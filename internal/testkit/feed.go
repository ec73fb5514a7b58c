package testkit

import (
	"fmt"
	"sync"
	"time"

	"github.com/buger/gor/internal/payload"
)

// A Feed is the source of a link.Sender: N numbered messages, and how many of
// them have been acknowledged.
type Feed struct {
	N     int
	Given int           // how many of them were given out before
	Open  bool          // give one every Every since Began, else all at once
	Every time.Duration // valid iff Open
	Began time.Time     // valid iff Open

	mu       sync.Mutex
	released int
}

// Message returns message i.
func (f *Feed) Message(i int) []byte {
	msg := payload.AppendMeta(nil, payload.Meta{
		Type: payload.Request, ID: payload.AppendID(nil, uint64(i/8), uint32(i%8)),
		Time: 1_700_000_000_000_000_000 + int64(i), Length: -1,
	})
	return fmt.Appendf(msg, "GET /%d HTTP/1.1\r\nHost: faults\r\n\r\n", i)
}

// Take implements link.Source.
func (f *Feed) Take(dst [][]byte, cancel <-chan struct{}) (n int, more bool) {
	for {
		f.mu.Lock()
		due := f.N
		if f.Open {
			due = min(f.N, int(time.Since(f.Began)/f.Every)+1)
		}
		for n < len(dst) && f.Given < due {
			dst[n] = f.Message(f.Given)
			f.Given++
			n++
		}
		over := f.Given == f.N
		f.mu.Unlock()
		if n > 0 || over || len(dst) == 0 {
			return n, !over || n > 0
		}
		select {
		case <-cancel:
			return 0, true
		case <-time.After(time.Millisecond):
		}
	}
}

// Release implements link.Source.
func (f *Feed) Release(n int) {
	f.mu.Lock()
	f.released += n
	f.mu.Unlock()
}

// Acknowledged returns how many messages were released so far.
func (f *Feed) Acknowledged() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.released
}
