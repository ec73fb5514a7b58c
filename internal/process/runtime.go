// Package process sets what concerns the whole process: how its memory is
// collected, how its threads are scheduled, and its profiles.
package process

import (
	"os"
	"runtime"
	"runtime/debug"
)

// gcPercent lets the heap grow less between collections than Go would: in
// steady state nothing is allocated, and under abuse, when connections come and
// go by the thousand, what lies about for the next collection is what counts.
const gcPercent = 60

// LimitHeap has the garbage collector work harder when the heap has target
// bytes. What the user has set with GOMEMLIMIT or GOGC stands.
func LimitHeap(target int64) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(target)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}

// AddProc lets one more thread run Go code than there are cores: the one that
// keeps a schedule needs a free P when it wakes. What the user has set with
// GOMAXPROCS stands.
func AddProc() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1)
	}
}
