package process

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// GiveWay puts the program's threads under SCHED_BATCH (sched(7)): they get
// their share of the cores as before, but do not interrupt another program by
// waking up. A server whose traffic is captured loses less by that, and the
// packets wait in the ring. Threads that are started later inherit it. Who
// chose another policy for the program keeps it.
func GiveWay() {
	for range 3 { // again for a thread that one of the old ones started meanwhile
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return // no harm: it is a courtesy
		}
		for _, t := range tasks {
			tid, err := strconv.Atoi(t.Name())
			if err != nil {
				continue
			}
			attr, err := unix.SchedGetAttr(tid, 0)
			if err != nil || attr.Policy != unix.SCHED_NORMAL {
				continue
			}
			attr.Policy = unix.SCHED_BATCH
			_ = unix.SchedSetAttr(tid, attr, 0) // a sandbox may forbid it
		}
	}
}

// Yield lets another program that waits for this thread's core have it
// (sched_yield(2)). Nobody waits: it takes about as long as any system call.
func Yield() { _, _, _ = unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0) }
