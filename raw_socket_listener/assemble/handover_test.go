package assemble

import (
	"runtime"
	"sync/atomic"
	"testing"
)

// A source of a file waits for Next.
func TestHandoverWaits(t *testing.T) {
	h := NewHandover(1000)
	w := NewWriter(h, nil)
	const n = 100
	go func() {
		for range n {
			b := w.room(300)
			b.arena = append(b.arena, make([]byte, 300)...)
			e := b.next()
			e.from, e.to = len(b.arena)-300, len(b.arena)
			w.flush()
		}
		w.end()
	}()
	from := NewReader(h)
	got := 0
	for {
		m := from.Next()
		if m == nil {
			break
		}
		h.mu.Lock()
		queued := h.bytes
		h.mu.Unlock()
		if len(m.Data) != 300 || queued > 1000 {
			t.Fatalf("%d bytes, %d queued", len(m.Data), queued)
		}
		got++
	}
	if got != n {
		t.Errorf("%d messages, want %d", got, n)
	}
}

// A live source waits for a slow reader as long as its ring has room.
func TestHandoverWaitsUntilTheRingIsNearlyFull(t *testing.T) {
	var looks atomic.Int64
	h := NewHandover(1000)
	nearlyFull := func() bool { return looks.Add(1) > 3 }
	fill := func() (*batch, bool) {
		return h.put(&batch{arena: make([]byte, 800), entries: make([]entry, 1)}, nearlyFull)
	}
	if _, ok := fill(); !ok {
		t.Fatal("an empty handover refused a batch")
	}
	if _, ok := fill(); ok || looks.Load() != 4 {
		t.Errorf("taken %v after %d looks at the ring, want a refusal after 4", ok, looks.Load())
	}
	looks.Store(-1 << 40)
	took := make(chan bool)
	go func() {
		_, ok := fill()
		took <- ok
	}()
	for looks.Load() < -1<<40+2 { // it waits
		runtime.Gosched()
	}
	h.get(nil)
	if !<-took {
		t.Error("refused although the reader took a batch")
	}
}
