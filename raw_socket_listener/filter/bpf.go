package filter

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/net/bpf"

	"github.com/buger/gor/raw_socket_listener/packet"
)

const (
	acceptAll = 0x40000 // bytes kept of an accepted packet, as tcpdump's default

	// fragmentKeep is what is kept of a fragment without a TCP header: it is
	// counted and its content is of no use.
	fragmentKeep = 64

	// maxFilter is BPF_MAXINSNS of linux/bpf_common.h.
	maxFilter = 4096

	packetOutgoing = 4   // PACKET_OUTGOING of linux/if_packet.h
	linkLoopback   = 772 // ARPHRD_LOOPBACK of linux/if_arp.h
)

// Wanted says which packets the kernel is to let through.
type Wanted struct {
	Address       Address
	TrackResponse bool        // packets from the server too
	Acks          bool        // packets to the server that only acknowledge too
	Tunnels       bool        // what may be a tunnel, or has a second VLAN tag, too
	Filter        *Expression // what packets have to match beside; nil for all

	// ByIndex lets only frames of these interfaces through.
	ByIndex bool
	Indices []uint32 // ascending
}

// KernelProgram is the program for an AF_PACKET socket of type SOCK_DGRAM,
// whose packets begin with the IP header on every kind of link. What w.Filter,
// unless it is nil, does not match is refused whatever it is.
func KernelProgram(w Wanted) ([]bpf.RawInstruction, error) {
	a, e := w.Address, w.Filter
	prog := DropLoopbackTwin()
	if w.ByIndex {
		prog = append(prog, onInterfaces(w.Indices)...)
	}
	if e != nil {
		prog = append(prog, e.program()...)
	}
	if w.Tunnels {
		prog = append(prog, passWrapped()...)
	}
	prog = append(prog, packetProgram(w)...)
	switch {
	case len(prog) > maxFilter && e != nil:
		return nil, fmt.Errorf("capture %q: the kernel filter has %d instructions with the expression, more than %d: shorten %q", a, len(prog), maxFilter, e.text)
	case len(prog) > maxFilter:
		return nil, fmt.Errorf("capture %q: the kernel filter has %d instructions, more than %d: list fewer ports or addresses", a, len(prog), maxFilter)
	}
	raw, err := bpf.Assemble(prog)
	if err != nil {
		return nil, fmt.Errorf("assemble the kernel filter for %q: %w", a, err)
	}
	return raw, nil
}

// DropLoopbackTwin refuses the outgoing copy of a packet on loopback, where
// each packet is seen as sent and as received. Elsewhere outgoing packets are
// the responses, and the requests of this host.
func DropLoopbackTwin() []bpf.Instruction {
	return []bpf.Instruction{
		bpf.LoadExtension{Num: bpf.ExtType},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: packetOutgoing, SkipTrue: 3},
		bpf.LoadExtension{Num: bpf.ExtLinkLayerType},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: linkLoopback, SkipTrue: 1},
		bpf.RetConstant{Val: 0},
	}
}

// onInterfaces refuses packets of other interfaces than these.
func onInterfaces(indices []uint32) []bpf.Instruction {
	var p program
	rest := p.label()
	p.add(bpf.LoadExtension{Num: bpf.ExtInterfaceIndex})
	p.jumpIfAny(indices, rest)
	p.add(bpf.RetConstant{Val: 0})
	p.mark(rest)
	return p.resolve()
}

// passWrapped passes what is not IP but may hold it, for user space to decide.
// Of several VLAN tags the kernel takes the first away, and the next is what
// the packet begins with.
func passWrapped() []bpf.Instruction {
	var p program
	pass, rest := p.label(), p.label()
	p.add(bpf.LoadExtension{Num: bpf.ExtProto})
	p.jumpIfAny([]uint32{packet.EtherVLAN, packet.EtherQinQ, packet.EtherQinQOld, packet.EtherPPPoE, packet.EtherMPLS}, pass)
	p.jump(rest)
	p.mark(pass)
	p.add(bpf.RetConstant{Val: acceptAll})
	p.mark(rest)
	return p.resolve()
}

