package pace

import "testing"

// A recorder's clock that is set back, by a little or by a lot, does not have
// what follows sent all at once.
func TestClockSetBack(t *testing.T) {
	const rate, before, n = 50, 200, 600
	for _, back := range []int64{2e9, 55e9, 3600e9} {
		r, s := NewReorder(100, 1<<20), NewSchedule(Timing{})
		var now int64
		sent := map[int64]int{} // by second
		pop := func() bool {
			_, at, ok := r.Pop()
			if ok {
				now = max(now, s.Due(at, now).Send)
				sent[now/second]++
			}
			return ok
		}
		for i := range int64(n) {
			at := int64(1.7e18) + i*second/rate
			if i >= before {
				at -= back
			}
			for r.Full() {
				pop()
			}
			r.Push(at, []byte("x"), 0)
		}
		for pop() {
		}
		for at, count := range sent {
			if count > 2*rate {
				t.Errorf("set back by %d s: %d messages in second %d", back/second, count, at)
			}
		}
		if took := now / second; took < n/rate-4 || took > n/rate+1 {
			t.Errorf("set back by %d s: the replay takes %d s, want about %d", back/second, took, n/rate)
		}
	}
}
