package filter

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/net/bpf"

	"github.com/buger/gor/raw_socket_listener/packet"
)

// The expressions of pcap-filter(7) that a capture understands, and their
// translation. It is our own: of the expressions in our tests, the one compiler
// in Go that we found gives a wrong program for each third without a word, and
// to refuse all of those beforehand would be to read the language ourselves.
// That is most of the work; what is read becomes a few kinds of conditions,
// and these become instructions for the kernel. Capture files are asked the
// conditions themselves, since bpf.VM knows neither the EtherType nor how long
// a packet was before the capture cut it.

// A Filter is an expression of pcap-filter(7) that packets have to match,
// beside the address that is captured.
//
// It sees each packet as the kernel hands it out: from the network header on,
// without its link header and its first VLAN tag, whatever the kind of link.
// What lies in a tunnel, behind a second tag, PPPoE or MPLS is not looked at:
// the outer packet counts.
type Filter struct {
	text string
}

// maxExpression is how much text the kernel's limit of maxFilter instructions
// could hold at best. It bounds what the parser and the nodes take.
const maxExpression = 16 << 10

// ParseFilter reads an expression. What it does not understand it refuses,
// with the word in question. It asks nobody for the addresses of host names:
// they are looked up when the capture begins.
func ParseFilter(text string) (*Filter, error) {
	_, err := parseExpression(text, lookups{
		host: func(string) ([]netip.Addr, error) {
			return []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()}, nil
		},
		service: systemLookups().service,
	})
	if err != nil {
		return nil, err
	}
	return &Filter{text: text}, nil
}

// String is the expression as it was given, and empty for nil.
func (f *Filter) String() string {
	if f == nil {
		return ""
	}
	return f.text
}

// Resolve looks up the names in the expression, once and for all. The filter
// nil is the expression nil.
func (f *Filter) Resolve() (*Expression, error) { return f.resolve(systemLookups()) }

func (f *Filter) resolve(l lookups) (*Expression, error) {
	if f == nil {
		return nil, nil
	}
	e, err := parseExpression(f.text, l)
	if err != nil {
		return nil, fmt.Errorf("read the filter %q: %w", f.text, err)
	}
	return e, nil
}

// lookups is what the meaning of an expression depends on.
type lookups struct {
	host    func(name string) ([]netip.Addr, error)
	service func(network, name string) (port int, err error)
}

func systemLookups() lookups {
	return lookups{
		host: systemNames().lookup,
		service: func(network, name string) (int, error) {
			ctx, cancel := context.WithTimeout(context.Background(), resolveTimeout)
			defer cancel()
			return net.DefaultResolver.LookupPort(ctx, network, name)
		},
	}
}

// An Expression is a filter whose names are known, for each kind of packet.
type Expression struct {
	text            string
	ip4, ip6, other condition
}

func newExpression(text string, n condition) *Expression {
	return &Expression{text: text, ip4: n.fold(familyIPv4), ip6: n.fold(familyIPv6), other: n.fold(familyOther)}
}

// match reports whether a packet matches that begins with what etherType
// announces. It holds b only for the call, and allocates nothing.
func (e *Expression) match(etherType uint16, b []byte, wire int) bool {
	n := e.other
	switch etherType {
	case packet.EtherIP4:
		n = e.ip4
	case packet.EtherIP6:
		n = e.ip6
	}
	holds, ok := n.match(view{b, wire})
	return holds && ok
}

// MatchLink is match for a packet that begins with the header of its link. A
// packet whose link is not understood matches: packet.DecodeLink says so too, and why.
func (e *Expression) MatchLink(link uint32, b []byte, wire int) bool {
	etherType, header, ok := stripLink(link, b)
	return !ok || e.match(etherType, b[header:], wire-header)
}

// program is match as instructions for a socket of type SOCK_DGRAM. They end
// the program for a packet that does not match, and go on behind themselves
// with one that does.
func (e *Expression) program() []bpf.Instruction {
	var p program
	v4, v6, pass := p.label(), p.label(), p.label()
	p.add(bpf.LoadExtension{Num: bpf.ExtProto})
	p.jumpIf(bpf.JumpEqual, packet.EtherIP4, v4)
	p.jumpIf(bpf.JumpEqual, packet.EtherIP6, v6)
	part := func(n condition) {
		n.emit(&p, pass, true)
		p.add(bpf.RetConstant{Val: 0})
	}
	part(e.other)
	p.mark(v4)
	part(e.ip4)
	p.mark(v6)
	part(e.ip6)
	p.mark(pass)
	return p.resolve()
}
