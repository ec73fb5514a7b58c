package dispatch

import "testing"

// TestGrow: the rule of Gor 0.9, with workers that come to their first message
// when the test says so.
func TestGrow(t *testing.T) {
	release := make(chan struct{})
	w := NewWorkers(1, 512, func() { <-release })
	step := func(waiting int, running int) {
		t.Helper()
		w.Grow(waiting)
		if got := w.Running(); got != running {
			t.Errorf("queue %d: %d workers, want %d", waiting, got, running)
		}
	}
	step(1, 1)  // the first message
	step(10, 1) // not longer than 10
	step(11, 1) // the first has not come to its message yet
	w.Started()
	step(10, 1)
	step(11, 12) // as many as the queue is long
	step(50, 12) // not before those have come to theirs
	for range 10 {
		w.Started()
	}
	step(50, 12)
	w.Started()
	step(50, 62)
	for range 50 {
		w.Started()
	}
	step(9, 62)
	step(500, 512) // at most
	w.starting.Store(0)
	step(500, 512)

	for range 511 {
		if !w.MayEnd() {
			t.Fatal("a worker above the fewest may not end")
		}
	}
	if w.MayEnd() {
		t.Error("the last worker may end")
	}
	w.Close()
	step(500, 1) // closed
	close(release)
	w.Wait()
}

func TestGrowFixed(t *testing.T) {
	w := NewWorkers(7, 7, func() {})
	for _, waiting := range []int{1, 50, 100} {
		w.Grow(waiting)
		if n := w.Running(); n != 7 {
			t.Errorf("queue %d: %d workers, want 7", waiting, n)
		}
	}
	w.Wait()
}
