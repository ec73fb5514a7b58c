package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// cpuSoFar is the CPU time of a running process, of the threads that it has
// now. Unlike that in stat it is not counted in ticks of 10 ms, which is much of
// what a good captor takes.
func cpuSoFar(pid int) (time.Duration, error) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(files) == 0 {
		return 0, fmt.Errorf("read the CPU time of process %d: there is no schedstat", pid)
	}
	sum := time.Duration(0)
	for _, name := range files {
		content, err := os.ReadFile(name)
		if os.IsNotExist(err) {
			continue // the thread has ended
		}
		if err != nil {
			return 0, err
		}
		ns, err := parseSchedstat(string(content))
		if err != nil {
			return 0, fmt.Errorf("read %q: %w", name, err)
		}
		sum += ns
	}
	return sum, nil
}

// parseSchedstat reads the first of three numbers, the time on a CPU in ns.
func parseSchedstat(content string) (time.Duration, error) {
	first, _, _ := strings.Cut(content, " ")
	ns, err := strconv.ParseInt(first, 10, 64)
	return time.Duration(ns), err
}

// peakMemory is the most resident memory that a process has had, in bytes.
func peakMemory(pid int) (int64, error) {
	name := fmt.Sprintf("/proc/%d/status", pid)
	content, err := os.ReadFile(name)
	if err != nil {
		return 0, err
	}
	bytes, err := parsePeak(string(content))
	if err != nil {
		return 0, fmt.Errorf("read %q: %w", name, err)
	}
	return bytes, nil
}

// parsePeak reads "VmHWM:   1234 kB".
func parsePeak(status string) (int64, error) {
	for line := range strings.Lines(status) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
			return kb << 10, err
		}
	}
	return 0, fmt.Errorf("it has no VmHWM")
}

// capturing reports whether a process has a packet socket that is bound.
func capturing(pid int) bool {
	table, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/packet", pid))
	if err != nil {
		return false
	}
	inodes := boundSockets(string(table))
	fds, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		return false
	}
	for _, fd := range fds {
		link, err := os.Readlink(fd)
		if err != nil {
			continue
		}
		if inodes[strings.TrimSuffix(strings.TrimPrefix(link, "socket:["), "]")] {
			return true
		}
	}
	return false
}

// boundSockets returns the inodes of those sockets of a table of packet
// sockets that take packets: column R is 1, and Inode is the last.
func boundSockets(table string) map[string]bool {
	inodes := map[string]bool{}
	for line := range strings.Lines(table) {
		if f := strings.Fields(line); len(f) >= 9 && f[5] == "1" {
			inodes[f[8]] = true
		}
	}
	return inodes
}
