package filter

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/net/bpf"
)

// hostTest compares whole addresses.
func (p *parser) hostTest(q qualifiers, t token) (condition, error) {
	if p.peek().isAny("/", "mask") {
		return nil, fmt.Errorf("%q is a host, and only networks have a mask: write \"net %s/...\"", t.text, t.text)
	}
	list, err := p.addresses(t)
	if err != nil {
		return nil, err
	}
	n := condition(always(false))
	for _, a := range list {
		if q.proto.covers(a) {
			n = either{n, addressTest(q.dir, a, a.BitLen())}
		}
	}
	if n == always(false) {
		return nil, fmt.Errorf("%q has no address of the family %q", t.text, q.word)
	}
	return n, nil
}

// addresses are the one that is written there, or those of a name.
func (p *parser) addresses(t token) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(t.text); err == nil && t.kind == tokenWord {
		return []netip.Addr{a}, nil
	}
	if err := notAName(t); err != nil {
		return nil, err
	}
	list, err := p.host(t.text)
	if err != nil {
		return nil, fmt.Errorf("look up the host %q: %w", t.text, err)
	}
	for i, a := range list {
		list[i] = a.Unmap() // how Go gives some IPv4 addresses
	}
	return list, nil
}

// notAName says why a word cannot be a name: it looks like an address or a
// number.
func notAName(t token) error {
	switch {
	case isNumeral(t.text):
		return fmt.Errorf("%q is not a host: write \"port %s\", or a whole address", t.text, t.text)
	case strings.Trim(t.text, "0123456789.") == "":
		return fmt.Errorf("%q is not a whole IPv4 address; networks are written \"net 10.0.0.0/8\"", t.text)
	case strings.Contains(t.text, ":"):
		return fmt.Errorf("%q is not an IPv6 address", t.text)
	}
	return nil
}

// covers reports whether an address is of the family that ip or ip6 names.
func (p protocol) covers(a netip.Addr) bool {
	return p.family == familyOther || a.Is4() == (p.family == familyIPv4)
}

// netTest compares the first bits of addresses: of 10.0.0.0/8, of 10.1, which
// is as many as it has, or of 10.0.0.0 mask 255.0.0.0.
func (p *parser) netTest(q qualifiers, t token) (condition, error) {
	mask := p.peek()
	if !p.accept("/", "mask") {
		mask = token{}
	}
	if strings.Contains(t.text, ":") {
		return p.net6Test(q, t, mask)
	}
	if q.proto.family == familyIPv6 {
		return nil, fmt.Errorf("%q is not a network of the family %q", t.text, q.word)
	}
	net, bits, err := dotted(t)
	if err != nil {
		return nil, err
	}
	ones := ^uint32(0) << (32 - bits)
	switch {
	case mask.text != "" && bits == 8:
		return nil, fmt.Errorf("%q needs a point before its mask: write %q", t.text, t.text+".0.0.0")
	case mask.text == "" && net == 0 && bits == 8:
		return nil, fmt.Errorf("%q is taken for one address: write 0.0.0.0/8, or 0.0.0.0/0 for all", t.text)
	case mask.text == "/":
		n, err := p.prefix(32)
		if err != nil {
			return nil, err
		}
		ones = uint32(uint64(0xffffffff) << (32 - n))
	case mask.text == "mask":
		m := p.take()
		if ones, bits, err = dotted(m); err != nil || bits == 8 {
			return nil, fmt.Errorf("%q is not a mask: write 255.0.0.0", m.text)
		}
	}
	if net&^ones != 0 {
		return nil, fmt.Errorf("%q has bits behind its mask: write %q", t.text, netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, net&ones))))
	}
	return wordsTest(q.dir, familyIPv4, []uint32{net}, []uint32{ones}), nil
}

func (p *parser) net6Test(q qualifiers, t, mask token) (condition, error) {
	a, err := netip.ParseAddr(t.text)
	switch {
	case err != nil, t.kind != tokenWord:
		return nil, fmt.Errorf("%q is not an IPv6 network", t.text)
	case q.proto.family == familyIPv4:
		return nil, fmt.Errorf("%q is not a network of the family %q", t.text, q.word)
	case mask.text == "mask":
		return nil, fmt.Errorf("%q is of IPv6, which has no mask: write %q", t.text, t.text+"/64")
	}
	bits := 128
	if mask.text == "/" {
		if bits, err = p.prefix(128); err != nil {
			return nil, err
		}
	}
	if net := netip.PrefixFrom(a, bits).Masked(); net.Addr() != a {
		return nil, fmt.Errorf("%q has bits behind its %d: write %q", t.text, bits, net)
	}
	return addressTest(q.dir, a, bits), nil
}

// prefix reads the number of bits behind a slash.
func (p *parser) prefix(most uint32) (int, error) {
	n := p.number()
	if n > most {
		return 0, fmt.Errorf("%d is not the length of a network: at most %d", n, most)
	}
	return int(n), nil
}

// dotted reads one to four numbers of an IPv4 network, and says how many bits
// they are.
func dotted(t token) (net uint32, bits int, err error) {
	parts := strings.Split(t.text, ".")
	for _, s := range parts {
		n, err := strconv.ParseUint(s, 10, 8)
		if err != nil || len(parts) > 4 || len(s) > 1 && s[0] == '0' || t.kind != tokenWord {
			return 0, 0, fmt.Errorf("%q is not a network: write for example 10.0.0.0/8, 10.1 or 2001:db8::/32", t.text)
		}
		net = net<<8 | uint32(n)
	}
	bits = 8 * len(parts)
	return net << (32 - bits), bits, nil
}

// addressTest holds for packets of the address's family that begin with its
// first bits.
func addressTest(dir direction, a netip.Addr, bits int) condition {
	f := familyIPv4
	if !a.Is4() {
		f = familyIPv6
	}
	var words, masks []uint32
	for b := a.AsSlice(); len(b) > 0; b = b[4:] {
		n := max(0, min(32, bits-32*len(words)))
		words = append(words, binary.BigEndian.Uint32(b))
		masks = append(masks, uint32(uint64(0xffffffff)<<(32-n)))
	}
	return wordsTest(dir, f, words, masks)
}

// wordsTest compares addresses in words of four bytes.
func wordsTest(dir direction, f family, words, masks []uint32) condition {
	side := func(off int) condition {
		n := condition(always(true))
		for i := len(words) - 1; i >= 0; i-- {
			v := value(bytesAt(off+4*i, 4))
			if masks[i] != ^uint32(0) {
				v = calculation{bpf.ALUOpAnd, v, number(masks[i])}
			}
			n = both{equals(v, words[i]), n}
		}
		return n
	}
	if f == familyIPv4 {
		return both{isFamily(f), dir.of(side(12), side(16))}
	}
	return both{isFamily(f), dir.of(side(8), side(24))}
}
