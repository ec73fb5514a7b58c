package source

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/buger/gor/raw_socket_listener/filter"
)

const (
	// waitAtMost is how long a quiet link goes without a tick.
	waitAtMost = 200 * time.Millisecond
	// lookEvery is how often the interfaces are looked at where the kernel does
	// not tell of changes, as in some sandboxes.
	lookEvery = time.Second
	// maxIndices bounds the interfaces that the kernel's filter compares each
	// packet with.
	maxIndices = 1024
	// blockSlack is how late the kernel's timer may be.
	blockSlack = 8 * time.Millisecond
)

// rings is the live source: one ring for every interface together, or one for
// the interface that was named. For a pattern, and for an interface whose
// packets several sources share, it is one ring for all of which the kernel's
// filter lets only the named ones through: members of a group cannot be bound
// to an interface that came back, and a ring for each of a hundred would take
// more memory than there is.
type rings struct {
	counters
	addr  filter.Address
	resp  bool
	block time.Duration // for which the kernel may hold a packet back
	rings []*ring
	wake  int // eventfd that close writes to

	cfg     Config     // with what the filter lets through now
	watch   *linkWatch // nil where the kernel does not tell, or nothing depends on it
	leader  bool       // it is the one that tells of its interfaces
	vlans   filter.VLANs
	ignored []string // interfaces, by name or pattern

	life     sync.Mutex // guards what follows, and the use of descriptors by others than run
	running  bool
	closed   bool
	released bool
}

func openRings(c Config) (Source, error) {
	c.ByIndex = c.Address.Pattern != ""
	s, err := newRings(c, nil)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// newRings opens the rings for an address and lets in what program passes; nil
// stands for what c says.
func newRings(c Config, program []bpf.RawInstruction) (*rings, error) {
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("open an eventfd: %w", err)
	}
	s := &rings{addr: c.Address, resp: c.TrackResponse, block: c.BlockTimeout, wake: wake, vlans: c.VLANs, ignored: c.IgnoredInterfaces, cfg: c, leader: true}
	if err := s.open(c, program); err != nil {
		s.release()
		return nil, err
	}
	return s, nil
}

func (s *rings) open(c Config, program []bpf.RawInstruction) error {
	names, err := c.interfaces()
	if err != nil {
		return err
	}
	if len(names) == 0 || c.ByIndex {
		names = []string{""}
	}
	if !c.Address.EveryInterface() || c.Promisc {
		// Before the interfaces are listed, so that none is missed.
		if s.watch, err = openLinkWatch(); err != nil {
			s.fault("interfaces that appear are looked for every %v: %v", lookEvery, err)
		}
	}
	if c.ByIndex {
		if s.cfg.Indices, err = s.indices(); err != nil {
			return err
		}
		if len(s.cfg.Indices) == 0 && s.addr.Pattern != "" {
			s.fault("no interface matches %s yet: waiting for one", s.addr.Pattern)
		}
	}
	if program == nil {
		if program, err = filter.KernelProgram(s.cfg.wanted()); err != nil {
			return err
		}
	}
	for _, name := range names {
		r, err := openRing(name, c.RingBytes/len(names), c.BlockTimeout, program)
		if err != nil {
			return err
		}
		r.yield = c.Yield
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
	if s.cfg.ByIndex {
		for _, index := range s.cfg.Indices {
			if err := r.promisc(int(index)); err != nil && !errors.Is(err, unix.ENODEV) {
				return fmt.Errorf("put an interface of %q in promiscuous mode: %w", s.addr, err)
			}
		}
		return nil
	}
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
		if ifi.Flags&net.FlagLoopback != 0 || filter.MatchesAny(s.ignored, ifi.Name) {
			continue
		}
		if err := r.promisc(ifi.Index); err != nil {
			s.fault("%s cannot be put in promiscuous mode: %v", ifi.Name, err)
		}
	}
	return nil
}

func (s *rings) String() string { return s.addr.String() }

func (s *rings) Run(to Sink) error {
	s.life.Lock()
	if s.closed {
		s.life.Unlock()
		return nil
	}
	s.running = true
	s.life.Unlock()
	defer s.release()

	t := tally{addr: s.addr, response: s.resp, vlans: s.vlans}
	if r := s.rings[0]; s.addr.EveryInterface() { // those that were named are not ignored
		t.ifaces = newIfaceFilter(s.ignored, r.interfaceName)
	}
	t.filtersFrames = t.ifaces != nil || !t.vlans.All()
	const first = 2 // of the rings' descriptors
	fds := make([]unix.PollFd, first+len(s.rings))
	fds[0] = unix.PollFd{Fd: int32(s.wake), Events: unix.POLLIN}
	fds[1] = unix.PollFd{Fd: -1, Events: unix.POLLIN} // poll(2) passes over it
	if s.watch != nil {
		fds[1].Fd = int32(s.watch.fd)
	}
	for i, r := range s.rings {
		fds[first+i] = unix.PollFd{Fd: int32(r.fd), Events: unix.POLLIN}
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
			if fds[first+i].Revents&unix.POLLERR != 0 {
				s.down(r)
			}
			r.drain(&t, to)
		}
		t.flush(&s.counters)
		if n == 0 {
			to.Tick(now.UnixNano())
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
		switch {
		case s.watch != nil && fds[1].Revents != 0:
			if s.watch.changed() {
				s.look()
			}
		case s.watch == nil && !s.addr.EveryInterface() && now.Sub(checked) >= lookEvery:
			checked = now
			s.look()
		}
	}
}

// NearlyFull reports that the kernel has nearly no block left to fill.
func (s *rings) NearlyFull() bool {
	for _, r := range s.rings {
		if r.nearlyFull() {
			return true
		}
	}
	return false
}

func (s *rings) Close() error {
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

func (s *rings) Stats() Stats {
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
	if s.watch != nil {
		s.watch.close()
	}
	_ = unix.Close(s.wake)
}
