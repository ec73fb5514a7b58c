package e2e

import (
	"fmt"
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

// TestBurstFindsConnections: the connections that a burst needs stand before it
// is due, not only the one that what came before needed. A machine that is too busy
// to open them in the time that there is gets more attempts.
func TestBurstFindsConnections(t *testing.T) {
	const burst, attempts = 20, 5
	for _, after := range []time.Duration{0, 300 * time.Millisecond} {
		t.Run(fmt.Sprintf("after %s", after), func(t *testing.T) {
			for range attempts {
				standing := connectionsAtBurst(t, burst, after)
				t.Logf("%d connections stood", standing)
				if standing >= burst/2 {
					return
				}
			}
			t.Errorf("fewer than %d connections stood when a burst of %d began, in each of %d runs", burst/2, burst, attempts)
		})
	}
}

// connectionsAtBurst replays a burst, behind a first request if it comes later than
// at the start, and returns how many connections stood when it began.
func connectionsAtBurst(t *testing.T, burst int, after time.Duration) (standing int) {
	t.Helper()
	requests, times := make([][]byte, burst), make([]time.Duration, burst)
	for i := range requests {
		requests[i], times[i] = []byte("GET /burst HTTP/1.1\r\nHost: h\r\n\r\n"), after
	}
	if after > 0 {
		requests = append([][]byte{[]byte("GET /first HTTP/1.1\r\nHost: h\r\n\r\n")}, requests...)
		times = append([]time.Duration{0}, times...)
	}
	target, err := testkit.NewSink("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	target.Delay = 50 * time.Millisecond
	target.Each = func(testkit.Arrival) {
		if len(target.Got) == len(requests)-burst+1 {
			standing = testkit.Established(t, target.Addr())
		}
	}
	target.Start(t)
	file := testkit.WriteFile(t, filepath.Join(t.TempDir(), "in.gor"), testkit.Recording(requests, times))
	if code, said := testkit.RunGor(t, "--input-file", file, "--output-http", target.Addr()); code != 0 {
		t.Fatalf("exit %d:\n%s", code, said)
	}
	if n := len(target.Arrivals()); n != len(requests) {
		t.Errorf("%d requests came, want %d", n, len(requests))
	}
	return standing
}
