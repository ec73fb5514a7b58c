package e2e

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/buger/gor/internal/testkit"
)

// TestGiveWay: a capture that only records does not interrupt the server
// beside it; one that replays, which answers to a clock, does.
func TestGiveWay(t *testing.T) {
	testkit.NeedCapture(t)
	_, port, _ := net.SplitHostPort(testkit.FreePort(t))
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
			gor := testkit.StartGor(t, test.args...)
			time.Sleep(50 * time.Millisecond) // for more threads to start
			tasks, err := os.ReadDir("/proc/" + strconv.Itoa(gor.Cmd.Process.Pid) + "/task")
			testkit.Must(t, err)
			for _, task := range tasks {
				tid, _ := strconv.Atoi(task.Name())
				attr, err := unix.SchedGetAttr(tid, 0)
				testkit.Must(t, err)
				if attr.Policy != test.want {
					t.Errorf("thread %d has policy %d, want %d", tid, attr.Policy, test.want)
				}
			}
			gor.Stop()
		})
	}
}
