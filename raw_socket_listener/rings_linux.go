package rawsocket

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
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
	addr  Address
	resp  bool
	block time.Duration // for which the kernel may hold a packet back
	rings []*ring
	wake  int // eventfd that close writes to

	cfg     sourceConfig // with what the filter lets through now
	watch   *linkWatch   // nil where the kernel does not tell, or nothing depends on it
	leader  bool         // it is the one that tells of its interfaces
	vlans   vlanFilter
	ignored []string // interfaces, by name or pattern

	life     sync.Mutex // guards what follows, and the use of descriptors by others than run
	running  bool
	closed   bool
	released bool
}

func openRings(c sourceConfig) (source, error) {
	c.ByIndex = c.Address.Pattern != ""
	s, err := newRings(c, nil)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// newRings opens the rings for an address and lets in what filter passes; nil
// stands for what c says.
func newRings(c sourceConfig, filter []bpf.RawInstruction) (*rings, error) {
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("open an eventfd: %w", err)
	}
	s := &rings{addr: c.Address, resp: c.TrackResponse, block: c.BlockTimeout, wake: wake, vlans: c.VLANs, ignored: c.IgnoredIfaces, cfg: c, leader: true}
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
	if len(names) == 0 || c.ByIndex {
		names = []string{""}
	}
	if !c.Address.everyInterface() || c.Promisc {
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
	if filter == nil {
		if filter, err = kernelFilter(s.cfg); err != nil {
			return err
		}
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
	if r := s.rings[0]; s.addr.everyInterface() { // those that were named are not ignored
		t.ifaces = newIfaceFilter(s.ignored, r.interfaceName)
	}
	t.picky = t.ifaces != nil || !t.vlans.all()
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
		switch {
		case s.watch != nil && fds[1].Revents != 0:
			if s.watch.changed() {
				s.look()
			}
		case s.watch == nil && !s.addr.everyInterface() && now.Sub(checked) >= lookEvery:
			checked = now
			s.look()
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
		// One that was made again, or came back from another namespace, has
		// to be bound to anew even when its index is the same.
		if r.bind() != nil {
			r.gone = true
			s.fault("the interface %s is gone: waiting for it to come back", r)
			return
		}
	}
	s.fault("capture on %s: %v", r, unix.Errno(errno))
}

// look brings the rings up to date with the interfaces that there are.
func (s *rings) look() {
	switch {
	case s.cfg.ByIndex:
		s.lookAgain()
	case s.addr.everyInterface():
		for _, r := range s.rings { // asked for because of promiscuous mode
			if err := s.promisc(r); err != nil {
				s.fault("%v", err)
			}
		}
	default:
		for _, r := range s.rings {
			if r.gone && r.bind() == nil {
				r.gone = false
				s.fault("the interface %s is back", r)
				if s.cfg.Promisc {
					_ = s.promisc(r) // it worked before
				}
			}
		}
	}
}

// lookAgain lets the interfaces through that are named and there now.
func (s *rings) lookAgain() {
	now, err := s.indices()
	if err != nil {
		s.fault("%v", err)
		return
	}
	if slices.Equal(now, s.cfg.Indices) {
		return
	}
	if s.leader {
		s.tellInterfaces(len(s.cfg.Indices), len(now))
	}
	s.cfg.Indices = now
	filter, err := kernelFilter(s.cfg)
	for _, r := range s.rings {
		if err == nil {
			err = r.attach(filter)
		}
		if err == nil && s.cfg.Promisc {
			err = s.promisc(r)
		}
	}
	if err != nil {
		s.fault("%v", err)
	}
}

func (s *rings) tellInterfaces(before, now int) {
	what := fmt.Sprintf("the interface %s", strings.Join(s.addr.Interfaces, ", "))
	if s.addr.Pattern != "" {
		what = fmt.Sprintf("the last interface that matches %s", s.addr.Pattern)
	}
	switch {
	case now == 0:
		s.fault("%s is gone: waiting for it to come back", what)
	case before == 0 && s.addr.Pattern != "":
		s.fault("there is an interface that matches %s", s.addr.Pattern)
	case before == 0:
		s.fault("%s is back", what)
	}
}

// indices are those of the interfaces that are named and there now, ascending.
func (s *rings) indices() ([]uint32, error) {
	list, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list the network interfaces: %w", err)
	}
	var found []uint32
	for _, ifi := range list {
		if !s.addr.takesInterface(ifi.Name) || matchesAny(s.ignored, ifi.Name) {
			continue
		}
		if len(found) == maxIndices {
			s.fault("more than %d interfaces match %s: the others are not captured", maxIndices, s.addr.Pattern)
			break
		}
		found = append(found, uint32(ifi.Index))
	}
	slices.Sort(found)
	return found, nil
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
	if s.watch != nil {
		s.watch.close()
	}
	_ = unix.Close(s.wake)
}
