package filter

import (
	"golang.org/x/net/bpf"

	"github.com/buger/gor/raw_socket_listener/packet"
)

// A condition is a condition on a packet. There are six kinds: always, isFamily,
// both, either, negation and compare.
//
// As for BPF, a packet that ends before what a condition looks at is out, whatever
// the nodes around it say: "not tcp port 80" does not hold for half a header.
type condition interface {
	// fold is the condition for the packets of one family, without what that
	// decides. It looks at the same bytes in the same order.
	fold(f family) condition

	// match reports whether the condition holds; ok is false when the packet is
	// out.
	match(v view) (holds, ok bool)

	// emit writes code that jumps to target when the condition holds, or with
	// when false when it does not, and goes on behind itself otherwise.
	emit(p *program, target label, when bool)
}

// view is a packet from its network header on, as far as it was captured, and
// its length before the capture cut it.
type view struct {
	b    []byte
	wire int
}

// A family is what the EtherType says that a packet is.
type family uint16

const (
	familyIPv4  family = packet.EtherIP4
	familyIPv6  family = packet.EtherIP6
	familyOther family = 0
)

// always is a condition that is decided.
type always bool

func (a always) fold(family) condition   { return a }
func (a always) match(view) (bool, bool) { return bool(a), true }
func (a always) emit(p *program, target label, when bool) {
	if bool(a) == when {
		p.jump(target)
	}
}

// isFamily holds for the packets of one family. Only fold is of use.
type isFamily family

func (i isFamily) fold(f family) condition          { return always(family(i) == f) }
func (i isFamily) match(view) (bool, bool)          { return false, false }
func (i isFamily) emit(p *program, _ label, _ bool) { p.add(bpf.RetConstant{Val: 0}) }

// both holds when a and b do; b is only looked at when a does.
type both struct{ a, b condition }

func (n both) fold(f family) condition {
	a, b := n.a.fold(f), n.b.fold(f)
	switch {
	case a == always(false), b == always(true):
		return a
	case a == always(true):
		return b
	}
	return both{a, b}
}

func (n both) match(v view) (holds, ok bool) {
	holds, ok = n.a.match(v)
	if holds && ok {
		return n.b.match(v)
	}
	return holds, ok
}

func (n both) emit(p *program, target label, when bool) {
	if !when {
		n.a.emit(p, target, false)
		n.b.emit(p, target, false)
		return
	}
	not := p.label()
	n.a.emit(p, not, false)
	n.b.emit(p, target, true)
	p.mark(not)
}

// either holds when a or b does; b is only looked at when a does not.
type either struct{ a, b condition }

func (n either) fold(f family) condition {
	a, b := n.a.fold(f), n.b.fold(f)
	switch {
	case a == always(true), b == always(false):
		return a
	case a == always(false):
		return b
	}
	return either{a, b}
}

func (n either) match(v view) (holds, ok bool) {
	holds, ok = n.a.match(v)
	if !holds && ok {
		return n.b.match(v)
	}
	return holds, ok
}

func (n either) emit(p *program, target label, when bool) {
	if when {
		n.a.emit(p, target, true)
		n.b.emit(p, target, true)
		return
	}
	yes := p.label()
	n.a.emit(p, yes, true)
	n.b.emit(p, target, false)
	p.mark(yes)
}

// negation holds when n does not.
type negation struct{ n condition }

func (n negation) fold(f family) condition {
	switch x := n.n.fold(f).(type) {
	case always:
		return !x
	case negation:
		return x.n
	default:
		return negation{x}
	}
}

func (n negation) match(v view) (holds, ok bool) {
	holds, ok = n.n.match(v)
	return !holds, ok
}

func (n negation) emit(p *program, target label, when bool) { n.n.emit(p, target, !when) }

// compare holds when the values are so to each other, as numbers without sign.
type compare struct {
	test bpf.JumpTest // of those that compare whole numbers
	a, b value
}

func (n compare) fold(family) condition { return n }

func (n compare) match(v view) (holds, ok bool) {
	a, ok := n.a.eval(v)
	if !ok {
		return false, false
	}
	b, ok := n.b.eval(v)
	if !ok {
		return false, false
	}
	switch n.test {
	case bpf.JumpEqual:
		return a == b, true
	case bpf.JumpNotEqual:
		return a != b, true
	case bpf.JumpGreaterThan:
		return a > b, true
	case bpf.JumpGreaterOrEqual:
		return a >= b, true
	case bpf.JumpLessThan:
		return a < b, true
	case bpf.JumpLessOrEqual:
		return a <= b, true
	}
	return false, false
}

func (n compare) emit(p *program, target label, when bool) {
	var skipTrue, skipFalse uint8 = 0, 1
	if !when {
		skipTrue, skipFalse = 1, 0
	}
	if b, is := n.b.(number); is {
		n.a.load(p, 0)
		p.add(bpf.JumpIf{Cond: n.test, Val: uint32(b), SkipTrue: skipTrue, SkipFalse: skipFalse})
	} else {
		loadPair(p, n.a, n.b, 0)
		p.add(bpf.JumpIfX{Cond: n.test, SkipTrue: skipTrue, SkipFalse: skipFalse})
	}
	p.jump(target)
}

// cells is how many scratch cells emit uses.
func (n compare) cells() int {
	if _, is := n.b.(number); is {
		return n.a.cells()
	}
	return pairCells(n.a, n.b)
}
