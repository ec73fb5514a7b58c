package main

import (
	"bytes"
	"fmt"
	"io"
	"sync"
)

// writer is what the summary is written to.
type writer = io.Writer

// A logger writes to stderr, each call at once, so that the lines of
// different goroutines do not mix.
type logger struct {
	mu  sync.Mutex
	w   io.Writer
	bar clearer // drawn below the last line; nil: none
}

// A clearer is something on the last line of a terminal that makes way.
type clearer interface{ Clear() error }

func newLogger(w io.Writer) *logger { return &logger{w: w} }

// Write writes p as it is: the stats lines have a form of their own.
func (l *logger) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bar != nil {
		_ = l.bar.Clear() // it is drawn again soon
	}
	return l.w.Write(p)
}

// setBar puts a bar below the lines, or with nil takes it away.
func (l *logger) setBar(bar clearer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bar != nil {
		_ = l.bar.Clear()
	}
	l.bar = bar
}

// draw calls f, which draws, while no line is written.
func (l *logger) draw(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
}

// printf writes one line to people.
func (l *logger) printf(format string, args ...any) {
	fmt.Fprintf(l, "gor: %s\n", fmt.Sprintf(format, args...))
}

// write writes several lines at once.
func (l *logger) write(f func(w writer)) {
	var b bytes.Buffer
	f(&b)
	l.Write(b.Bytes())
}
