package main

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestGiveWay: a capture that only records does not interrupt the server
// beside it; one that replays, which answers to a clock, does.
func TestGiveWay(t *testing.T) {
	needCapture(t)
	_, port, _ := net.SplitHostPort(freePort(t))
	for _, test := range []struct {
		name string
		args []string
		want uint32
	}{
		{"recording", []string{"--input-raw", ":" + port, "--output-file", filepath.Join(t.TempDir(), "a.gor")}, unix.SCHED_BATCH},
		{"link", []string{"--input-raw", ":" + port, "--output-tcp", "127.0.0.1:" + port}, unix.SCHED_BATCH},
		{"replaying", []string{"--input-raw", ":" + port, "--output-http", "http://127.0.0.1:1"}, unix.SCHED_NORMAL},
	} {
		t.Run(test.name, func(t *testing.T) {
			gor := startGor(t, test.args...)
			time.Sleep(50 * time.Millisecond) // for more threads to start
			tasks, err := os.ReadDir("/proc/" + strconv.Itoa(gor.cmd.Process.Pid) + "/task")
			must(t, err)
			for _, task := range tasks {
				tid, _ := strconv.Atoi(task.Name())
				attr, err := unix.SchedGetAttr(tid, 0)
				must(t, err)
				if attr.Policy != test.want {
					t.Errorf("thread %d has policy %d, want %d", tid, attr.Policy, test.want)
				}
			}
			gor.stop()
		})
	}
}
