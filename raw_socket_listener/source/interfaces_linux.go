package source

import (
	"fmt"
	"net"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/buger/gor/raw_socket_listener/filter"
)

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
			r.absent = true
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
	case s.addr.EveryInterface():
		for _, r := range s.rings { // asked for because of promiscuous mode
			if err := s.promisc(r); err != nil {
				s.fault("%v", err)
			}
		}
	default:
		for _, r := range s.rings {
			if r.absent && r.bind() == nil {
				r.absent = false
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
	filter, err := filter.KernelProgram(s.cfg.wanted())
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
		if !s.addr.TakesInterface(ifi.Name) || filter.MatchesAny(s.ignored, ifi.Name) {
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
