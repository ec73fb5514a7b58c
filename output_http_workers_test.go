package main

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/buger/gor/internal/testkit"
)

func TestWorkerBounds(t *testing.T) {
	for _, test := range []struct {
		workers, min int
		least, most  int64
	}{
		{-1, 1, 1, 512},
		{0, 1, 1, 512},
		{-1, 20, 20, 512},
		{-1, 600, 600, 600},
		{1, 1, 1, 1},
		{20, 1, 20, 20},
		{20, 5, 5, 20},
	} {
		s := defaultSettings()
		s.HTTPWorkers, s.HTTPWorkersMin = test.workers, test.min
		if least, most := workerBounds(s); least != test.least || most != test.most {
			t.Errorf("workers %d, min %d: %d to %d, want %d to %d", test.workers, test.min, least, most, test.least, test.most)
		}
	}
}

// TestGrow: the seed's rule, with workers that come to their first message
// when the test says so.
func TestGrow(t *testing.T) {
	release := make(chan struct{})
	w := &workers{least: 1, most: 512}
	w.work = func() { <-release }
	step := func(waiting int, running int64) {
		t.Helper()
		w.grow(waiting)
		if got := w.running.Load(); got != running {
			t.Errorf("queue %d: %d workers, want %d", waiting, got, running)
		}
	}
	step(1, 1)  // the first message
	step(10, 1) // not longer than 10
	step(11, 1) // the first has not come to its message yet
	w.started()
	step(10, 1)
	step(11, 12) // as many as the queue is long
	step(50, 12) // not before those have come to theirs
	for range 10 {
		w.started()
	}
	step(50, 12)
	w.started()
	step(50, 62)
	for range 50 {
		w.started()
	}
	step(9, 62)
	step(500, 512) // at most
	w.starting.Store(0)
	step(500, 512)

	for range 511 {
		if !w.mayEnd() {
			t.Fatal("a worker above the fewest may not end")
		}
	}
	if w.mayEnd() {
		t.Error("the last worker may end")
	}
	w.closeAll()
	step(500, 1) // closed
	close(release)
	w.wg.Wait()
}

func TestGrowFixed(t *testing.T) {
	w := &workers{least: 7, most: 7, work: func() {}}
	for _, waiting := range []int{1, 50, 100} {
		w.grow(waiting)
		if n := w.running.Load(); n != 7 {
			t.Errorf("queue %d: %d workers, want 7", waiting, n)
		}
	}
	w.wg.Wait()
}

// TestWorkersComeAndGo: a target that holds its answers back makes the queue
// long; when it has answered all, the workers end.
func TestWorkersComeAndGo(t *testing.T) {
	answer := make(chan struct{})
	target := testkit.StartTarget(t, func(c net.Conn, _ int) {
		for {
			if _, err := readRequest(c); err != nil {
				return
			}
			<-answer
			io.WriteString(c, ok200)
		}
	})
	rig := newRig(t, target.Address(), func(s *Settings) {
		s.HTTPWorkers, s.HTTPWorkerTimeout, s.HTTPTimeout = -1, 20*time.Millisecond, time.Minute
	})
	for range 100 {
		rig.put(httpPost)
	}
	testkit.Eventually(t, "more workers", func() bool {
		rig.workers.grow(rig.q.Len())
		return rig.q.Len() <= growAbove && target.Conns.Load() > 20
	})
	if n := rig.workers.running.Load(); n < 90 || n > 300 {
		t.Errorf("%d workers for 100 requests", n)
	}
	close(answer)
	rig.settle()
	rig.want("100 delivered")
	testkit.Eventually(t, "the workers' end", func() bool { return rig.workers.running.Load() == 1 })
	rig.each(httpPost, httpPost)
	rig.want("102 delivered")
}

// TestBurstLosesNothing: the queue of 100 with an input that waits.
func TestBurstLosesNothing(t *testing.T) {
	target := testkit.StartSink(t)
	rig := newRig(t, target.Addr(), func(s *Settings) { s.HTTPWorkers = -1 })
	for range 5000 {
		rig.put(httpGet)
	}
	rig.settle()
	rig.want("5000 delivered")
}
