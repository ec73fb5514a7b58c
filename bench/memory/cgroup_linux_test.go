package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// cgroupBytes is what the unit in docs/deploy.md allows: MemoryMax=128M.
const cgroupBytes = 128 << 20

// smallCgroup makes a cgroup whose processes are killed when they take more
// memory than cgroupBytes, of version 2 or 1, and returns how a process is put
// into it and how often it was at its limit.
func smallCgroup(t *testing.T) (into func(pid int) error, killed func() bool) {
	t.Helper()
	for _, v := range []struct{ root, limit, swap, events, kills string }{
		{"/sys/fs/cgroup", "memory.max", "memory.swap.max", "memory.events", "oom_kill "},
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.oom_control", "oom_kill "},
	} {
		dir, err := os.MkdirTemp(v.root, "gor-test-")
		if err != nil {
			continue
		}
		// Where version 1 is mounted, /sys/fs/cgroup is a folder like others.
		_, err = os.Stat(filepath.Join(dir, "cgroup.procs"))
		if err != nil || os.WriteFile(filepath.Join(dir, v.limit), []byte(strconv.Itoa(cgroupBytes)), 0) != nil {
			os.Remove(dir)
			continue
		}
		_ = os.WriteFile(filepath.Join(dir, v.swap), []byte("0"), 0) // without accounting of swap there is none
		t.Cleanup(func() {
			for range 50 { // its last process may be on its way out
				if os.Remove(dir) == nil {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
		})
		into = func(pid int) error {
			return os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0)
		}
		return into, func() bool {
			text, _ := os.ReadFile(filepath.Join(dir, v.events))
			_, rest, found := strings.Cut(string(text), v.kills)
			return found && !strings.HasPrefix(rest, "0")
		}
	}
	t.Skip("a memory cgroup cannot be made here: needs root, and /sys/fs/cgroup that can be written to")
	return nil, nil
}

// TestAbuseInASmallCgroup: what strangers can do to Gor does not have it killed
// where the unit in docs/deploy.md runs it, and it accounts for everything to its end.
// GOR_CGROUP_ALL=1 tries every abuse and every mode with bodies of 15 MB.
func TestAbuseInASmallCgroup(t *testing.T) {
	into, killed := smallCgroup(t)
	gor := filepath.Join(t.TempDir(), "gor")
	build := exec.Command("go", "build", "-o", gor, "../..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	all := os.Getenv("GOR_CGROUP_ALL") != ""
	try := func(m mode, size int) {
		t.Run(fmt.Sprintf("%s, %d kB", m.name, size>>10), func(t *testing.T) {
			r, err := measure(context.Background(), gor, m, size, into)
			switch {
			case errors.Is(err, errSkip):
				t.Skip(err)
			case err != nil || killed():
				t.Fatalf("killed: %v; %v", killed(), err)
			}
			t.Logf("%.0f MB at most, %d lost, counted", float64(r.peak)/(1<<20), r.lost)
		})
	}
	// Those that take no time: many hostile targets do.
	short := map[string]bool{
		"captured heads of one-letter lines": true, "capture to http": true, "input-http to http": true,
	}
	for _, m := range abuses() {
		if all || short[m.name] {
			try(m, 1<<10)
		}
	}
	for _, m := range modes() {
		if all || short[m.name] {
			try(m, 15<<20)
		}
	}
}
