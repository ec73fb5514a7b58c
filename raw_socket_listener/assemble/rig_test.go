package assemble

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/buger/gor/raw_socket_listener/filter"
	"github.com/buger/gor/raw_socket_listener/packet"
)

// A rig is an assembler whose segments are made by a test and whose messages
// are collected.
type rig struct {
	t    testing.TB
	a    *Assembler
	hand *Handover
	logs []string // what people would be told
	done bool
}

var (
	rigClient = netip.MustParseAddrPort("10.0.0.1:40000")
	rigServer = netip.MustParseAddrPort("10.0.0.2:80")
)

func newRig(t testing.TB, cfg Config) *rig {
	r := &rig{t: t, hand: NewHandover(1 << 30)}
	if cfg.Address.Ports == nil && cfg.Address.Text == "" {
		cfg.Address = filter.Address{Ports: []uint16{80}}
	}
	cfg = cfg.WithDefaults()
	r.a = New(cfg, NewWriter(r.hand, func() bool { return true }), r, &Sights{})
	return r
}

// What an assembler tells.

func (r *rig) TLS(server netip.AddrPort) {
	r.logs = append(r.logs, fmt.Sprintf("port %d carries TLS", server.Port()))
}

func (r *rig) HTTP2(server netip.AddrPort) {
	r.logs = append(r.logs, fmt.Sprintf("port %d carries HTTP/2", server.Port()))
}

func (r *rig) Rewritten(firstClient, firstServer, client, server netip.AddrPort) {
	r.logs = append(r.logs, fmt.Sprintf("%s to %s is seen again as %s to %s", firstClient, firstServer, client, server))
}

func (r *rig) Shared(client, server netip.AddrPort) {
	r.logs = append(r.logs, fmt.Sprintf("%s to %s is another capture's", client, server))
}

func (r *rig) Shed() { r.logs = append(r.logs, "shed") }

func (r *rig) Look(int64) {}

// messages ends the capture, checks the ledger and returns what was given.
func (r *rig) messages() []Message {
	r.t.Helper()
	if !r.done {
		r.done = true
		r.a.End()
	}
	from := NewReader(r.hand)
	var all []Message
	for {
		m := from.Next()
		if m == nil {
			break
		}
		c := *m
		c.Data = append([]byte(nil), m.Data...)
		all = append(all, c)
	}
	r.identity()
	if s := &r.a.stats; s.Emitted() != uint64(len(all)) {
		r.t.Errorf("the ledger has %d messages, %d were given", s.Emitted(), len(all))
	}
	if open := r.countOpen(); open != 0 {
		r.t.Errorf("%d messages open at the end", open)
	}
	if r.a.pool.used != 0 || len(r.a.conns) != r.a.closing.len {
		r.t.Errorf("at the end %d bytes are in use, %d connections", r.a.pool.used, len(r.a.conns))
	}
	waits := 0
	for _, l := range r.a.waits {
		waits += l.len
	}
	if waits+r.a.holders.len != 0 {
		r.t.Errorf("at the end %d wait, %d hold", waits, r.a.holders.len)
	}
	return all
}

// countOpen counts messages under way by looking at all connections, not by
// the counters.
func (r *rig) countOpen() uint64 {
	var open uint64
	for _, c := range r.a.conns {
		for _, f := range []*flow{&c.req, &c.rsp} {
			if f.h != nil && f.h.open {
				open++
			}
		}
	}
	return open
}

// identity checks that the sums of the ledger add up.
func (r *rig) identity() {
	r.t.Helper()
	s := &r.a.stats
	if got := s.Emitted() + s.Interim + s.LostSum() + r.countOpen(); got != s.Starts {
		r.t.Fatalf("the ledger does not add up: %d begun, %d accounted for: %+v", s.Starts, got, s.Rows())
	}
}

// A seg is a segment of a test's conversation. Positions count from the first
// byte behind the SYN; a SYN has off -1.
type seg struct {
	from    byte // 'c' the client, 's' the server
	off     int
	data    string
	flags   packet.TCPFlags // packet.FlagACK is added, except to a client's SYN
	ack     int             // position in the other direction
	at      time.Duration
	missing int
	port    uint16 // of the client, when it is another one
	options string
	isn     uint32 // added to the position, when the connection is another one
}

// rigEpoch is a time for packets, in ns since 1970.
const rigEpoch = int64(1_700_000_000_000_000_000)

// Initial sequence numbers.
const (
	clientISN = 1000
	serverISN = 0xFFFF_FFF0 // wraps within the first response
)

func (r *rig) send(s seg) {
	g := &packet.Segment{
		Time: rigEpoch + int64(s.at), Flags: s.flags, Payload: []byte(s.data), Missing: s.missing, Window: 1000, Options: []byte(s.options),
	}
	client := rigClient
	if s.port != 0 {
		client = netip.AddrPortFrom(client.Addr(), s.port)
	}
	mine, other := sequence(clientISN+s.isn), sequence(serverISN+s.isn)
	g.Src, g.Dst = client, rigServer
	if s.from == 's' {
		g.Src, g.Dst = g.Dst, g.Src
		mine, other = other, mine
	}
	g.Seq = uint32(mine.plus(1 + s.off))
	if s.from == 's' || !s.flags.Has(packet.FlagSYN) {
		g.Flags |= packet.FlagACK
		g.Ack = uint32(other.plus(1 + s.ack))
	}
	r.a.Segment(g)
	// What the assembler keeps must not be the source's memory.
	for i := range g.Payload {
		g.Payload[i] = 0xEE
	}
}

// handshake is the beginning of most conversations.
var handshake = []seg{{from: 'c', off: -1, flags: packet.FlagSYN}, {from: 's', off: -1, flags: packet.FlagSYN}}

func timeOf(i int) time.Duration { return time.Duration(i) }
