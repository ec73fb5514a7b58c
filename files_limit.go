package main

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"
)

// A filesError is a connection that could be neither made nor accepted because
// the process, or the system, has as many files open as it may: nothing that
// the other end could help.
type filesError struct {
	err   error
	limit uint64 // of the process; 0: unknown
}

func (e *filesError) Error() string {
	if e.limit == 0 || errors.Is(e.err, syscall.ENFILE) {
		return fmt.Sprintf("%v: this host has as many files open as it may", e.err)
	}
	return fmt.Sprintf("%v: this Gor may have %d files and connections open (ulimit -n, or LimitNOFILE= of its unit)", e.err, e.limit)
}
func (e *filesError) Unwrap() error { return e.err }

// Timeout and Temporary are those of a net.Error: an http.Server goes on
// accepting after it.
func (e *filesError) Timeout() bool   { return false }
func (e *filesError) Temporary() bool { return true }

// explainFiles says of an error that it is about open files, if it is.
func explainFiles(err error) error {
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
		return &filesError{err, openFilesLimit()}
	}
	return err
}

// listen is net.Listen whose Accept says what it lacks when that is files.
func listen(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, explainListen(addr, err)
	}
	return filesListener{l}, nil
}

type filesListener struct{ net.Listener }

func (l filesListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return conn, explainFiles(err)
}

// A filesTrouble bounds how often it is said that there are too many open
// files: they come and go with each connection.
type filesTrouble struct {
	mu     sync.Mutex
	toldAt time.Time
}

func (f *filesTrouble) tell(now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.toldAt.IsZero() && now.Sub(f.toldAt) < tellDownAgain {
		return false
	}
	f.toldAt = now
	return true
}
