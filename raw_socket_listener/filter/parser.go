package filter

import (
	"fmt"

	"golang.org/x/net/bpf"
)

// parser reads an expression by the grammar of pcap-filter(7), of which three
// rules surprise: "and" and "or" bind equally, to the left; "not" binds to
// what is next; and where a condition could follow, "port 80 or 443", a value
// alone has the qualifiers of the condition before it.
type parser struct {
	lookups
	tokens []token
	next   int
	err    error       // the first; from then on only the end is read
	guards []condition // what has to hold for the fields of the comparison that is read
}

// parseExpression reads text and looks up the names in it.
func parseExpression(text string, l lookups) (*Expression, error) {
	if len(text) > maxExpression {
		return nil, fmt.Errorf("it has %d bytes, and the kernel takes no filter that needs more than %d", len(text), maxExpression)
	}
	tokens, err := scan(text)
	if err != nil {
		return nil, err
	}
	p := &parser{lookups: l, tokens: tokens}
	n, _ := p.conditions()
	if p.peek().kind != tokenEnd {
		p.refuse(`"and" or "or"`)
	}
	if p.err != nil {
		return nil, p.err
	}
	return newExpression(text, n), nil
}

func (p *parser) peek() token { return p.tokens[p.next] }

// take reads a token; the end is never passed.
func (p *parser) take() token {
	t := p.tokens[p.next]
	if t.kind != tokenEnd {
		p.next++
	}
	return t
}

// accept takes the next token if it is one of texts.
func (p *parser) accept(texts ...string) bool {
	if !p.peek().isAny(texts...) {
		return false
	}
	p.next++
	return true
}

func (p *parser) expect(sign string) {
	if !p.accept(sign) {
		p.refuse(fmt.Sprintf("%q", sign))
	}
}

func (p *parser) fail(err error) {
	if p.err == nil {
		p.err = err
		p.next = len(p.tokens) - 1
	}
}

func (p *parser) failf(format string, args ...any) { p.fail(fmt.Errorf(format, args...)) }

// refuse fails because something else was wanted where the next token is.
func (p *parser) refuse(wanted string) {
	t := p.peek()
	behind := ""
	if p.next > 0 {
		behind = fmt.Sprintf(" behind %q", p.tokens[p.next-1].text)
	}
	why, _ := keyword(t.text)
	switch {
	case t.kind == tokenEnd:
		p.failf("it ends%s, where %s is wanted", behind, wanted)
	case t.kind == tokenWord && why != "":
		p.failf("%q is not understood: %s; %s", t.text, why, understood)
	default:
		p.failf("%q is not understood%s, where %s is wanted; %s", t.text, behind, wanted, understood)
	}
}

// conditions reads what stands between parentheses, or is the whole, and
// returns the qualifiers of its last condition.
func (p *parser) conditions() (condition, qualifiers) {
	left, q := p.condition()
	for {
		join := p.junction()
		if join == nil {
			return left, q
		}
		var right condition
		if p.atValue() {
			right = p.value(q)
		} else {
			right, q = p.condition()
		}
		left = join(left, right)
	}
}

// junction takes an "and" or "or" and gives what it makes of two conditions, or nil.
func (p *parser) junction() func(a, b condition) condition {
	switch {
	case p.accept("and", "&&"):
		return func(a, b condition) condition { return both{a, b} }
	case p.accept("or", "||"):
		return func(a, b condition) condition { return either{a, b} }
	}
	return nil
}

func (p *parser) condition() (condition, qualifiers) {
	switch {
	case p.accept("not", "!"):
		n, q := p.condition()
		return negation{n}, q
	case p.atComparison():
		return p.comparison(), qualifiers{}
	case p.accept("("):
		n, _ := p.conditions()
		p.expect(")")
		return n, qualifiers{}
	case p.accept("less"):
		return p.lengthTest(bpf.JumpLessOrEqual), qualifiers{}
	case p.accept("greater"):
		return p.lengthTest(bpf.JumpGreaterOrEqual), qualifiers{}
	}
	return p.primitive()
}

// atValue reports whether a value without qualifiers is next, perhaps negated
// or in parentheses.
func (p *parser) atValue() bool {
	i := p.next
	for p.tokens[i].isAny("not", "!", "(") {
		i++
	}
	switch t := p.tokens[i]; {
	case t.kind == tokenWordEscaped:
		return true
	case t.kind != tokenWord:
		return false
	case !t.isNumber():
		return !isReserved(t.text)
	}
	for i++; p.tokens[i].is(")"); i++ {
	}
	return !isArithmetic(p.tokens[i]) // else it is arithmetic
}

// primitive reads a protocol, or one value or several in parentheses with the
// qualifiers before.
func (p *parser) primitive() (condition, qualifiers) {
	var q qualifiers
	first := p.peek()
	proto, isProto := protocolOf(first.text)
	isProto = isProto && first.kind == tokenWord
	if isProto {
		p.take()
		q.word, q.proto = first.text, proto
	}
	q.dir = p.direction()
	switch t := p.peek(); {
	case p.accept("host", "net", "port", "portrange"):
		q.kind = t.text
	case q.dir == anyDirection && p.accept("proto"):
		q.kind = t.text
	case q.dir != anyDirection:
		q.kind = "" // a host
	case isProto:
		return proto.condition(), qualifiers{}
	default:
		p.refuse("a condition")
		return always(false), q
	}
	q.given = true
	if err := q.check(); err != nil {
		p.fail(err)
	}
	return p.value(q), q
}

// direction reads src, dst, or both of them.
func (p *parser) direction() direction {
	first := p.peek()
	if !p.accept("src", "dst") {
		return anyDirection
	}
	dir, second := sourceOnly, "dst"
	if first.text == "dst" {
		dir, second = destinationOnly, "src"
	}
	junction := p.peek()
	if !junction.isAny("and", "&&", "or", "||") || !p.tokens[p.next+1].is(second) {
		return dir
	}
	p.next += 2
	if junction.isAny("and", "&&") {
		return bothDirections
	}
	return eitherDirection
}

// value reads a value, or several in parentheses.
func (p *parser) value(q qualifiers) condition {
	switch {
	case p.accept("not", "!"):
		return negation{p.value(q)}
	case p.accept("("):
		left := p.value(q)
		for join := p.junction(); join != nil; join = p.junction() {
			left = join(left, p.value(q))
		}
		p.expect(")")
		return left
	}
	t := p.peek()
	switch {
	case q.kind == "proto" && p.accept("tcp", "udp", "sctp", "icmp", "icmp6", "igmp", "esp", "ah"):
		p.failf("%q is a keyword: write \"proto \\%s\"", t.text, t.text)
	case t.kind == tokenEnd, t.kind == tokenSign, t.kind == tokenWord && isReserved(t.text):
		p.refuse(q.wanted())
	case !q.given && notAName(t) == nil:
		p.refuse("a condition") // more likely a slip than the name of a host
	case !q.given:
		p.failf("%q stands alone: write \"host %s\" or \"port %s\"", t.text, t.text, t.text)
	default:
		p.take()
		n, err := p.test(q, t)
		if err == nil {
			return n
		}
		p.fail(err)
	}
	return always(false)
}

// lengthTest reads the number behind less or greater, both of which include it.
func (p *parser) lengthTest(test bpf.JumpTest) condition {
	return compare{test, length{}, number(p.number())}
}

func (p *parser) number() uint32 {
	t := p.peek()
	if !t.isNumber() {
		p.refuse("a number")
		return 0
	}
	p.take()
	n, err := t.number()
	if err != nil {
		p.fail(err)
	}
	return n
}
