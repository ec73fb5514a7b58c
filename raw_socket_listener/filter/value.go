package filter

import (
	"encoding/binary"

	"golang.org/x/net/bpf"

	"github.com/buger/gor/raw_socket_listener/packet"
)

// A value is a number of 32 bits that a packet gives. There are four kinds:
// number, length, field and calculation.
type value interface {
	// eval gives the value; ok is false when there is none, because the
	// packet ends before it or a divisor is zero.
	eval(v view) (n uint32, ok bool)

	// load writes code that leaves the value in A. It may use the scratch
	// cells from cell on, and X.
	load(p *program, cell int)

	// cells is how many of them that are.
	cells() int
}

const (
	// scratchCells is BPF_MEMWORDS of linux/filter.h.
	scratchCells = 16

	// maxIndex keeps indices that are calculated away from those that the
	// kernel takes for something else, which are negative.
	maxIndex = packet.MaxLen - 1
)

// number is a constant.
type number uint32

func (n number) eval(view) (uint32, bool) { return uint32(n), true }
func (n number) load(p *program, _ int)   { p.add(bpf.LoadConstant{Dst: bpf.RegA, Val: uint32(n)}) }
func (n number) cells() int               { return 0 }

// length is that of the packet before it was cut, as on Ethernet: libpcap
// counts the link header in.
type length struct{}

func (length) eval(v view) (uint32, bool) { return uint32(v.wire + packet.EtherHeaderLen), true }
func (length) cells() int                 { return 0 }
func (length) load(p *program, _ int) {
	p.add(bpf.LoadExtension{Num: bpf.ExtLen}, bpf.ALUOpConstant{Op: bpf.ALUOpAdd, Val: packet.EtherHeaderLen})
}

// field is what stands in the packet.
type field struct {
	transport bool  // at counts from behind the IPv4 header, otherwise from the beginning of the packet
	at        value // bytes
	size      int   // 1, 2 or 4
}

// bytesAt is what stands at an offset from the beginning of the packet.
func bytesAt(off, size int) field { return field{at: number(off), size: size} }

func (f field) eval(v view) (uint32, bool) {
	i, ok := f.at.eval(v)
	if !ok {
		return 0, false
	}
	if f.transport {
		if len(v.b) == 0 {
			return 0, false
		}
		i += uint32(v.b[0]&0x0f) * 4
	}
	if i > maxIndex || int(i)+f.size > len(v.b) {
		return 0, false
	}
	switch b := v.b[i:]; f.size {
	case 1:
		return uint32(b[0]), true
	case 2:
		return uint32(binary.BigEndian.Uint16(b)), true
	default:
		return binary.BigEndian.Uint32(b), true
	}
}

func (f field) cells() int { return f.at.cells() }

func (f field) load(p *program, cell int) {
	if i, is := f.at.(number); is {
		if f.transport {
			p.add(bpf.LoadMemShift{Off: 0}, bpf.LoadIndirect{Off: uint32(i), Size: f.size})
		} else {
			p.add(bpf.LoadAbsolute{Off: uint32(i), Size: f.size})
		}
		return
	}
	f.at.load(p, cell)
	if f.transport {
		p.add(bpf.LoadMemShift{Off: 0}, bpf.ALUOpX{Op: bpf.ALUOpAdd})
	}
	p.add(
		bpf.JumpIf{Cond: bpf.JumpGreaterThan, Val: maxIndex, SkipFalse: 1},
		bpf.RetConstant{Val: 0},
		bpf.TAX{},
		bpf.LoadIndirect{Size: f.size},
	)
}

// calculation is arithmetic on 32 bits without sign, which wraps.
type calculation struct {
	op   bpf.ALUOp
	a, b value
}

func (c calculation) eval(v view) (uint32, bool) {
	a, ok := c.a.eval(v)
	if !ok {
		return 0, false
	}
	b, ok := c.b.eval(v)
	if !ok {
		return 0, false
	}
	return calculate(c.op, a, b)
}

// calculate reports false for a division by zero.
func calculate(op bpf.ALUOp, a, b uint32) (uint32, bool) {
	switch op {
	case bpf.ALUOpAdd:
		return a + b, true
	case bpf.ALUOpSub:
		return a - b, true
	case bpf.ALUOpMul:
		return a * b, true
	case bpf.ALUOpAnd:
		return a & b, true
	case bpf.ALUOpOr:
		return a | b, true
	case bpf.ALUOpXor:
		return a ^ b, true
	case bpf.ALUOpShiftLeft:
		return a << b, true
	case bpf.ALUOpShiftRight:
		return a >> b, true
	}
	if b == 0 {
		return 0, false
	}
	if op == bpf.ALUOpMod {
		return a % b, true
	}
	return a / b, true
}

func (c calculation) cells() int {
	if _, is := c.b.(number); is {
		return c.a.cells()
	}
	return pairCells(c.a, c.b)
}

func (c calculation) load(p *program, cell int) {
	if b, is := c.b.(number); is {
		c.a.load(p, cell)
		p.add(bpf.ALUOpConstant{Op: c.op, Val: uint32(b)})
		return
	}
	loadPair(p, c.a, c.b, cell)
	p.add(bpf.ALUOpX{Op: c.op})
}

// loadPair leaves a in A and b in X.
func loadPair(p *program, a, b value, cell int) {
	b.load(p, cell)
	p.add(bpf.StoreScratch{Src: bpf.RegA, N: cell})
	a.load(p, cell+1)
	p.add(bpf.LoadScratch{Dst: bpf.RegX, N: cell})
}

func pairCells(a, b value) int { return max(b.cells(), 1+a.cells()) }
