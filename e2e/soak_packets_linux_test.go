package e2e

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/buger/gor/internal/testkit"
)

// soakNobody is on the near host's link, and nobody has it.
const soakNobody = "10.77.0.77:80"

// packetAbuse is what forged packets do to a capture.
type packetAbuse struct {
	*forger
	random *rand.Rand
	data   []byte // scratch

	server  netip.AddrPort // takes connections, and answers
	server6 netip.AddrPort
	nobody  netip.AddrPort // on the server's link: what is sent there stays without an answer

	sources  int // forged ones used so far
	hoards   [64]hoard
	halfOpen int
}

// A hoard is a connection whose data lies behind a hole that nobody closes.
type hoard struct {
	src  netip.AddrPort
	next uint32
	left int // segments until it begins anew
}

// A stroke is a kind of abuse and how often it is done.
type stroke struct {
	name   string
	rate   float64 // a second
	do     func() error
	credit float64
	done   int
}

// soakPackets is the role "soak packets LINK MAC SERVER SERVER6 NOBODY SCALE".
// It makes soakHalfOpen half-open connections, says so, and then does all
// kinds of abuse until it is interrupted.
func soakPackets(args []string) int {
	mac, err := net.ParseMAC(args[1])
	if err != nil {
		return testkit.RoleFailed("%v", err)
	}
	f, err := newForger(args[0], mac)
	if err != nil {
		return testkit.RoleFailed("%v", err)
	}
	scale, err := strconv.ParseFloat(args[5], 64)
	if err != nil {
		return testkit.RoleFailed("%v", err)
	}
	p := &packetAbuse{forger: f, random: rand.New(rand.NewPCG(1, 2)), data: make([]byte, forgedData),
		server: netip.MustParseAddrPort(args[2]), server6: netip.MustParseAddrPort(args[3]), nobody: netip.MustParseAddrPort(args[4])}
	interrupted := onInterrupt()
	opening := []*stroke{{name: "half-open connections", rate: 10_000, do: p.openHalf}}
	if err := perform(opening, interrupted, func() bool { return p.halfOpen >= soakHalfOpen }); err != nil {
		return testkit.RoleFailed("%v", err)
	}
	fmt.Fprintf(os.Stderr, "%d half-open connections\n", p.halfOpen)
	strokes := []*stroke{
		{name: "SYNs", rate: 20_000 * scale, do: p.syn},
		{name: "half-open connections", rate: 1000 * scale, do: p.openHalf},
		{name: "random segments", rate: 3000 * scale, do: p.noise},
		{name: "segments behind a hole", rate: 3000 * scale, do: p.hoard},
		{name: "segments of pipelined requests", rate: 50 * scale, do: p.pipeline},
		{name: "mangled segments", rate: 500 * scale, do: p.mangle},
	}
	if err := perform(strokes, interrupted, func() bool { return false }); err != nil {
		return testkit.RoleFailed("%v", err)
	}
	for _, s := range strokes {
		fmt.Fprintf(os.Stderr, "%d %s\n", s.done, s.name)
	}
	fmt.Fprintf(os.Stderr, "%d frames refused by the link\n", p.refused)
	return 0
}

// perform does every stroke at its rate until interrupted or over.
func perform(strokes []*stroke, interrupted <-chan os.Signal, over func() bool) error {
	const beat = 2 * time.Millisecond
	tick := time.NewTicker(beat)
	defer tick.Stop()
	last := time.Now()
	for !over() {
		select {
		case <-interrupted:
			return nil
		case <-tick.C:
		}
		// Who was held up does not catch up: the rates are bounds.
		passed := min(time.Since(last), 5*beat)
		last = time.Now()
		for _, s := range strokes {
			for s.credit += s.rate * passed.Seconds(); s.credit >= 1; s.credit-- {
				if err := s.do(); err != nil {
					return fmt.Errorf("%s: %w", s.name, err)
				}
				s.done++
			}
		}
	}
	return nil
}

// source returns an address that was not used for a long time.
func (p *packetAbuse) source(six bool) netip.AddrPort {
	p.sources++
	return forgedSource(p.sources%(200*50_000), six)
}

