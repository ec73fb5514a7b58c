package testkit

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A Log collects the lines that what is tested says. The zero value is ready, and
// all methods are safe for concurrent use.
type Log struct {
	mu    sync.Mutex
	lines []string
}

// Logf adds a line.
func (l *Log) Logf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

// Lines returns the lines so far.
func (l *Log) Lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.lines)
}

// String is the lines so far, one below the other.
func (l *Log) String() string { return strings.Join(l.Lines(), "\n") }

// Count returns how many lines hold part.
func (l *Log) Count(part string) (n int) {
	for _, line := range l.Lines() {
		if strings.Contains(line, part) {
			n++
		}
	}
	return n
}

// Has reports whether a line holds part.
func (l *Log) Has(part string) bool { return l.Count(part) > 0 }

// Await waits until a line holds part.
func (l *Log) Await(t testing.TB, part string) {
	t.Helper()
	Eventually(t, part, func() bool { return l.Has(part) })
}
