package rawsocket

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

const (
	// waitAtMost is how long a quiet link goes without a tick.
	waitAtMost = 200 * time.Millisecond
	// reviveEvery is how often a lost interface is looked for.
	reviveEvery = time.Second
	// blockSlack is how late the kernel's timer may be.
	blockSlack = 8 * time.Millisecond
)

// rings is the live source: one ring for every interface together, or one
// for each interface that was named.
type rings struct {
	counters
	addr  Address
	resp  bool
	block time.Duration // for which the kernel may hold a packet back
	rings []*ring
	wake  int // eventfd that close writes to

	vlans   vlanFilter
	ignored []string // interfaces, by name or pattern

	// shared says that the rings are members of groups, which the kernel
	// does not let them leave for an interface that came back.
	shared bool

	life     sync.Mutex // guards what follows, and the use of descriptors by others than run
	running  bool
	closed   bool
	released bool
}

func openRings(c sourceConfig) (source, error) {
	filter, err := kernelFilter(c)
	if err != nil {
		return nil, err
	}
	return newRings(c, filter)
}

// newRings opens the rings for an address and lets in what filter passes.
func newRings(c sourceConfig, filter []bpf.RawInstruction) (*rings, error) {
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("open an eventfd: %w", err)
	}
	s := &rings{addr: c.Address, resp: c.TrackResponse, block: c.BlockTimeout, wake: wake, vlans: c.VLANs, ignored: c.IgnoredIfaces}
	if err := s.open(c, filter); err != nil {
		s.release()
		return nil, err
	}
	return s, nil
}

func (s *rings) open(c sourceConfig, filter []bpf.RawInstruction) error {
	names, err := c.interfaces()
	if err != nil {
		return err
	}
	if len(names) == 0 {
		names = []string{""}
	}
	for _, name := range names {
		r, err := openRing(name, c.RingBytes/len(names), c.BlockTimeout, filter)
		if err != nil {
			return err
		}
		s.rings = append(s.rings, r)
	}
	for _, r := range s.rings {
		if err := r.bind(); err != nil {
			return err
		}
		if c.Promisc {
			if err := s.promisc(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// promisc puts the interfaces of a ring in promiscuous mode, until its socket
// is closed.
func (s *rings) promisc(r *ring) error {
	if r.index != 0 {
		if err := r.promisc(r.index); err != nil {
			return fmt.Errorf("put %s in promiscuous mode: %w", r, err)
		}
		return nil
	}
	list, err := net.Interfaces()
	if err != nil {
		return fmt.Errorf("list the network interfaces: %w", err)
	}
	for _, ifi := range list {
		if ifi.Flags&net.FlagLoopback != 0 || matchesAny(s.ignored, ifi.Name) {
			continue
		}
		if err := r.promisc(ifi.Index); err != nil {
			s.fault("%s cannot be put in promiscuous mode: %v", ifi.Name, err)
		}
	}
	return nil
}

func (s *rings) String() string { return s.addr.String() }

func (s *rings) run(to sink) error {
	s.life.Lock()
	if s.closed {
		s.life.Unlock()
		return nil
	}
	s.running = true
	s.life.Unlock()
	defer s.release()

	t := tally{addr: s.addr, response: s.resp, vlans: s.vlans}
	if r := s.rings[0]; r.name == "" { // those that were named are not ignored
		t.ifaces = newIfaceFilter(s.ignored, r.interfaceName)
	}
	t.picky = t.ifaces != nil || !t.vlans.all()
	fds := make([]unix.PollFd, 1+len(s.rings))
	fds[0] = unix.PollFd{Fd: int32(s.wake), Events: unix.POLLIN}
	for i, r := range s.rings {
		fds[1+i] = unix.PollFd{Fd: int32(r.fd), Events: unix.POLLIN}
	}
	var until, checked time.Time // when to return after close; when the interfaces were looked at
	for {
		wait := waitAtMost
		if !until.IsZero() {
			wait = blockSlack
		}
		n, err := unix.Poll(fds, int(wait.Milliseconds()))
		if err != nil && !errors.Is(err, unix.EINTR) { // Go preempts threads with signals
			return fmt.Errorf("wait for packets of %q: %w", s.addr, err)
		}
		now := time.Now()
		for i, r := range s.rings {
			if fds[1+i].Revents&unix.POLLERR != 0 {
				s.down(r)
			}
			r.drain(&t, to)
		}
		t.flush(&s.counters)
		if n == 0 {
			to.tick(now.UnixNano())
		}
		switch {
		case until.IsZero() && err == nil && fds[0].Revents != 0:
			// What came before close may be in a block that the kernel still
			// fills: wait until its time is over.
			until = now.Add(s.block + blockSlack)
			fds[0].Fd = -1 // poll(2) passes over it
		case !until.IsZero() && !now.Before(until):
			return nil
		}
		if now.Sub(checked) >= reviveEvery {
			checked = now
			s.revive()
		}
	}
}

// down looks at an error of a ring. The kernel reports one when the interface
// goes down or away; reading the error clears it, and a ring whose interface
// comes up again goes on by itself.
func (s *rings) down(r *ring) {
	errno, err := unix.GetsockoptInt(r.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil || errno == 0 {
		return
	}
	if r.index != 0 {
		if _, err := net.InterfaceByIndex(r.index); err != nil {
			if s.shared {
				s.fault("the interface %s is gone: start again when it is back", r)
				return
			}
			r.gone = true
			s.fault("the interface %s is gone: waiting for it to come back", r)
			return
		}
	}
	s.fault("capture on %s: %v", r, unix.Errno(errno))
}

// revive binds the rings whose interfaces have come back, as those of tunnels
// and containers do under a new index.
func (s *rings) revive() {
	for _, r := range s.rings {
		if r.gone && r.bind() == nil {
			r.gone = false
			s.fault("the interface %s is back", r)
		}
	}
}

// pressed reports that the kernel has nearly no block left to fill.
func (s *rings) pressed() bool {
	for _, r := range s.rings {
		if r.pressed() {
			return true
		}
	}
	return false
}

func (s *rings) close() error {
	s.life.Lock()
	defer s.life.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	if !s.running {
		s.releaseLocked()
		return nil
	}
	if s.released {
		return nil
	}
	if _, err := unix.Write(s.wake, binary.NativeEndian.AppendUint64(nil, 1)); err != nil {
		return fmt.Errorf("close the capture %q: %w", s.addr, err)
	}
	return nil
}

func (s *rings) stats() SourceStats {
	s.life.Lock()
	if !s.released {
		s.collect()
	}
	s.life.Unlock()
	return s.snapshot()
}

// collect adds up the kernel's counts of dropped packets, which start again
// from zero whenever they are read.
func (s *rings) collect() {
	for _, r := range s.rings {
		s.dropped.Add(r.drops())
	}
}

func (s *rings) release() {
	s.life.Lock()
	defer s.life.Unlock()
	s.releaseLocked()
}

func (s *rings) releaseLocked() {
	if s.released {
		return
	}
	s.released = true
	s.collect()
	for _, r := range s.rings {
		r.release()
	}
	_ = unix.Close(s.wake)
}
