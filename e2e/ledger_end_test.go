package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/buger/gor/internal/testkit"
)

// TestLedgerAtAnyMoment ends every output while it is at work, some of them with
// a target that takes nothing: what a writer or a worker has in hand then is
// counted.
func TestLedgerAtAnyMoment(t *testing.T) {
	requests, times := testkit.Steady(500, time.Microsecond)
	in := testkit.WriteFile(t, filepath.Join(t.TempDir(), "in.gor"), testkit.Recording(requests, times))
	for name, args := range map[string]func(t *testing.T) []string{
		"file":    func(t *testing.T) []string { return []string{"--output-file", filepath.Join(t.TempDir(), "x.gor")} },
		"file gz": func(t *testing.T) []string { return []string{"--output-file", filepath.Join(t.TempDir(), "x.gor.gz")} },
		"stdout":  func(t *testing.T) []string { return []string{"--output-stdout"} },
		"tcp away": func(t *testing.T) []string {
			return []string{"--output-tcp", testkit.FreePort(t), "--output-tcp-workers", "3"}
		},
		"tcp mute":    func(t *testing.T) []string { return []string{"--output-tcp", testkit.StartMute(t).Addr()} },
		"ws mute":     func(t *testing.T) []string { return []string{"--output-ws", "ws://" + testkit.StartMute(t).Addr()} },
		"binary mute": func(t *testing.T) []string { return []string{"--output-binary", testkit.StartMute(t).Addr()} },
		"binary away": func(t *testing.T) []string { return []string{"--output-binary", testkit.FreePort(t)} },
		"http":        func(t *testing.T) []string { return []string{"--output-http", testkit.StartSink(t).Addr()} },
		"http mute":   func(t *testing.T) []string { return []string{"--output-http", testkit.StartMute(t).Addr()} },
		"elasticsearch": func(t *testing.T) []string {
			return []string{"--output-http", testkit.StartSink(t).Addr(), "--output-http-elasticsearch", testkit.StartMute(t).Addr() + "/gor"}
		},
		"middleware": func(t *testing.T) []string {
			return []string{"--middleware", "sh -c 'head -n 50; exec sleep 1000'", "--output-null"}
		},
		"shared": func(t *testing.T) []string { return []string{"--output-stdout", "--output-null", "--split-output"} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, w, err := os.Pipe()
			testkit.Must(t, err)
			defer r.Close()
			defer w.Close()
			moment := time.Duration(20+rand.IntN(200)) * time.Millisecond
			gor := testkit.SpawnTo(t, w, append(args(t), "--input-file", in+"|max", "--input-file-loop",
				"--exit-after", fmt.Sprint(moment), "--drain-timeout", "50ms")...)
			gor.Wait()
			testkit.WantSums(t, gor.Stderr())
		})
	}
}
