package link

import (
	"runtime"
	"testing"
)

// wantFewMallocs reads measured messages, after warm others and before one more, and
// wants the whole link to make at most that many allocations meanwhile.
func wantFewMallocs(t *testing.T, s *Sender, r *Receiver, warm, measured int, most uint64) {
	t.Helper()
	buf := make([]byte, 4<<10)
	read := func(n int) {
		for range n {
			if _, err := r.Read(buf); err != nil {
				t.Fatal(err)
			}
		}
	}
	read(warm)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	read(measured)
	runtime.ReadMemStats(&after)
	if n := after.Mallocs - before.Mallocs; n > most {
		t.Errorf("%d allocations for %d messages", n, measured)
	}
	read(1)
	r.Close()
	r.Read(buf)
	s.Close()
}

// Both ends together allocate nothing for a message in steady state. Buffers
// that the collector took from the pool may be made anew.
func TestLinkAllocates(t *testing.T) {
	const warm, measured = 20_000, 50_000
	l := listen(t)
	r := newTestReceiver(t, l)
	msg := message(1, 1, 500)
	s := newTestSender(t, l.Addr().String(), &sameSource{msg, warm + measured + 1})
	wantFewMallocs(t, s, r, warm, measured, measured/50)
}
