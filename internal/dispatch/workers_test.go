package dispatch

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/buger/gor/internal/testkit"
)

// TestGrow: a worker for each message that finds none free.
func TestGrow(t *testing.T) {
	release := make(chan struct{})
	var short, allowed atomic.Int64
	allowed.Store(512)
	w := NewWorkers(WorkersConfig{
		Least: 1, Most: 512, Work: func() { <-release },
		Short: func() int { return int(short.Load()) },
		Allow: func(most int) (int, time.Duration) {
			if n := int(allowed.Load()); n < most {
				return n, time.Millisecond
			}
			return most, 0
		},
	})
	step := func(waiting int64, running int) {
		t.Helper()
		short.Store(waiting)
		w.Grow()
		if got := w.Running(); got != running {
			t.Errorf("short of %d: %d workers, want %d", waiting, got, running)
		}
	}
	step(1, 1) // the first message
	step(1, 1) // its worker is on its way
	step(3, 3)
	short.Store(0) // they take them
	for range 3 {
		w.Started()
	}
	step(0, 3)
	step(-3, 3) // all are idle
	step(50, 53)
	short.Store(0)
	for range 50 {
		w.Started()
	}
	step(1000, 512) // at most
	w.starting.Store(0)
	step(1000, 512)

	for range 511 {
		if !w.MayEnd() {
			t.Fatal("a worker above the fewest may not end")
		}
	}
	if w.MayEnd() {
		t.Error("the last worker may end")
	}

	// The target takes three. When it takes more, that is found out without
	// another message.
	allowed.Store(3)
	step(10, 3)
	allowed.Store(5)
	testkit.Eventually(t, "more workers", func() bool { return w.Running() == 5 })
	allowed.Store(512)
	testkit.Eventually(t, "all workers", func() bool { return w.Running() == 11 })
	// One that cannot work is replaced.
	w.Started()
	w.End()
	if n := w.Running(); n != 11 {
		t.Errorf("%d workers, want 11", n)
	}
	w.Close()
	step(1000, 11) // closed
	close(release)
	w.Wait()
}

// TestGrowBehindAWorker: a worker takes a message before it says that it has
// started. The next message, which came in between, gets a worker all the same.
func TestGrowBehindAWorker(t *testing.T) {
	release := make(chan struct{})
	var short atomic.Int64
	w := NewWorkers(WorkersConfig{
		Least: 1, Most: 10, Work: func() { <-release },
		Short: func() int { return int(short.Load()) }, Allow: func(most int) (int, time.Duration) { return most, 0 },
	})
	short.Store(1)
	w.Grow() // for the first; the worker takes it
	w.Grow() // for the second
	w.Started()
	if n := w.Running(); n != 2 {
		t.Errorf("%d workers, want 2", n)
	}
	close(release)
	w.Wait()
}

func TestGrowFixed(t *testing.T) {
	w := NewWorkers(WorkersConfig{
		Least: 7, Most: 7, Work: func() {},
		Short: func() int { return 50 }, Allow: func(most int) (int, time.Duration) { return most, 0 },
	})
	w.Begin()
	ready := w.Ready()
	for range 3 {
		w.Grow()
		if n := w.Running(); n != 7 {
			t.Errorf("%d workers, want 7", n)
		}
	}
	for range 7 {
		select {
		case <-ready:
			t.Error("ready before all are")
		default:
		}
		w.Started()
	}
	<-ready
	w.Wait()
}
