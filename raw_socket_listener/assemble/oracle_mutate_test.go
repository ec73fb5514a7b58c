package assemble

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/buger/gor/raw_socket_listener/oracle"
	"github.com/buger/gor/raw_socket_listener/packet"
)

// choices are the decisions of a mutation: at random, or as a fuzzer's input
// says. n is above 0.
type choices func(n int) int

func (c choices) chance(in int) bool { return c(in) == 0 }

// fuzzChoices takes two bytes for each decision, and none when b is at its end.
func fuzzChoices(b []byte) choices {
	return func(n int) int {
		if len(b) < 2 {
			return 0
		}
		v := int(b[0])<<8 | int(b[1])
		b = b[2:]
		return v % n
	}
}

// A mutation changes the packets of one connection as networks, cards and
// strangers do. Its packets are the caller's own.
type mutation struct {
	name  string
	apply func(c choices, p []oracle.Packet) []oracle.Packet
}

// mutations are in the order in which they are applied: what is sent, then how
// it is cut, then what the way does to it.
var mutations = []mutation{
	{"byte", mutateByte},
	{"wrap", mutateWrap},
	{"resegment", mutateCut},
	{"join", mutateJoin},
	{"drop", mutateDrop},
	{"snap", mutateSnap},
	{"reorder", mutateOrder},
	{"duplicate", mutateDuplicate},
	{"rst", mutateRST},
	{"syn", mutateSYN},
	{"far", mutateFar},
}

// settledMutations is how many of the mutations FuzzOracle makes: a fuzzer that
// looks for it finds SYNs and far data of which nobody can tell what they are.
const settledMutations = 9

// mutate applies the mutations that set says by bits, and then gives the
// packets times, as close together as a fast network does.
func mutate(c choices, set int, packets []oracle.Packet) []oracle.Packet {
	out := slices.Clone(packets)
	for i, m := range mutations {
		if set&(1<<i) != 0 && len(out) > 0 {
			out = m.apply(c, out)
		}
	}
	step := int64(100 * time.Microsecond)
	if len(out) > 300 {
		step = int64(time.Microsecond)
	}
	for i := range out {
		out[i].Time = rigEpoch + int64(i)*step
	}
	return out
}

// mutationNames says which are in a set, for people.
func mutationNames(set int) (names []string) {
	for i, m := range mutations {
		if set&(1<<i) != 0 {
			names = append(names, m.name)
		}
	}
	return names
}

func mutateByte(c choices, p []oracle.Packet) []oracle.Packet {
	for range 1 + c(3) {
		if q := &p[c(len(p))]; len(q.Payload) > 0 {
			q.Payload = slices.Clone(q.Payload)
			q.Payload[c(len(q.Payload))] = []byte(" \n\r:/Z\x00\xff0G")[c(10)]
		}
	}
	return p
}

// mutateWrap moves each direction's numbers so that they wrap, or change their
// sign, somewhere in it.
func mutateWrap(c choices, p []oracle.Packet) []oracle.Packet {
	at := &p[c(len(p))]
	edges := []uint32{0, 1 << 31}
	add := edges[c(2)] - at.Seq - uint32(c(len(at.Payload)+2))
	back := edges[c(2)] - at.Ack
	for i := range p {
		if p[i].Src == at.Src {
			p[i].Seq += add
			p[i].Ack += back
		} else {
			p[i].Seq += back
			p[i].Ack += add
		}
	}
	return p
}

func mutateCut(c choices, p []oracle.Packet) (out []oracle.Packet) {
	total := 0
	for i := range p {
		total += len(p[i].Payload)
	}
	sizes := []int{1, 2, 7, 50, 200, 1000}
	most := sizes[c(len(sizes))]
	if total/most > 3000 {
		most = 200 // a test has to end
	}
	fixed := c.chance(2)
	for _, q := range p {
		for len(q.Payload) > most {
			n := most
			if !fixed {
				n = 1 + c(most)
			}
			part := q
			part.Payload, part.Missing, part.Flags = q.Payload[:n], 0, q.Flags&^(oracle.FIN|oracle.SYN)
			out = append(out, part)
			q.Payload, q.Seq = q.Payload[n:], q.Seq+uint32(n)
		}
		out = append(out, q)
	}
	return out
}

func mutateJoin(c choices, p []oracle.Packet) []oracle.Packet {
	return p[c(len(p)):]
}

func mutateDrop(c choices, p []oracle.Packet) []oracle.Packet {
	for range 1 + c(4) {
		if len(p) > 1 {
			i := c(len(p))
			n := 1
			if c.chance(4) {
				n = min(1+c(20), len(p)-i)
			}
			p = slices.Delete(p, i, i+n)
		}
	}
	return p
}

func mutateSnap(c choices, p []oracle.Packet) []oracle.Packet {
	snap := 1 + c(400)
	all := c.chance(3)
	for i := range p {
		if q := &p[i]; len(q.Payload) > snap && (all || c.chance(8)) {
			q.Missing += len(q.Payload) - snap
			q.Payload = q.Payload[:snap]
		}
	}
	return p
}

