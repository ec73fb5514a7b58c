// Package certs reads certificates, keys and authorities from files, and reads
// them again when they have changed, so that a renewal needs no restart.
package certs

import (
	"os"
	"strings"
	"sync"
	"time"
)

// lookGrain is how often the files are looked at, at most.
const lookGrain = time.Second

// Files is what was read from files. What they hold now counts; when that cannot
// be used, what they held before. Its methods are safe for concurrent use.
type Files[T any] struct {
	names []string
	read  func() (T, error)
	logf  func(format string, args ...any)
	now   func() time.Time

	mu     sync.Mutex
	value  T
	stamps []os.FileInfo
	looked time.Time
	failed int // looks at which they could not be used, in a row
}

func openFiles[T any](logf func(string, ...any), read func() (T, error), names ...string) (*Files[T], error) {
	c := &Files[T]{names: names, read: read, logf: logf, now: time.Now}
	c.stamps = c.stat()
	c.looked = c.now()
	var err error
	c.value, err = read()
	return c, err
}

// stat returns nil when not all files are there.
func (c *Files[T]) stat() []os.FileInfo {
	var list []os.FileInfo
	for _, name := range c.names {
		fi, err := os.Stat(name)
		if err != nil {
			return nil
		}
		list = append(list, fi)
	}
	return list
}

// Get returns what the files hold.
func (c *Files[T]) Get() T {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if now.Sub(c.looked) < lookGrain {
		return c.value
	}
	c.looked = now
	stamps := c.stat()
	if sameFiles(stamps, c.stamps) {
		return c.value
	}
	value, err := c.read()
	if err != nil {
		// A renewal replaces one file after the other: it may only be half done.
		c.failed++
		if c.failed == 2 {
			c.logf("%v; what was read before stays in use", err)
		}
		return c.value
	}
	c.value, c.stamps, c.failed = value, stamps, 0
	c.logf("%s has changed and was read again", strings.Join(c.names, ", "))
	return c.value
}

func sameFiles(a, b []os.FileInfo) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !os.SameFile(a[i], b[i]) || !a[i].ModTime().Equal(b[i].ModTime()) || a[i].Size() != b[i].Size() {
			return false
		}
	}
	return true
}
