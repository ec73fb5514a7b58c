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

// TestGiveWay: a capture that only records does not interrupt the server beside it
// and takes less of a core that both want, unless somebody chose its nice value;
// one that replays, which answers to a clock, does neither.
func TestGiveWay(t *testing.T) {
	testkit.NeedCapture(t)
	own, err := unix.SchedGetAttr(0, 0)
	testkit.Must(t, err)
	given := own.Nice
	if given == 0 {
		given = 3
	}
	_, port, _ := net.SplitHostPort(testkit.FreePort(t))
	for _, test := range []struct {
		name   string
		prefix []string
		args   []string
		policy uint32
		nice   int32
	}{
		{"recording", nil, []string{"--input-raw", ":" + port, "--output-file", filepath.Join(t.TempDir(), "a.gor")}, unix.SCHED_BATCH, given},
		{"niced", []string{"nice", "-n", "4"}, []string{"--input-raw", ":" + port, "--output-file", filepath.Join(t.TempDir(), "b.gor")}, unix.SCHED_BATCH, min(own.Nice+4, 19)},
		{"link", nil, []string{"--input-raw", ":" + port, "--output-tcp", "127.0.0.1:" + port}, unix.SCHED_BATCH, given},
		{"replaying", nil, []string{"--input-raw", ":" + port, "--output-http", "http://127.0.0.1:1"}, unix.SCHED_NORMAL, own.Nice},
	} {
		t.Run(test.name, func(t *testing.T) {
			gor := testkit.Spawn(t, "gor", test.prefix, nil, test.args...)
			gor.Await("gor: to ")
			time.Sleep(50 * time.Millisecond) // for more threads to start
			tasks, err := os.ReadDir("/proc/" + strconv.Itoa(gor.Cmd.Process.Pid) + "/task")
			testkit.Must(t, err)
			for _, task := range tasks {
				tid, _ := strconv.Atoi(task.Name())
				attr, err := unix.SchedGetAttr(tid, 0)
				testkit.Must(t, err)
				if attr.Policy != test.policy || attr.Nice != test.nice {
					t.Errorf("thread %d has policy %d and nice value %d, want %d and %d", tid, attr.Policy, attr.Nice, test.policy, test.nice)
				}
			}
			gor.Stop()
		})
	}
}
