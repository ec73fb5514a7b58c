package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// targetSecondsVar is how many seconds each kind of bad target is borne.
const targetSecondsVar = "GOR_TARGET_SECONDS"

// TestBadTargets: a slow target, a dead one and one that never answers, at
// 1,000 requests a second, from a file and from a capture. The output beside it
// gets everything undelayed, the memory stays under the ceiling, and every
// request is counted.
func TestBadTargets(t *testing.T) {
	seconds := 2.0
	if s := os.Getenv(targetSecondsVar); s != "" {
		var err error
		if seconds, err = strconv.ParseFloat(s, 64); err != nil || seconds <= 0 {
			t.Fatalf("%s is %q: want seconds, such as 60", targetSecondsVar, s)
		}
	}
	requests, times := steady(int(1000*seconds), time.Millisecond)
	file := writeFile(t, filepath.Join(t.TempDir(), "in.gor"), record(requests, times))
	for _, bad := range []struct {
		name string
		addr func(t *testing.T) string
	}{
		{"slow", func(t *testing.T) string {
			s, err := newSink("tcp", "127.0.0.1:0")
			must(t, err)
			s.delay = 200 * time.Millisecond
			s.start(t)
			return s.addr()
		}},
		{"dead", freePort},
		{"silent", func(t *testing.T) string { return startMute(t).addr() }},
	} {
		for _, from := range []string{"file", "capture"} {
			t.Run(bad.name+" from "+from, func(t *testing.T) {
				if from == "capture" {
					needCapture(t)
				}
				good := startSink(t)
				// The queue bridges what a machine that is busy with other tests
				// takes away; a capture sheds what has no place in it.
				outputs := []string{"--output-http", bad.addr(t), "--output-http", good.addr(), "--output-http-queue-len", "2000", "--drain-timeout", "2s"}
				var gor *process
				var sent func(i int) time.Time
				if from == "file" {
					gor = startGor(t, append(outputs, "--input-file", file)...)
					first := good.await(t, 1)[0]
					start := first.at.Add(-times[number(t, first.raw)])
					sent = func(i int) time.Time { return start.Add(times[i]) }
				} else {
					production := startSink(t)
					gor = startGor(t, append(outputs, "--input-raw", production.addr())...)
					replay := spawn(t, "gor", nil, nil, "--input-file", file, "--output-http", production.addr())
					replay.patience += times[len(times)-1]
					if code := replay.wait(); code != 0 {
						t.Fatalf("exit %d:\n%s", code, replay.said())
					}
					at := map[int]time.Time{}
					for _, a := range production.arrivals() {
						at[number(t, a.raw)] = a.at
					}
					sent = func(i int) time.Time { return at[i] }
				}
				good.await(t, len(requests)*9/10) // Gor ends by itself after a file
				resident := memoryOf(t, gor)
				wantUndelayed(t, good, requests, sent)
				gor.cmd.Process.Signal(os.Interrupt)
				gor.wait()
				said := gor.said()
				wantSums(t, said)
				if want := fmt.Sprintf("messages: %d offered = ", len(requests)); strings.Count(said, want) != 2 {
					t.Errorf("not every request was offered to both outputs:\n%s", said)
				}
				if resident > 64<<20 && !raceEnabled {
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
func memoryOf(t *testing.T, p *process) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	must(t, err)
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	value, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	kb, err := strconv.ParseInt(value, 10, 64)
	must(t, err)
	return kb << 10
}
