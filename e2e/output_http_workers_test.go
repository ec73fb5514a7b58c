package e2e

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/buger/gor/internal/testkit"
)

// TestGrowAfterBurst: a burst that is over before its first worker stands gets
// more of them all the same. The target answers when twelve requests are there.
func TestGrowAfterBurst(t *testing.T) {
	f := newFlagTest(t)
	target := newCrowd(t, 12)
	f.ok("--input-file", f.recording(0, gets(30)...)+"|max", "--output-http", target.URL, "--output-http-timeout", "2s").says("30 delivered")
}

// TestStartFindsConnections: the connections that a burst at the start of a
// recording needs stand before its first request is sent.
func TestStartFindsConnections(t *testing.T) {
	const burst = 20
	standing := 0
	target := startBurstTarget(t, func(a testkit.Arrival, of *testkit.Sink) {
		if len(of.Got) == 1 {
			standing = testkit.Established(t, of.Addr())
		}
	})
	replayBurst(t, target, burst, 0)
	if standing < burst/2 {
		t.Errorf("%d connections stood when a burst of %d began", standing, burst)
	}
}

// TestBurstFindsConnections: the connections that a later burst needs stand before
// it is due, not only the one that what came before needed. The target counts them
// shortly before; a machine too busy to do that in time gets more attempts.
func TestBurstFindsConnections(t *testing.T) {
	const (
		burst    = 20
		after    = 300 * time.Millisecond
		counted  = after - 30*time.Millisecond
		latest   = after - 10*time.Millisecond
		attempts = 10
	)
	for range attempts {
		standing, inTime := 0, false
		done := make(chan struct{})
		target := startBurstTarget(t, func(a testkit.Arrival, of *testkit.Sink) {
			if len(of.Got) != 1 {
				return
			}
			time.AfterFunc(time.Until(a.At.Add(counted)), func() {
				defer close(done)
				standing = testkit.Established(t, of.Addr())
				inTime = time.Since(a.At) < latest
			})
		})
		replayBurst(t, target, burst, after)
		<-done
		t.Logf("%d connections stood, counted in time: %t", standing, inTime)
		if inTime && standing >= burst/2 {
			return
		}
	}
	t.Errorf("in none of %d runs half of the connections stood when a burst of %d was about to begin", attempts, burst)
}

// startBurstTarget starts a target of some latency, which calls each with every
// request, one after the other.
func startBurstTarget(t *testing.T, each func(testkit.Arrival, *testkit.Sink)) *testkit.Sink {
	t.Helper()
	target, err := testkit.NewSink("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	target.Delay = 50 * time.Millisecond
	target.Each = func(a testkit.Arrival) { each(a, target) }
	target.Start(t)
	return target
}

// replayBurst replays a burst so long after a first request, or at the start.
func replayBurst(t *testing.T, target *testkit.Sink, burst int, after time.Duration) {
	t.Helper()
	requests, times := gets(burst), make([]time.Duration, burst)
	for i := range times {
		times[i] = after
	}
	if after > 0 {
		requests, times = append(gets(1), requests...), append([]time.Duration{0}, times...)
	}
	file := testkit.WriteFile(t, filepath.Join(t.TempDir(), "in.gor"), testkit.Recording(requests, times))
	if code, said := testkit.RunGor(t, "--input-file", file, "--output-http", target.Addr()); code != 0 {
		t.Fatalf("exit %d:\n%s", code, said)
	}
	if n := len(target.Arrivals()); n != len(requests) {
		t.Errorf("%d requests came, want %d", n, len(requests))
	}
}