func mutateOrder(c choices, p []oracle.Packet) []oracle.Packet {
	window := 2 + c(10)
	for range 1 + len(p)/3 {
		i := c(len(p))
		j := min(len(p)-1, i+c(window))
		if (p[i].Flags|p[j].Flags)&oracle.SYN == 0 {
			p[i], p[j] = p[j], p[i]
		}
	}
	return p
}

func mutateDuplicate(c choices, p []oracle.Packet) []oracle.Packet {
	for range 1 + c(5) {
		i := c(len(p))
		later := i + 1 + c(30)
		if p[i].Flags&oracle.SYN != 0 {
			later = i + 1 // behind the end of its connection it would be another's
		}
		p = slices.Insert(p, min(len(p), later), p[i])
	}
	return p
}

// behind returns a bare packet that follows p[i] in its direction.
func behind(p []oracle.Packet, i int) oracle.Packet {
	q := p[i]
	q.Seq += uint32(len(q.Payload) + q.Missing)
	if q.Flags&oracle.SYN != 0 {
		q.Seq++
	}
	q.Payload, q.Missing, q.Flags = nil, 0, q.Flags&oracle.ACK
	return q
}

// mutateRST inserts RSTs that are not exactly at the next byte, as strangers
// and late packets bring them.
func mutateRST(c choices, p []oracle.Packet) []oracle.Packet {
	for range 1 + c(4) {
		i := c(len(p))
		q := behind(p, i)
		q.Flags |= oracle.RST
		off := []uint32{1, 2, 100, 1460, 60_000, 1 << 20, 1 << 31}[c(7)]
		if c.chance(3) {
			off = -off
		}
		q.Seq += off
		p = slices.Insert(p, i+1, q)
	}
	return p
}

// mutateSYN inserts SYNs on the living connection, which its server
// challenges, and second answers to a SYN.
func mutateSYN(c choices, p []oracle.Packet) []oracle.Packet {
	begin := slices.IndexFunc(p, func(q oracle.Packet) bool { return q.Dst == rigServer && len(q.Payload) > 0 })
	end := slices.IndexFunc(p, func(q oracle.Packet) bool { return q.Flags&oracle.FIN != 0 })
	if end < 0 {
		end = len(p)
	}
	for range 1 + c(2) {
		if begin < 0 || begin >= end {
			break
		}
		i := begin + c(end-begin)
		q := behind(p, i)
		q.Seq += []uint32{0, 1, 1000, 1<<32 - 1000, 1<<30 + 7777, 1<<31 + 7777, 3<<30 + 7777}[c(7)]
		q.Flags = oracle.SYN
		if q.Src.Port() == 80 {
			q.Flags |= oracle.ACK
		}
		p = slices.Insert(p, i+1, q)
	}
	return p
}

// mutateFar inserts data at the far edges of what numbers can say, into the
// living connection: what is far from one that is over may be the next one's.
func mutateFar(c choices, p []oracle.Packet) []oracle.Packet {
	end := slices.IndexFunc(p, func(q oracle.Packet) bool { return q.Flags&oracle.FIN != 0 })
	if end < 0 {
		end = len(p)
	}
	for range 1 + c(3) {
		if end == 0 {
			break
		}
		i := c(end)
		q := p[i]
		q.Flags &^= oracle.SYN | oracle.FIN
		q.Seq += []uint32{1 << 31, 1<<31 - 1, 1<<31 + 1, 1 << 30, 3 << 30}[c(5)]
		p = slices.Insert(p, i+1, q)
	}
	return p
}

// interject has the client send b between p[at-1] and p[at], and moves what
// follows.
func interject(p []oracle.Packet, at int, b []byte) []oracle.Packet {
	out := slices.Clone(p)
	n := uint32(len(b))
	for i := range out[at:] {
		if q := &out[at+i]; q.Dst == rigServer {
			q.Seq += n
		} else {
			q.Ack += n
		}
	}
	for i := at - 1; i >= 0; i-- {
		if out[i].Dst == rigServer {
			q := behind(out, i)
			q.Payload, q.Flags = b, oracle.ACK
			return slices.Insert(out, at, q)
		}
	}
	return out
}

// packets makes the conversation as it is cut into segments.
func (t *dialogue) packets(rnd *rand.Rand, most int) (out []oracle.Packet) {
	client := netip.AddrPortFrom(rigClient.Addr(), t.port)
	for _, s := range append(t.handshake(), t.segments(rnd, most, true)...) {
		p := oracle.Packet{Src: client, Dst: rigServer, Payload: []byte(s.data), Flags: byte(s.flags)}
		mine, other := uint32(clientISN)+s.isn, uint32(0xFFFF_FFF0)+s.isn
		if s.from == 's' {
			p.Src, p.Dst = p.Dst, p.Src
			mine, other = other, mine
		}
		p.Seq = mine + uint32(1+s.off)
		if s.from == 's' || !s.flags.Has(packet.FlagSYN) {
			p.Flags |= oracle.ACK
			p.Ack = other + uint32(1+s.ack)
		}
		out = append(out, p)
	}
	return out
}
