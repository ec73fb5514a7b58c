// Package evloop waits for many TCP connections at once: no goroutine is parked
// for each of them, reads and writes do not wait, and one buffer serves all
// connections of a loop.
package evloop

import (
	"errors"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
)

var (
	// ErrWait is what Read returns when nothing came, and Write when nothing more
	// can be written now. The Handler is told when that has changed.
	ErrWait = errors.New("evloop: would wait")

	// ErrUnsupported is what Adopt returns where there are no loops, and for
	// connections that are not TCP sockets.
	ErrUnsupported = errors.New("evloop: no event loop for this connection")

	// ErrClosed is what Adopt returns after Close, and what a closed Socket's
	// methods return.
	ErrClosed = errors.New("evloop: closed")
)

// A Handler is who uses a Socket.
type Handler interface {
	// Ready is called by the loop when the socket may be read, or written after
	// ErrWait, or has ended. It may be called without a cause, and once more after
	// the socket was closed. It must read until ErrWait, until less came than there
	// was room for, or until an end; with ended, until ErrWait or an end. It must
	// not wait. buf is for reading into, until it returns.
	Ready(buf []byte, ended bool)
}

// bufferSize is what a loop reads at a time. A large answer takes one system call
// for as much of it as a socket's buffer commonly holds.
const bufferSize = 64 << 10

// Loops are as many event loops as there are cores, each with a thread, which
// start with the first Socket. The zero value is ready for use. Its methods are
// safe for concurrent use.
type Loops struct {
	mu     sync.Mutex
	list   []*loop
	next   atomic.Uint32
	closed bool
}

// most is how many loops there are.
func most() int { return max(runtime.NumCPU(), 1) }

// Adopt takes a connection away from the Go runtime, and tells h what happens to
// it from now on. It owns conn also when it fails, and closes it then.
func (l *Loops) Adopt(conn net.Conn, h Handler) (*Socket, error) {
	loop, err := l.pick()
	if err != nil {
		conn.Close()
		return nil, err
	}
	return loop.adopt(conn, h)
}

// pick returns the loops in turn, and starts them first.
func (l *Loops) pick() (*loop, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, ErrClosed
	}
	if len(l.list) < most() {
		loop, err := newLoop()
		if err == nil {
			l.list = append(l.list, loop)
			return loop, nil
		}
		if len(l.list) == 0 {
			return nil, err
		}
	}
	return l.list[l.next.Add(1)%uint32(len(l.list))], nil
}

// Close ends the loops. The sockets must have been closed, or are told nothing
// any more.
func (l *Loops) Close() {
	l.mu.Lock()
	list := l.list
	l.list, l.closed = nil, true
	l.mu.Unlock()
	for _, loop := range list {
		loop.close()
	}
}

// A detacher is a connection that can give its socket away and has something to
// be told when that is closed.
type detacher interface {
	// Detach returns what is to be called when the socket that Close would have
	// closed is closed. The Close that follows does not count as that.
	Detach() (closed func())
}
