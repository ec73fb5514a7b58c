package filter

import (
	"golang.org/x/net/bpf"

	"github.com/buger/gor/raw_socket_listener/packet"
)

// operator gives the arithmetic that a token stands for, and how strongly it
// binds.
func operator(t token) (op bpf.ALUOp, binds int) {
	if t.kind == tokenSign {
		switch t.text {
		case "|":
			return bpf.ALUOpOr, 1
		case "&":
			return bpf.ALUOpAnd, 2
		case "<<":
			return bpf.ALUOpShiftLeft, 3
		case ">>":
			return bpf.ALUOpShiftRight, 3
		case "+":
			return bpf.ALUOpAdd, 4
		case "-":
			return bpf.ALUOpSub, 4
		case "*":
			return bpf.ALUOpMul, 5
		case "/":
			return bpf.ALUOpDiv, 5
		case "%":
			return bpf.ALUOpMod, bindsAlone
		case "^":
			return bpf.ALUOpXor, bindsAlone
		}
	}
	return 0, 0
}

// bindsAlone is for the operators to which libpcap's grammar gives no place:
// beside another one what they bind to surprises, so there have to be
// parentheses.
const bindsAlone = 6

// comparison gives what a sign asks about two numbers.
func comparison(t token) (test bpf.JumpTest, ok bool) {
	if t.kind == tokenSign {
		switch t.text {
		case "=", "==":
			return bpf.JumpEqual, true
		case "!=":
			return bpf.JumpNotEqual, true
		case ">":
			return bpf.JumpGreaterThan, true
		case ">=":
			return bpf.JumpGreaterOrEqual, true
		case "<":
			return bpf.JumpLessThan, true
		case "<=":
			return bpf.JumpLessOrEqual, true
		}
	}
	return 0, false
}

// isArithmetic reports whether a token is what joins two numbers.
func isArithmetic(t token) bool {
	_, binds := operator(t)
	_, compares := comparison(t)
	return binds > 0 || compares
}

// atComparison reports whether the next condition compares numbers.
func (p *parser) atComparison() bool {
	switch t := p.peek(); {
	case t.is("("):
		return isArithmetic(p.tokens[t.match+1])
	case t.isNumber(), t.isAny("-", "len", "length"):
		return true
	default:
		return p.tokens[min(p.next+1, len(p.tokens)-1)].is("[")
	}
}

// comparison reads two sums and what is asked about them. It holds only for
// packets of every protocol whose bytes it names: libpcap forgets those to the
// right of an operator, and takes other bytes for theirs.
func (p *parser) comparison() condition {
	p.guards = nil
	a := p.sum()
	test, ok := comparison(p.peek())
	if !ok {
		p.refuse("a comparison such as != 0")
		return always(false)
	}
	p.take()
	c := compare{test, a, p.sum()}
	if c.cells() > scratchCells {
		p.failf("its arithmetic is nested too deeply: the kernel keeps %d results", scratchCells)
	}
	n := condition(c)
	for i := len(p.guards) - 1; i >= 0; i-- {
		n = both{p.guards[i], n}
	}
	return n
}

// sum reads arithmetic up to what does not belong to it.
func (p *parser) sum() value {
	left := p.operand()
	t := p.peek()
	op, binds := operator(t)
	if binds != bindsAlone {
		return p.operators(left, 1)
	}
	p.take()
	v := p.calculation(t, op, left, p.operand())
	if _, binds := operator(p.peek()); binds > 0 {
		p.failf("%q beside %q needs parentheses around one of them", t.text, p.peek().text)
	}
	return v
}

// operators reads the operators behind left that bind at least so strongly.
func (p *parser) operators(left value, least int) value {
	for {
		t := p.peek()
		op, binds := operator(t)
		if binds == 0 || binds < least {
			return left
		}
		if binds == bindsAlone {
			p.failf("%q beside another operator needs parentheses around one of them", t.text)
			return left
		}
		p.take()
		left = p.calculation(t, op, left, p.operators(p.operand(), binds+1))
	}
}

// calculation does what can be done now, and refuses what the kernel would.
func (p *parser) calculation(t token, op bpf.ALUOp, a, b value) value {
	x, aKnown := a.(number)
	y, bKnown := b.(number)
	switch op {
	case bpf.ALUOpShiftLeft, bpf.ALUOpShiftRight:
		if !bKnown || y > 31 {
			p.failf("behind %q only a number up to 31 may stand", t.text)
			return number(0)
		}
	case bpf.ALUOpDiv, bpf.ALUOpMod:
		if bKnown && y == 0 {
			p.failf("behind %q stands zero", t.text)
			return number(0)
		}
	}
	if aKnown && bKnown {
		n, _ := calculate(op, uint32(x), uint32(y))
		return number(n)
	}
	return calculation{op, a, b}
}

func (p *parser) operand() value {
	t := p.peek()
	if proto, is := protocolOf(t.text); is && t.kind == tokenWord && p.tokens[p.next+1].is("[") {
		p.next += 2
		return p.field(t.text, proto)
	}
	switch {
	case p.accept("-"):
		return p.calculation(t, bpf.ALUOpSub, number(0), p.operand())
	case p.accept("("):
		v := p.sum()
		p.expect(")")
		return v
	case p.accept("len", "length"):
		return length{}
	}
	return number(p.number())
}

// field reads what stands in the brackets behind a protocol.
func (p *parser) field(word string, proto protocol) value {
	f := field{at: p.sum(), size: 1}
	if p.accept(":") {
		switch size := p.number(); size {
		case 1, 2, 4:
			f.size = int(size)
		default:
			p.failf("%d bytes cannot be compared, only 1, 2 or 4", size)
		}
	}
	p.expect("]")
	if i, known := f.at.(number); known && i > maxIndex {
		p.failf("%s[%d] is in no packet", word, int32(i))
	}
	switch proto.bytes {
	case bytesOfNone:
		p.failf("%q is not understood: bytes are those of ip, ip6, tcp, udp, sctp, icmp, igmp and icmp6", word+"[")
	case bytesOfPacket:
		p.guards = append(p.guards, isFamily(proto.family))
	case bytesBehindIP4:
		f.transport = true
		p.guards = append(p.guards, isFamily(familyIPv4), equals(bytesAt(9, 1), proto.number), firstFragment())
	case bytesBehindIP6:
		f.at = p.calculation(token{}, bpf.ALUOpAdd, f.at, number(packet.IP6HeaderLen))
		p.guards = append(p.guards, isFamily(familyIPv6), equals(bytesAt(6, 1), proto.number))
	}
	return f
}

func equals(v value, n uint32) condition { return compare{bpf.JumpEqual, v, number(n)} }

// firstFragment holds for IPv4 packets that begin with their transport header.
func firstFragment() condition {
	return equals(calculation{bpf.ALUOpAnd, bytesAt(6, 2), number(0x1fff)}, 0)
}
