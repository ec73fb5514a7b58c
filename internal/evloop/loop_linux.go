package evloop

import (
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Supported says that there are loops on this system.
const Supported = true

const (
	// batch is how many sockets are asked for at a time. With more, those at the
	// end wait longer; with fewer, there are more calls.
	batch = 64

	// rawMost is the largest read or write that is made without telling Go's
	// scheduler: it takes some microseconds, less than the telling is worth.
	rawMost = 16 << 10

	// interest is edge-triggered: epoll_ctl is called once for a connection.
	interest = unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET
	hangup   = unix.EPOLLRDHUP | unix.EPOLLHUP | unix.EPOLLERR
)

// A loop is one epoll instance (epoll(7)) and the goroutine that waits for it.
type loop struct {
	epfd, wake int // wake is an eventfd that ends the loop
	done       chan struct{}

	// file and raw are epfd as Go's own poller knows it, which waits for it: a
	// thread that waits in epoll_wait takes a core from the scheduler and gives it
	// back each time, a tenth of the cost of an exchange (measured).
	file *os.File
	raw  syscall.RawConn
	poll func(uintptr) bool // look, made once: each closure would allocate

	events [batch]unix.EpollEvent
	n      int // of events, those that are there

	mu    sync.Mutex
	socks map[int32]*Socket
}

func newLoop() (*loop, error) {
	epfd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		unix.Close(epfd)
		return nil, os.NewSyscallError("eventfd", err)
	}
	l := &loop{epfd: epfd, wake: wake, done: make(chan struct{}), socks: make(map[int32]*Socket)}
	l.poll = l.look
	_ = unix.SetNonblock(epfd, true) // an epoll instance takes it; see wait
	l.file = os.NewFile(uintptr(epfd), "epoll")
	if l.raw, err = l.file.SyscallConn(); err != nil {
		l.file.Close()
		unix.Close(wake)
		return nil, err
	}
	err = unix.EpollCtl(epfd, unix.EPOLL_CTL_ADD, wake, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: -1})
	if err != nil {
		l.file.Close()
		unix.Close(wake)
		return nil, os.NewSyscallError("epoll_ctl", err)
	}
	go l.run()
	return l, nil
}

func (l *loop) close() {
	_, _ = unix.Write(l.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0}) // an eventfd takes it
	<-l.done
	l.file.Close()
	unix.Close(l.wake)
}

// run is the loop's goroutine.
func (l *loop) run() {
	defer close(l.done)
	buf := make([]byte, bufferSize)
	events := &l.events
	socks := make([]*Socket, batch)
	for {
		n := l.wait()
		l.mu.Lock()
		for i := range n {
			socks[i] = l.socks[events[i].Fd]
		}
		l.mu.Unlock()
		for i := range n {
			if events[i].Fd < 0 {
				return
			}
			// A socket may have been closed, and its number may be that of another,
			// since the kernel told of it: a call without a cause does no harm.
			if s := socks[i]; s != nil {
				s.handler.Ready(buf, events[i].Events&hangup != 0)
			}
			socks[i] = nil
		}
	}
}

// wait waits until there are events, at least one, and returns their number.
func (l *loop) wait() int {
	l.n = 0
	for l.n == 0 {
		if err := l.raw.Read(l.poll); err != nil { // Go's poller does not wait for it
			n, _ := unix.EpollWait(l.epfd, l.events[:], -1)
			l.n = max(n, 0)
		}
	}
	return l.n
}

// look takes the events that there are, and reports whether there are any.
func (l *loop) look(uintptr) bool {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(l.epfd), uintptr(unsafe.Pointer(&l.events[0])), batch, 0, 0, 0)
	if errno == 0 {
		l.n = int(n)
	}
	return l.n > 0
}

// A Socket is a connection of a loop. Its methods are for one user at a time,
// but for Close.
type Socket struct {
	loop    *loop
	fd      int32
	handler Handler
	ended   func()
	closed  atomic.Bool
}

