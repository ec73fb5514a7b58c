package packettest

import (
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/buger/gor/raw_socket_listener/packet"
)

// Recorder is a sink that puts each direction of a connection together by
// its sequence numbers, from the SYN on.
type Recorder struct {
	Mu    sync.Mutex // held by whoever looks at what follows while a source runs
	news  sync.Cond
	start map[[2]netip.AddrPort]uint32 // sequence number of the first byte
	Bytes map[[2]netip.AddrPort][]byte
	Given map[[2]netip.AddrPort]int // bytes that came, each time they did
	Flags map[[2]netip.AddrPort]packet.TCPFlags
	Segs  int // segments
	Ticks int
	Last  int64 // time of the last segment, ns since 1970
}

// NewRecorder returns a Recorder that has seen nothing.
func NewRecorder() *Recorder {
	r := &Recorder{
		start: map[[2]netip.AddrPort]uint32{},
		Bytes: map[[2]netip.AddrPort][]byte{},
		Given: map[[2]netip.AddrPort]int{},
		Flags: map[[2]netip.AddrPort]packet.TCPFlags{},
	}
	r.news.L = &r.Mu
	return r
}

// Segment takes a segment and keeps a copy of it.
func (r *Recorder) Segment(s *packet.Segment) {
	r.Mu.Lock()
	defer r.Mu.Unlock()
	k := [2]netip.AddrPort{s.Src, s.Dst}
	if s.Flags.Has(packet.FlagSYN) {
		r.start[k] = s.Seq + 1
	}
	if n := len(s.Payload); n > 0 {
		at := int(s.Seq - r.start[k])
		if r.start[k] == 0 {
			at = 0 // crafted, without a SYN
		}
		if end := at + n; end > len(r.Bytes[k]) && end < 1<<24 {
			r.Bytes[k] = append(r.Bytes[k], make([]byte, end-len(r.Bytes[k]))...)
		}
		copy(r.Bytes[k][min(at, len(r.Bytes[k])):], s.Payload)
		r.Given[k] += n
	}
	r.Flags[k] |= s.Flags
	r.Segs++
	r.Last = s.Time
	r.news.Broadcast()
}

// Tick counts the ticks.
func (r *Recorder) Tick(now int64) {
	r.Mu.Lock()
	defer r.Mu.Unlock()
	r.Ticks++
	r.news.Broadcast()
}

// Patience is when a test gives up waiting for something that should come in
// milliseconds.
const Patience = 20 * time.Second

// Wait waits until f, called under the lock, is true.
func (r *Recorder) Wait(t testing.TB, f func() bool) {
	t.Helper()
	late := false
	timer := time.AfterFunc(Patience, func() {
		r.Mu.Lock()
		defer r.Mu.Unlock()
		late = true
		r.news.Broadcast()
	})
	defer timer.Stop()
	r.Mu.Lock()
	defer r.Mu.Unlock()
	for !f() {
		if late {
			t.Fatalf("waited in vain: %d segments of %d streams", r.Segs, len(r.Bytes))
		}
		r.news.Wait()
	}
}