// packetProgram is the part of the program that looks at bytes only.
//
// It passes what Address.Wants would pass, and of that only segments that
// carry data, SYN, FIN or RST; with responses or Acks also bare acknowledgements,
// which say what the other side has received. Where the program cannot tell, behind
// IPv6 extension headers and, when they are asked for, in tunnels, it passes
// the packet and user space decides.
func packetProgram(w Wanted) []bpf.Instruction {
	var p program
	v4, v6, reject := p.label(), p.label(), p.label()
	p.add(
		bpf.LoadAbsolute{Off: 0, Size: 1},
		bpf.ALUOpConstant{Op: bpf.ALUOpShiftRight, Val: 4},
	)
	p.jumpIf(bpf.JumpEqual, 4, v4)
	p.jumpIf(bpf.JumpEqual, 6, v6)
	p.mark(reject)
	p.add(bpf.RetConstant{Val: 0})

	f := familyFilter{program: &p, addr: w.Address, response: w.TrackResponse, acks: w.TrackResponse || w.Acks, tunnels: w.Tunnels, reject: reject}
	p.mark(v4)
	f.ip4()
	p.mark(v6)
	f.ip6()
	return p.resolve()
}

// familyFilter writes the part of the program that is for one family of addresses.
type familyFilter struct {
	*program
	addr     Address
	response bool
	acks     bool // bare acknowledgements too
	tunnels  bool
	reject   label
}

func (f familyFilter) ip4() {
	hosts, none := f.hosts(false)
	if none && !f.tunnels {
		f.jump(f.reject)
		return
	}
	fragment := f.label()
	f.add(bpf.LoadAbsolute{Off: 9, Size: 1}) // protocol
	f.tunnel(func() {
		f.add(bpf.LoadAbsolute{Off: 6, Size: 2})
		f.jumpIf(bpf.JumpBitsSet, 0x1fff, f.reject)
		f.add(bpf.LoadMemShift{Off: 0})
	})
	if none {
		f.jump(f.reject)
		return
	}
	f.jumpIf(bpf.JumpNotEqual, packet.ProtoTCP, f.reject)
	f.add(bpf.LoadAbsolute{Off: 6, Size: 2}) // flags and fragment offset
	f.jumpIf(bpf.JumpBitsSet, 0x1fff, fragment)
	f.add(bpf.LoadMemShift{Off: 0}) // X = length of the IP header
	f.tcp(hosts, 12, 16, func(compare label) {
		f.add(bpf.LoadAbsolute{Off: 2, Size: 2}) // total length
		f.jumpIf(bpf.JumpNotEqual, 0, compare)
		f.add(bpf.LoadExtension{Num: bpf.ExtLen})
	})

	// The fragments of one packet have addresses but no ports.
	f.mark(fragment)
	keep := f.label()
	f.address(16, hosts, keep)
	if f.bothWays() {
		f.address(12, hosts, keep)
	}
	f.jump(f.reject)
	f.mark(keep)
	f.add(bpf.RetConstant{Val: fragmentKeep})
}

func (f familyFilter) ip6() {
	hosts, none := f.hosts(true)
	if none && !f.tunnels {
		f.jump(f.reject)
		return
	}
	tcp, fragment, pass := f.label(), f.label(), f.label()
	f.add(bpf.LoadAbsolute{Off: 6, Size: 1}) // next header
	f.tunnel(func() { f.add(bpf.LoadConstant{Dst: bpf.RegX, Val: packet.IP6HeaderLen}) })
	if none {
		f.jump(f.reject)
		return
	}
	f.jumpIf(bpf.JumpEqual, packet.ProtoTCP, tcp)
	f.jumpIf(bpf.JumpEqual, packet.ProtoFragment, fragment)
	f.jumpIfAny([]uint32{packet.ProtoHopByHop, packet.ProtoRouting, packet.ProtoDestination, packet.ProtoAH, packet.ProtoMobility, packet.ProtoHIP, packet.ProtoShim6}, pass)
	f.jump(f.reject)

	f.mark(fragment)
	f.add(bpf.LoadAbsolute{Off: 40, Size: 1}) // what the fragments make up
	f.jumpIfAny([]uint32{packet.ProtoUDP, packet.ProtoICMP6, packet.ProtoESP, packet.ProtoNone}, f.reject)
	f.add(bpf.LoadAbsolute{Off: 42, Size: 2})
	f.add(bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: 0xfff8, SkipFalse: 1}, bpf.RetConstant{Val: fragmentKeep})
	f.mark(pass)
	f.add(bpf.RetConstant{Val: acceptAll})

	f.mark(tcp)
	f.add(bpf.LoadConstant{Dst: bpf.RegX, Val: 40})
	f.tcp(hosts, 8, 24, func(compare label) {
		length := f.label()
		f.add(bpf.LoadAbsolute{Off: 4, Size: 2}) // payload length
		f.jumpIf(bpf.JumpEqual, 0, length)
		f.add(bpf.ALUOpConstant{Op: bpf.ALUOpAdd, Val: 40})
		f.jump(compare)
		f.mark(length)
		f.add(bpf.LoadExtension{Num: bpf.ExtLen})
	})
}