// syn is one packet of a flood: every fourth over IPv6.
func (p *packetAbuse) syn() error {
	if p.sources%4 == 0 {
		return p.send(p.source(true), p.server6, forged{seq: p.random.Uint32(), flags: tcpSYN})
	}
	return p.send(p.source(false), p.server, forged{seq: p.random.Uint32(), flags: tcpSYN})
}

// openHalf begins a connection that carries nothing, or half a head, for ever.
func (p *packetAbuse) openHalf() error {
	p.halfOpen++
	src, seq := p.source(false), p.random.Uint32()
	if err := p.send(src, p.nobody, forged{seq: seq, flags: tcpSYN}); err != nil || p.halfOpen%2 == 0 {
		return err
	}
	half := "POST /abuse HTTP/1.1\r\nHost: abuse\r\nContent-Length: 100\r\nX-Half: "
	return p.send(src, p.nobody, forged{seq: seq + 1, ack: 1, flags: tcpACK | tcpPSH, data: []byte(half)})
}

// noise is a segment of one of few connections, in either direction, in which
// nothing fits: every second is near the ones before.
func (p *packetAbuse) noise() error {
	n := p.random.IntN(256)
	six := n%4 == 0
	src, dst := forgedSource(250*50_000+n, six), p.server
	if six {
		dst = p.server6
	} else if n%2 == 0 {
		dst = p.nobody
	}
	s := forged{seq: p.random.Uint32(), ack: p.random.Uint32(), flags: byte(p.random.Uint32())}
	if p.random.IntN(2) == 0 {
		s.seq, s.ack, s.flags = uint32(p.random.IntN(100_000)), uint32(p.random.IntN(100_000)), tcpACK
	}
	if p.random.IntN(4) > 0 {
		s.data = garbage(p.random, p.data[:p.random.IntN(forgedData)])
	}
	if p.random.IntN(8) == 0 {
		src, dst = dst, src
	}
	return p.send(src, dst, s)
}

// hoard sends a segment that lies behind a hole, or other bytes over such
// segments, or far ahead of them all.
func (p *packetAbuse) hoard() error {
	h := &p.hoards[p.random.IntN(len(p.hoards))]
	if h.left == 0 {
		*h = hoard{src: p.source(false), next: p.random.Uint32(), left: 1 + p.random.IntN(6000)}
		head := "POST /abuse HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffff\r\n"
		begin := forged{seq: h.next, flags: tcpSYN, data: []byte(head)} // TCP fast open
		h.next += 1 + uint32(len(head)) + 10
		return p.send(h.src, p.nobody, begin)
	}
	h.left--
	s := forged{seq: h.next, ack: 1, flags: tcpACK, data: garbage(p.random, p.data)}
	switch p.random.IntN(8) {
	case 0: // over what was there, with other bytes and other bounds
		s.seq -= uint32(p.random.IntN(10 * forgedData))
	case 1: // far ahead
		s.seq += uint32(p.random.IntN(16 << 20))
	default:
		h.next += uint32(len(s.data))
	}
	return p.send(h.src, p.nobody, s)
}

// pipeline begins a connection with many requests in one segment, which
// nobody answers.
func (p *packetAbuse) pipeline() error {
	const request = "GET /abuse HTTP/1.1\n\n"
	s := forged{seq: p.random.Uint32(), flags: tcpSYN, data: []byte(strings.Repeat(request, forgedData/len(request)))}
	return p.send(p.source(false), p.nobody, s)
}

// mangle sends a segment in whose headers some bytes are any.
func (p *packetAbuse) mangle() error {
	six := p.random.IntN(2) == 0
	dst := p.server
	if six {
		dst = p.server6
	}
	p.build(p.source(six), dst, forged{seq: p.random.Uint32(), flags: tcpACK, data: garbage(p.random, p.data[:100])})
	for range 1 + p.random.IntN(4) {
		p.frame[etherHeader+p.random.IntN(60)] = byte(p.random.Uint32())
	}
	return p.write()
}