func (l *loop) adopt(conn net.Conn, h Handler) (*Socket, error) {
	defer conn.Close()
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return nil, ErrUnsupported
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil, err
	}
	// The socket goes on under another number, which Go's own poller does not
	// know: it would be woken by each event, too.
	fd, kind := -1, 0
	var ferr error
	if err := raw.Control(func(old uintptr) {
		kind, ferr = unix.GetsockoptInt(int(old), unix.SOL_SOCKET, unix.SO_TYPE)
		if ferr == nil && kind == unix.SOCK_STREAM {
			fd, ferr = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0)
		}
	}); err != nil {
		return nil, err
	}
	switch {
	case ferr != nil:
		return nil, os.NewSyscallError("fcntl", ferr)
	case fd < 0:
		return nil, ErrUnsupported
	}
	s := &Socket{loop: l, fd: int32(fd), handler: h}
	l.mu.Lock()
	l.socks[s.fd] = s
	l.mu.Unlock()
	if err := unix.EpollCtl(l.epfd, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: interest, Fd: s.fd}); err != nil {
		s.Close()
		return nil, os.NewSyscallError("epoll_ctl", err)
	}
	if d, ok := conn.(detacher); ok {
		s.ended = d.Detach()
	}
	return s, nil
}

// Read reads what is there. It returns ErrWait when that is nothing, and io.EOF
// at the end.
func (s *Socket) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := s.call(unix.SYS_RECVFROM, p, unix.MSG_DONTWAIT)
	if n == 0 && err == nil {
		err = io.EOF
	}
	return n, err
}

// Write writes head and then body, or as much of them as the socket takes: then
// it returns ErrWait.
func (s *Socket) Write(head, body []byte) (n int, err error) {
	switch {
	case len(body) == 0:
		n, err = s.call(unix.SYS_SENDTO, head, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	case len(head) == 0:
		n, err = s.call(unix.SYS_SENDTO, body, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	default:
		if s.closed.Load() {
			return 0, ErrClosed
		}
		n, err = unix.SendmsgBuffers(int(s.fd), [][]byte{head, body}, nil, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		if err != nil {
			n, err = 0, explain("sendmsg", err.(syscall.Errno))
		}
	}
	if err == nil && n < len(head)+len(body) {
		err = ErrWait
	}
	return n, err
}

// call is recvfrom(2) or sendto(2), which differ in nothing else here.
func (s *Socket) call(trap uintptr, p []byte, flags uintptr) (int, error) {
	if s.closed.Load() {
		return 0, ErrClosed
	}
	if len(p) == 0 {
		return 0, nil
	}
	for {
		var n uintptr
		var errno syscall.Errno
		if len(p) <= rawMost || trap == unix.SYS_RECVFROM {
			n, _, errno = unix.RawSyscall6(trap, uintptr(s.fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)), flags, 0, 0)
		} else {
			n, _, errno = unix.Syscall6(trap, uintptr(s.fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)), flags, 0, 0)
		}
		switch {
		case errno == 0:
			return int(n), nil
		case errno != unix.EINTR:
			name := "recvfrom"
			if trap == unix.SYS_SENDTO {
				name = "sendto"
			}
			return 0, explain(name, errno)
		}
	}
}

func explain(call string, errno syscall.Errno) error {
	if errno == unix.EAGAIN {
		return ErrWait
	}
	return os.NewSyscallError(call, errno)
}

// Quiet reports that nothing came and the connection has not ended.
func (s *Socket) Quiet() bool {
	var b [1]byte
	_, err := s.call(unix.SYS_RECVFROM, b[:], unix.MSG_DONTWAIT|unix.MSG_PEEK)
	return err == ErrWait
}

// Again has the loop call Ready once more, if there is a cause then: for a Handler
// that stopped reading.
func (s *Socket) Again() {
	s.loop.mu.Lock()
	defer s.loop.mu.Unlock()
	if !s.closed.Load() {
		_ = unix.EpollCtl(s.loop.epfd, unix.EPOLL_CTL_MOD, int(s.fd), &unix.EpollEvent{Events: interest, Fd: s.fd}) // it is there
	}
}

// Close closes the connection. The number may be another connection's at once: no
// other method may be in use.
func (s *Socket) Close() {
	if s.closed.Swap(true) {
		return
	}
	s.loop.mu.Lock()
	delete(s.loop.socks, s.fd)
	s.loop.mu.Unlock()
	unix.Close(int(s.fd))
	if s.ended != nil {
		s.ended()
	}
}
