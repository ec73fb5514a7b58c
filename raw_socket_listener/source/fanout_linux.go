package source

import (
	"fmt"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/buger/gor/raw_socket_listener/filter"
)

// Modes and flags of PACKET_FANOUT (linux/if_packet.h): the mode stands in the
// high half of the option's value, the group's number in the low half.
const (
	fanoutHash     = unix.PACKET_FANOUT_HASH << 16
	fanoutUniqueID = unix.PACKET_FANOUT_FLAG_UNIQUEID << 16
	fanoutGroup    = 0xffff
)

// openFanout opens n sources that share the packets of c: both directions of
// a connection go to the same one. Together they have the memory of one.
//
// All of them refuse every packet until the last has joined: the kernel
// divides the connections between those that have, so that each that joins
// moves some. The kernel numbers the groups, as a number of our choice may be that of
// another Gor on this host.
func openFanout(c Config, n int) ([]Source, error) {
	refuse, err := bpf.Assemble([]bpf.Instruction{bpf.RetConstant{Val: 0}})
	if err != nil {
		return nil, fmt.Errorf("assemble the kernel filter for %q: %w", c.Address, err)
	}
	c.ByIndex = !c.Address.EveryInterface()
	var members []*rings
	fail := func(err error) ([]Source, error) {
		for _, s := range members {
			s.release()
		}
		return nil, err
	}
	c.RingBytes /= n
	for i := range n {
		s, err := newRings(c, refuse)
		if err != nil {
			return fail(err)
		}
		s.leader = i == 0
		members = append(members, s)
	}
	for i := range members[0].rings { // a group for each interface
		group := fanoutHash | fanoutUniqueID
		for _, s := range members {
			if err := s.rings[i].join(&group); err != nil {
				return fail(fmt.Errorf("share the packets of %q between %d rings: %w", c.Address, n, err))
			}
		}
	}
	list := make([]Source, n)
	for i, s := range members {
		filter, err := filter.KernelProgram(s.cfg.wanted())
		if err != nil {
			return fail(err)
		}
		for _, r := range s.rings {
			if err := r.attach(filter); err != nil {
				return fail(err)
			}
		}
		list[i] = s
	}
	return list, nil
}

// join makes the ring a member of a group. The first one founds it, and
// changes group to what the others have to ask for.
func (r *ring) join(group *int) error {
	if err := unix.SetsockoptInt(r.fd, unix.SOL_PACKET, unix.PACKET_FANOUT, *group); err != nil {
		return err
	}
	if *group&fanoutUniqueID == 0 {
		return nil
	}
	id, err := unix.GetsockoptInt(r.fd, unix.SOL_PACKET, unix.PACKET_FANOUT)
	if err != nil {
		return err
	}
	*group = fanoutHash | id&fanoutGroup
	return nil
}
