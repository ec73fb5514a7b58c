package e2e

import (
	"fmt"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/buger/gor/internal/testkit"
)

// TestGrowAfterBurst: a burst that is over before its first worker stands gets
// more of them all the same. The target answers when twelve requests are there.
func TestGrowAfterBurst(t *testing.T) {
	f := newFlagTest(t)
	target := newCrowd(t, 12)
	f.ok("--input-file", f.recording(0, gets(30)...)+"|max", "--output-http", target.URL, "--output-http-timeout", "1m").says("30 delivered")
}

// TestBurstFindsConnections: the connections that a burst needs stand before it
// is due, not only the one that what came before needed. At the start of a recording
// Gor waits for them; later it has 100 ms, and more attempts on a machine that does
// not let it open them in that time.
func TestBurstFindsConnections(t *testing.T) {
	testkit.NeedCapture(t)
	const burst = 20
	for _, c := range []struct {
		after    time.Duration
		attempts int
	}{{0, 1}, {300 * time.Millisecond, 5}} {
		t.Run(fmt.Sprintf("after %s", c.after), func(t *testing.T) {
			for range c.attempts {
				standing := connectionsAtBurst(t, burst, c.after)
				t.Logf("%d connections stood", standing)
				if standing >= burst/2 {
					return
				}
			}
			t.Errorf("fewer than %d connections stood when a burst of %d began, in each of %d runs", burst/2, burst, c.attempts)
		})
	}
}

// connectionsAtBurst replays a burst, behind a first request if it comes later than
// at the start, and returns how many connections stood before its first request.
func connectionsAtBurst(t *testing.T, burst int, after time.Duration) (standing int) {
	t.Helper()
	requests, times := gets(burst), make([]time.Duration, burst)
	for i := range times {
		times[i] = after
	}
	first := 1 // request of the burst, from 1
	if after > 0 {
		requests, times, first = append(gets(1), requests...), append([]time.Duration{0}, times...), 2
	}
	target, err := testkit.NewSink("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	target.Delay = 50 * time.Millisecond
	target.Start(t)
	port, err := strconv.Atoi(testkit.PortOf(t, target.Addr()))
	testkit.Must(t, err)
	segments := testkit.Segments(t, port)
	file := testkit.WriteFile(t, filepath.Join(t.TempDir(), "in.gor"), testkit.Recording(requests, times))
	if code, said := testkit.RunGor(t, "--input-file", file, "--output-http", target.Addr()); code != 0 {
		t.Fatalf("exit %d:\n%s", code, said)
	}
	if n := len(target.Arrivals()); n != len(requests) {
		t.Fatalf("%d requests came, want %d", n, len(requests))
	}
	sent := 0
	for _, s := range segments() {
		switch {
		case s.SYN && s.ACK:
			standing++
		case int(s.DstPort) == port && len(s.Payload) > 0:
			if sent++; sent == first {
				return standing
			}
		}
	}
	t.Fatalf("%d requests were seen on the wire, and %d connections", sent, standing)
	return 0
}
