package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/testkit"
)

// targetSecondsVar is how many seconds each kind of bad target is borne.
const targetSecondsVar = "GOR_TARGET_SECONDS"

// TestBadTargets: a slow target, a dead one and one that never answers, at
// 1,000 requests a second, from a file and from a capture. The output beside it
// gets everything undelayed, the memory stays under the ceiling, and every
// request is counted.
func TestBadTargets(t *testing.T) {
	t.Parallel()
	seconds := 2.0
	if s := os.Getenv(targetSecondsVar); s != "" {
		var err error
		if seconds, err = strconv.ParseFloat(s, 64); err != nil || seconds <= 0 {
			t.Fatalf("%s is %q: want seconds, such as 60", targetSecondsVar, s)
		}
	}
	requests, times := testkit.Steady(int(1000*seconds), time.Millisecond)
	file := testkit.WriteFile(t, filepath.Join(t.TempDir(), "in.gor"), testkit.Recording(requests, times))
	for _, bad := range []struct {
		name string
		addr func(t *testing.T) string
	}{
		{"slow", func(t *testing.T) string {
			s, err := testkit.NewSink("tcp", "127.0.0.1:0")
			testkit.Must(t, err)
			s.Delay = 200 * time.Millisecond
			s.Start(t)
			return s.Addr()
		}},
		{"dead", func(t *testing.T) string { return testkit.FreePort(t) }},
		{"silent", func(t *testing.T) string { return testkit.StartMute(t).Addr() }},
	} {
		for _, from := range []string{"file", "capture"} {
			t.Run(bad.name+" from "+from, func(t *testing.T) {
				if from == "capture" {
					testkit.NeedCapture(t)
				}
				good := testkit.StartSink(t)
				// The queue bridges what a machine that is busy with other tests
				// takes away; a capture sheds what has no place in it.
				outputs := []string{"--output-http", bad.addr(t), "--output-http", good.Addr(), "--output-http-queue-len", "2000", "--output-http-timeout", outputTimeout.String(), "--drain-timeout", "2s"}
				var gor *testkit.Process
				var sent func(i int) time.Time
				if from == "file" {
					// The second input keeps Gor running when the file has ended.
					gor = testkit.StartGor(t, append(outputs, "--input-file", file, "--input-http", "127.0.0.1:0")...)
					first := good.Await(t, 1)[0]
					start := first.At.Add(-times[testkit.Number(t, first.Raw)])
					sent = func(i int) time.Time { return start.Add(times[i]) }
				} else {
					production := testkit.StartSink(t)
					gor = testkit.StartGor(t, append(outputs, "--input-raw", production.Addr())...)
					replay := testkit.Spawn(t, "gor", nil, nil, "--input-file", file, "--output-http", production.Addr())
					replay.Patience += times[len(times)-1]
					if code := replay.Wait(); code != 0 {
						t.Fatalf("exit %d:\n%s", code, replay.Stderr())
					}
					at := map[int]time.Time{}
					for _, a := range production.Arrivals() {
						at[testkit.Number(t, a.Raw)] = a.At
					}
					sent = func(i int) time.Time { return at[i] }
				}
				wantUndelayed(t, good, requests, sent)
				resident := memoryOf(t, gor)
				gor.Cmd.Process.Signal(os.Interrupt)
				gor.Wait()
				said := gor.Stderr()
				testkit.WantSums(t, said)
				if want := fmt.Sprintf("messages: %d offered = ", len(requests)); strings.Count(said, want) != 2 {
					t.Errorf("not every request was offered to both outputs:\n%s", said)
				}
				if resident > 64<<20 && !testkit.RaceEnabled {
					t.Errorf("%d bytes resident, want at most 64 MB", resident)
				}
				for line := range strings.Lines(said) {
					if strings.Contains(line, "offered") || strings.Contains(line, "connections:") || strings.Contains(line, "latency:") {
						t.Logf("%s", strings.TrimSpace(line))
					}
				}
				t.Logf("%.1f MB resident at most", float64(resident)/(1<<20))
			})
		}
	}
}

// memoryOf is the most resident memory that a process has had, in bytes.
func memoryOf(t *testing.T, p *testkit.Process) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Cmd.Process.Pid))
	testkit.Must(t, err)
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	value, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	kb, err := strconv.ParseInt(value, 10, 64)
	testkit.Must(t, err)
	return kb << 10
}
