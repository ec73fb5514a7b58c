package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestLedgerAtAnyMoment ends every output while it is at work, some of them with
// a target that takes nothing: what a writer or a worker has in hand then is
// counted.
func TestLedgerAtAnyMoment(t *testing.T) {
	requests, times := steady(500, time.Microsecond)
	in := writeFile(t, filepath.Join(t.TempDir(), "in.gor"), record(requests, times))
	for name, args := range map[string]func(t *testing.T) []string{
		"file":        func(t *testing.T) []string { return []string{"--output-file", filepath.Join(t.TempDir(), "x.gor")} },
		"file gz":     func(t *testing.T) []string { return []string{"--output-file", filepath.Join(t.TempDir(), "x.gor.gz")} },
		"stdout":      func(t *testing.T) []string { return []string{"--output-stdout"} },
		"tcp away":    func(t *testing.T) []string { return []string{"--output-tcp", freePort(t), "--output-tcp-workers", "3"} },
		"tcp mute":    func(t *testing.T) []string { return []string{"--output-tcp", startMute(t).addr()} },
		"ws mute":     func(t *testing.T) []string { return []string{"--output-ws", "ws://" + startMute(t).addr()} },
		"binary mute": func(t *testing.T) []string { return []string{"--output-binary", startMute(t).addr()} },
		"binary away": func(t *testing.T) []string { return []string{"--output-binary", freePort(t)} },
		"http":        func(t *testing.T) []string { return []string{"--output-http", startSink(t).addr()} },
		"http mute":   func(t *testing.T) []string { return []string{"--output-http", startMute(t).addr()} },
		"elasticsearch": func(t *testing.T) []string {
			return []string{"--output-http", startSink(t).addr(), "--output-http-elasticsearch", startMute(t).addr() + "/gor"}
		},
		"middleware": func(t *testing.T) []string {
			return []string{"--middleware", "sh -c 'head -n 50; exec sleep 1000'", "--output-null"}
		},
		"shared": func(t *testing.T) []string { return []string{"--output-stdout", "--output-null", "--split-output"} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, w, err := os.Pipe()
			must(t, err)
			defer r.Close()
			defer w.Close()
			moment := time.Duration(20+rand.IntN(200)) * time.Millisecond
			gor := spawnTo(t, w, append(args(t), "--input-file", in+"|max", "--input-file-loop",
				"--exit-after", fmt.Sprint(moment), "--drain-timeout", "50ms")...)
			gor.wait()
			wantSums(t, gor.said())
		})
	}
}
