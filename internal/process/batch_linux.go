package process

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// giveWayNice is the nice value of a program that gives way: where every core is
// busy, its threads get half of what a server's get. That is several times what the
// capture of small requests takes. Of large bodies a saturated server takes more than
// can be recorded beside it, and the less is recorded the more it serves. With 3 Gor
// still has at least as many of the packets as tcpdump that writes them to a file;
// with 5 it has fewer of bodies of a megabyte.
const giveWayNice = 3

// GiveWay puts the program's threads under SCHED_BATCH (sched(7)), with a lower
// weight: they do not interrupt another program by waking up, and leave it the
// larger part of a core that both want. A server whose traffic is captured loses
// less by that, and the packets wait in the ring. Threads that are started later
// inherit it. Who chose another policy or nice value for the program keeps it.
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
			if attr.Nice == 0 {
				attr.Nice = giveWayNice
			}
			_ = unix.SchedSetAttr(tid, attr, 0) // a sandbox may forbid it
		}
	}
}

// Yield lets another program that waits for this thread's core have it
// (sched_yield(2)). Nobody waits: it takes about as long as any system call.
func Yield() { _, _, _ = unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0) }