// tunnel passes the tunnels that decodeProto knows, if they are asked for. A
// holds the protocol, before and after; udp has to let X point to a UDP header.
func (f familyFilter) tunnel(udp func()) {
	if !f.tunnels {
		return
	}
	other, pass := f.label(), f.label()
	f.jumpIfAny([]uint32{packet.ProtoIP4, packet.ProtoIP6, packet.ProtoGRE, packet.ProtoAH}, pass)
	f.jumpIf(bpf.JumpNotEqual, packet.ProtoUDP, other)
	udp()
	f.add(bpf.LoadIndirect{Off: 2, Size: 2})
	f.jumpIfAny([]uint32{packet.PortVXLAN, packet.PortVXLANOld, packet.PortVXLANGPE, packet.PortGeneve, packet.PortTZSP}, pass)
	f.jump(f.reject)
	f.mark(pass)
	f.add(bpf.RetConstant{Val: acceptAll})
	f.mark(other)
}

// tcp ends the program for a packet whose TCP header is at X. length has to
// load A with the length of the packet, and may jump to compare early.
func (f familyFilter) tcp(hosts [][]uint32, srcAddr, dstAddr uint32, length func(compare label)) {
	wanted, accept := f.label(), f.label()
	f.endpoint(2, dstAddr, hosts, wanted)
	if f.bothWays() {
		f.endpoint(0, srcAddr, hosts, wanted)
	}
	f.jump(f.reject)

	f.mark(wanted)
	if !f.acks {
		f.add(bpf.LoadIndirect{Off: 13, Size: 1})
		f.jumpIf(bpf.JumpBitsSet, uint32(packet.FlagFIN|packet.FlagSYN|packet.FlagRST), accept)
		f.add(
			bpf.LoadIndirect{Off: 12, Size: 1}, // data offset in the high half, in words
			bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xf0},
			bpf.ALUOpConstant{Op: bpf.ALUOpShiftRight, Val: 2},
			bpf.ALUOpX{Op: bpf.ALUOpAdd},
			bpf.TAX{}, // X = where the payload begins
		)
		compare := f.label()
		length(compare)
		f.mark(compare)
		f.add(bpf.JumpIfX{Cond: bpf.JumpGreaterThan, SkipTrue: 1}, bpf.RetConstant{Val: 0})
	}
	f.mark(accept)
	f.add(bpf.RetConstant{Val: acceptAll})
}

// bothWays reports whether packets from the captured address pass too. When
// no port is given nobody knows yet which side the server is.
func (f familyFilter) bothWays() bool { return f.response || len(f.addr.Ports) == 0 }

// endpoint jumps to yes when the port at X+port and the address are listed.
func (f familyFilter) endpoint(port, address uint32, hosts [][]uint32, yes label) {
	no := f.label()
	if len(f.addr.Ports) > 0 {
		values := make([]uint32, len(f.addr.Ports))
		for i, p := range f.addr.Ports {
			values[i] = uint32(p)
		}
		listed := f.label()
		f.add(bpf.LoadIndirect{Off: port, Size: 2})
		f.jumpIfAny(values, listed)
		f.jump(no)
		f.mark(listed)
	}
	f.address(address, hosts, yes)
	f.mark(no)
}

// address jumps to yes when the address at off is one of hosts, or when there
// are none, which stands for any.
func (f familyFilter) address(off uint32, hosts [][]uint32, yes label) {
	if len(hosts) == 0 {
		f.jump(yes)
		return
	}
	for _, words := range hosts {
		next := f.label()
		for i, w := range words {
			f.add(bpf.LoadAbsolute{Off: off + uint32(4*i), Size: 4})
			f.jumpIf(bpf.JumpNotEqual, w, next)
		}
		f.jump(yes)
		f.mark(next)
	}
}

// hosts gives the addresses of one family in words of four bytes. none says
// that the address lists hosts, but no host of this family.
func (f familyFilter) hosts(v6 bool) (list [][]uint32, none bool) {
	for _, h := range f.addr.Hosts {
		if h.Is4() == v6 {
			continue
		}
		var words []uint32
		for b := h.AsSlice(); len(b) >= 4; b = b[4:] {
			words = append(words, binary.BigEndian.Uint32(b))
		}
		list = append(list, words)
	}
	return list, len(list) == 0 && len(f.addr.Hosts) > 0
}
