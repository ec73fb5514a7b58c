package main

import (
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/buger/gor/internal/testkit"
)

func TestWorkerBounds(t *testing.T) {
	for _, test := range []struct {
		workers, min int
		least, most  int
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
		s.http.Workers, s.http.WorkersMin = test.workers, test.min
		if least, most := workerBounds(s); least != test.least || most != test.most {
			t.Errorf("workers %d, min %d: %d to %d, want %d to %d", test.workers, test.min, least, most, test.least, test.most)
		}
	}
}

// TestWorkersComeAndGo: requests at one moment are all sent at once, however
// long the target takes; when it has answered them, the workers end.
func TestWorkersComeAndGo(t *testing.T) {
	answer := make(chan struct{})
	var asked atomic.Int64
	target := testkit.StartTarget(t, func(c net.Conn, _ int) {
		for {
			if _, err := readRequest(c); err != nil {
				return
			}
			asked.Add(1)
			<-answer
			io.WriteString(c, ok200)
		}
	})
	rig := newRig(t, target.Address(), func(s *Settings) {
		s.http.Workers, s.http.WorkerTimeout, s.http.Timeout = -1, 20*time.Millisecond, time.Minute
	})
	for range 100 {
		rig.put(httpPost)
	}
	testkit.Eventually(t, "all are sent", func() bool { return asked.Load() == 100 })
	close(answer)
	rig.settle()
	rig.want("100 delivered")
	testkit.Eventually(t, "the workers' end", func() bool { return rig.workers.Running() == 1 })
	rig.each(httpPost, httpPost)
	rig.want("102 delivered")
}

// TestBurstLosesNothing: a queue that is full now and then, with an input that waits.
func TestBurstLosesNothing(t *testing.T) {
	target := testkit.StartSink(t)
	rig := newRig(t, target.Addr(), func(s *Settings) { s.http.Workers, s.http.QueueLen = -1, 10 })
	for range 5000 {
		rig.put(httpGet)
	}
	rig.settle()
	rig.want("5000 delivered")
}
