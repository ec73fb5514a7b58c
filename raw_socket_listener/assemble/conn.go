package assemble

import (
	"bytes"
	"net/netip"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/raw_socket_listener/packet"
)

// A key names a connection whichever way a segment goes: the end with the
// lower port first, and of equal ports the lower address. It holds no
// pointers, so that the table is cheap to hash and to scan.
type key struct {
	low, high         [16]byte
	lowPort, highPort uint16
}

// keyOf returns the key of the connection that s belongs to, and whether s
// comes from its low end.
func keyOf(s *packet.Segment) (k key, fromLow bool) {
	src, dst := s.Src.Addr().As16(), s.Dst.Addr().As16()
	sp, dp := s.Src.Port(), s.Dst.Port()
	if sp < dp || sp == dp && bytes.Compare(src[:], dst[:]) <= 0 {
		return key{src, dst, sp, dp}, true
	}
	return key{dst, src, dp, sp}, false
}

// ends returns the client's and the server's address.
func (c *conn) ends() (client, server netip.AddrPort) {
	low := netip.AddrPortFrom(netip.AddrFrom16(c.key.low).Unmap(), c.key.lowPort)
	high := netip.AddrPortFrom(netip.AddrFrom16(c.key.high).Unmap(), c.key.highPort)
	if c.clientLow {
		return low, high
	}
	return high, low
}

// A place is the list of the table that a connection is in.
type place uint8

const (
	placeNone    place = iota
	placeEmbryo        // no data yet
	placeActive        // has carried data
	placeClosing       // over, and kept to recognise what comes late
)

// A conn is one TCP connection. It is small, and what a direction needs only
// while a message is under way lies in its half, so that idle connections and
// half-open ones cost little.
type conn struct {
	node      node[conn]
	key       key
	id        uint64
	seen      int64 // time of its last segment, to a fraction of touchGrain
	exchanges uint32
	clientLow bool
	place     place
	ignored   bool       // nothing of it is wanted
	cut       bool       // a RST ended it, unless more of it comes
	known     bool       // Config.Exclude was asked
	multipath bool       // for its being one subflow of several
	sights    uint8      // how many of the client's next segments are compared with those of other connections
	proxied   bool       // a PROXY protocol header was read, or there is none
	token     uint32     // names it among those of MPTCP, 0 for others
	client    netip.Addr // as a PROXY protocol header names it
	unsure    bool       // which response answers which request has to be found out anew
	req, rsp  flow
	switching mode // how to go on behind a CONNECT or Upgrade request that waits for its answer, else modeUnseen
	pending   exchanges
}

// flows returns the direction that a segment is of, and the other one.
func (c *conn) flows(fromLow bool) (f, other *flow) {
	if fromLow == c.clientLow {
		return &c.req, &c.rsp
	}
	return &c.rsp, &c.req
}

// connBytes is what a connection takes of memory: a conn, its place in the map,
// whose tables are on average half empty, and its share of the traces.
const connBytes = 400 + traceShare*traceBytes

// A mode is what is done with the next bytes of a direction.
type mode uint8

const (
	modeUnseen    mode = iota // nothing of it was seen
	modeFraming               // they belong to messages
	modeJoining               // established before the capture: wait for what may be a head
	modeResync                // after a loss: wait for a complete head
	modeUpgraded              // after an Upgrade request whose answer is not seen: the same, without a loss
	modeConnected             // after such a CONNECT request: wait for another one
	modeOpaque                // no HTTP/1
	modeEnded                 // nothing more will come
)

// A flow is one direction of a connection.
type flow struct {
	next         sequence // the next byte
	first        sequence // the first byte of the connection, or where the capture came upon it
	finAt        sequence // behind the last byte, when fin
	acked        sequence // the highest that the receiver acknowledged, when answered
	mode         mode
	response     bool
	syn          bool // first is certain
	fin          bool
	answered     bool
	silent       bool               // what it carries is not wanted
	fresh        bool               // no byte of it was passed
	blind        bool               // the byte before the next was not seen
	waitsForPeer bool               // the next bytes wait for something in the other direction
	forced       bool               // a response that must not wait for its request any longer
	begun        mark               // where another handshake on the same ports begins
	far          mark               // where another connection on the same ports may go on
	rst          mark               // where a RST lies that came before its turn
	skipped      http1.StartCounter // of bytes that are passed over
	gapBefore    Loss               // why the message that begins with the next byte may lack what comes before it; for turnsFramer
	h            *half              // nil between messages
}

func (f *flow) begin(first sequence, m mode) {
	f.first, f.next, f.mode = first, first, m
	f.fresh, f.blind = true, m == modeJoining
	f.begun, f.far, f.rst = mark{}, mark{}, mark{}
}

// runs reports whether there is nothing for Assembler.settle to do about f.
func (f *flow) runs() bool {
	return !f.waitsForPeer && !f.fin && !f.rst.set && f.mode != modeEnded
}

// An exchange is a request whose response has not ended.
type exchange struct {
	ordinal uint32
	ack     sequence // what the client had received when it sent the request, when acked
	from    sequence // where it begins; for turnsFramer, which puts into ack where it ends once it has
	acked   bool
	kept    bool // the request was given
	head    bool
	connect bool
	upgrade bool
}

// Bounds of the requests that wait for responses.
const (
	// maxPending is for one connection; no client is known to pipeline a tenth
	// of it.
	maxPending = 1024
	// fewPending is what each connection has room for in any case.
	fewPending = 4
	// pendingShare is the part of Config.MaxBuffered that all together may
	// take beyond that: a megabyte is room for 65,536.
	pendingShare = 16

	exchangeBytes = 20 // what an exchange takes of memory
)

// exchanges is a queue.
type exchanges struct {
	list []exchange
	from int
}

// bytes is what the queue takes of memory beyond what each has.
func (q *exchanges) bytes() int {
	if cap(q.list) <= fewPending {
		return 0
	}
	return cap(q.list) * exchangeBytes
}

func (q *exchanges) len() int           { return len(q.list) - q.from }
func (q *exchanges) at(i int) *exchange { return &q.list[q.from+i] }
func (q *exchanges) last() *exchange    { return &q.list[len(q.list)-1] }
func (q *exchanges) clear()             { q.list, q.from = q.list[:0], 0 }
func (q *exchanges) push(e exchange) {
	if q.from > 0 && len(q.list) == cap(q.list) {
		q.list = q.list[:copy(q.list, q.list[q.from:])]
		q.from = 0
	}
	q.list = append(q.list, e)
}

func (q *exchanges) pop() exchange {
	e := q.list[q.from]
	q.from++
	if q.from == len(q.list) {
		q.clear()
	}
	return e
}

// server is the end that is asked.
func (c *conn) server() netip.AddrPort {
	_, server := c.ends()
	return server
}
