package rawsocket

import (
	"net/netip"
	"sync"
	"testing"
	"time"
)

// recorder is a sink that puts each direction of a connection together by
// its sequence numbers, from the SYN on.
type recorder struct {
	mu    sync.Mutex
	news  sync.Cond
	start map[[2]netip.AddrPort]uint32 // sequence number of the first byte
	bytes map[[2]netip.AddrPort][]byte
	given map[[2]netip.AddrPort]int // bytes that came, each time they did
	flags map[[2]netip.AddrPort]TCPFlags
	segs  int
	ticks int
	last  int64
}

func newRecorder() *recorder {
	r := &recorder{
		start: map[[2]netip.AddrPort]uint32{},
		bytes: map[[2]netip.AddrPort][]byte{},
		given: map[[2]netip.AddrPort]int{},
		flags: map[[2]netip.AddrPort]TCPFlags{},
	}
	r.news.L = &r.mu
	return r
}

func (r *recorder) segment(s *Segment) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := [2]netip.AddrPort{s.Src, s.Dst}
	if s.Flags.Has(FlagSYN) {
		r.start[k] = s.Seq + 1
	}
	if n := len(s.Payload); n > 0 {
		at := int(s.Seq - r.start[k])
		if r.start[k] == 0 {
			at = 0 // crafted, without a SYN
		}
		if end := at + n; end > len(r.bytes[k]) && end < 1<<24 {
			r.bytes[k] = append(r.bytes[k], make([]byte, end-len(r.bytes[k]))...)
		}
		copy(r.bytes[k][min(at, len(r.bytes[k])):], s.Payload)
		r.given[k] += n
	}
	r.flags[k] |= s.Flags
	r.segs++
	r.last = s.Time
	r.news.Broadcast()
}

func (r *recorder) tick(now int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ticks++
	r.news.Broadcast()
}

// testPatience is when a test gives up waiting for something that should come in
// milliseconds.
const testPatience = 20 * time.Second

// wait waits until f, called under the lock, is true.
func (r *recorder) wait(t testing.TB, f func() bool) {
	t.Helper()
	late := false
	timer := time.AfterFunc(testPatience, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		late = true
		r.news.Broadcast()
	})
	defer timer.Stop()
	r.mu.Lock()
	defer r.mu.Unlock()
	for !f() {
		if late {
			t.Fatalf("waited in vain: %d segments of %d streams", r.segs, len(r.bytes))
		}
		r.news.Wait()
	}
}
