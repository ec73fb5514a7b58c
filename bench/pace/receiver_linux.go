package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/payload"
)

const answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// A receiver stamps requests with the time at which the kernel received them
// (SO_TIMESTAMPNS of socket(7)): how late a thread of the receiver wakes up says
// nothing about the sender.
type receiver struct {
	l     net.Listener
	wg    sync.WaitGroup
	takes time.Duration // from a request to its answer

	mu     sync.Mutex
	at     []int64 // ns since 1970
	conns  []int
	closed bool
}

func newReceiver(n int, answer time.Duration) (*receiver, error) {
	// What is set on the listening socket holds for its connections.
	stamping := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var set error
		err := c.Control(func(fd uintptr) {
			set = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
		})
		return errors.Join(err, set)
	}}
	l, err := stamping.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &receiver{l: l, takes: answer, at: make([]int64, n)}
	r.wg.Go(r.accept)
	return r, nil
}

func (r *receiver) addr() string { return r.l.Addr().String() }

func (r *receiver) stamps() []int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]int64(nil), r.at...)
}

func (r *receiver) accept() {
	for {
		c, err := r.l.Accept()
		if err != nil {
			return
		}
		f, err := c.(*net.TCPConn).File()
		c.Close() // f is a duplicate
		if err != nil {
			continue
		}
		r.wg.Go(func() { r.serve(f) })
	}
}

func (r *receiver) serve(f *os.File) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer f.Close()
	fd := int(f.Fd()) // which makes it block
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return
	}
	r.conns = append(r.conns, fd)
	r.mu.Unlock()
	var p http1.Parser
	p.ResetRequest()
	buf, control := make([]byte, 16<<10), make([]byte, 128)
	var raw []byte
	for {
		n, oobn, _, _, err := unix.Recvmsg(fd, buf, control, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || n == 0 {
			return
		}
		now := received(control[:oobn])
		for b := buf[:n]; len(b) > 0; {
			used, done, err := p.Feed(b)
			if err != nil {
				return
			}
			raw = append(raw, b[:used]...)
			b = b[used:]
			if !done {
				continue
			}
			p.ResetRequest()
			r.stamp(raw, now)
			raw = raw[:0]
			if r.takes > 0 {
				time.Sleep(r.takes)
			}
			if _, err := unix.Write(fd, []byte(answer)); err != nil {
				return
			}
		}
	}
}

func (r *receiver) stamp(raw []byte, at int64) {
	var q http1.Request
	if q.Parse(raw) != nil {
		return
	}
	i, err := strconv.Atoi(string(q.Target()[1:]))
	if err != nil || i < 0 || i >= len(r.at) {
		return
	}
	r.mu.Lock()
	r.at[i] = at
	r.mu.Unlock()
}

// received is the time that came with what recvmsg(2) returned, 0 if none did.
func received(control []byte) int64 {
	for len(control) > 0 {
		h, data, rest, err := unix.ParseOneSocketControlMessage(control)
		if err != nil {
			return 0
		}
		if h.Level == unix.SOL_SOCKET && h.Type == unix.SCM_TIMESTAMPNS && len(data) >= 16 {
			return int64(binary.NativeEndian.Uint64(data))*1e9 + int64(binary.NativeEndian.Uint64(data[8:]))
		}
		control = rest
	}
	return 0
}

func (r *receiver) close() {
	r.l.Close()
	r.mu.Lock()
	r.closed = true
	for _, fd := range r.conns {
		_ = unix.Shutdown(fd, unix.SHUT_RDWR) // one that has ended already says so
	}
	r.mu.Unlock()
	r.wg.Wait()
}

func monotonic() int64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) // this clock is always there
	return ts.Nano()
}

// controlMain is the role "control ADDRESS RECORDING": it sends each request at
// its time over one connection, and does nothing else.
func controlMain(args []string) error {
	if len(args) != 2 {
		return errors.New("want an address and a recording")
	}
	f, err := os.Open(args[1])
	if err != nil {
		return err
	}
	defer f.Close()
	src, err := payload.Open(f, args[1], 0)
	if err != nil {
		return err
	}
	var times []int64
	var requests [][]byte
	for {
		msg, err := src.Next()
		if err != nil {
			break
		}
		meta, body, err := payload.Split(msg)
		if err != nil {
			return err
		}
		times = append(times, meta.Time)
		requests = append(requests, append([]byte(nil), body...))
	}
	if len(times) == 0 {
		return fmt.Errorf("%s holds no records", args[1])
	}
	var fds []int
	for range controlConns {
		c, err := net.Dial("tcp", args[0])
		if err != nil {
			return err
		}
		file, err := c.(*net.TCPConn).File()
		c.Close() // file is a duplicate
		if err != nil {
			return err
		}
		defer file.Close()
		fds = append(fds, int(file.Fd())) // which makes it block
	}
	return control(fds, times, requests)
}

// controlConns is how many connections the control has, as many as Gor at most:
// it uses them in turn, so that the last answer on one is there long before it
// sends the next request on it.
const controlConns = 512

// spin is for how long before a time the control does not trust the kernel's
// timer.
const spin = 100 * time.Microsecond

func control(fds []int, times []int64, requests [][]byte) error {
	runtime.LockOSThread()
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0); err != nil {
		return err
	}
	buf := make([]byte, 4<<10)
	start := monotonic() + int64(100*time.Millisecond)
	for i, raw := range requests {
		fd := fds[i%len(fds)]
		if i >= len(fds) { // the answer to what was sent on it before
			if err := readAnswer(fd, buf); err != nil {
				return err
			}
		}
		due := start + times[i] - times[0]
		if wake := unix.NsecToTimespec(due - int64(spin)); due-monotonic() > int64(spin) {
			for unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &wake, nil) == unix.EINTR {
			}
		}
		for monotonic() < due {
		}
		if _, err := unix.Write(fd, raw); err != nil {
			return err
		}
	}
	for i := range min(len(fds), len(requests)) {
		if err := readAnswer(fds[(len(requests)-1-i)%len(fds)], buf); err != nil {
			return err
		}
	}
	return nil
}

func readAnswer(fd int, buf []byte) error {
	for got := 0; got < len(answer); {
		n, err := unix.Read(fd, buf)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return err
		case n == 0:
			return io.ErrUnexpectedEOF
		default:
			got += n
		}
	}
	return nil
}
