// Package pcapout writes a capture file of packets that nobody captured: TCP
// connections that would have carried the messages of a recording, at their times.
// It is for tools that read nothing else.
package pcapout

import (
	"bufio"
	"container/heap"
	"encoding/binary"
	"io"
	"slices"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/stats"
)

const (
	// connsMost bounds the connections that are open at once, as captures do; the
	// one that began first is closed for the next.
	connsMost = 1 << 16
	// unansweredMost bounds the requests of a connection that wait for a response:
	// recordings may have requests alone.
	unansweredMost = 1000
	// heldBytes bounds the packets that wait for their place in time.
	heldBytes = 8 << 20
	// connTime is how long a connection begins before its first request, ns.
	connTime = 3000
)

// A Writer writes a capture file.
type Writer struct {
	w      *bufio.Writer
	err    error
	held   packets
	bytes  int
	order  uint64 // of packets
	opened uint64 // connections
	now    int64  // the latest time of a message

	conns map[string]*conn // by the connection part of the id: the latest
	open  []*conn          // by age; the first closed ones are cut off
	tuple map[endpoint]bool
	byID  map[string]*exchange
	parse http1.Parser
	req   http1.Request

	headers, replayed, orphans, swapped uint64
}

// An exchange is a request whose response may come.
type exchange struct {
	id            string
	on            *conn
	head, connect bool // the method is HEAD or CONNECT
}

// NewWriter returns a writer to w.
func NewWriter(w io.Writer) *Writer {
	p := &Writer{w: bufio.NewWriterSize(w, 64<<10), conns: map[string]*conn{}, tuple: map[endpoint]bool{}, byID: map[string]*exchange{}}
	_, p.err = p.w.Write(fileHeader())
	return p
}

// Write writes the packets of a request or of its response.
func (p *Writer) Write(msg []byte) error {
	m, body, err := payload.Split(msg)
	switch {
	case err != nil:
		p.headers++
		return nil
	case m.Type == payload.Request:
		p.now = max(p.now, m.Time)
		p.request(&m, body)
	case m.Type == payload.Response:
		p.now = max(p.now, m.Time)
		p.response(&m, body)
	default:
		p.replayed++
		return nil
	}
	p.release(m.Time - connTime)
	return p.err
}

func (p *Writer) request(m *payload.Meta, body []byte) {
	name := string(payload.ConnPart(m.ID))
	c := p.conns[name]
	// A browser's requests share connections of HTTP/2, where responses overtake each other.
	if origin, _ := m.Attribute(payload.AttrOrigin); c != nil && (c.last || len(c.waiting) > 0 && string(origin) == "har") {
		p.retire(c)
		c = nil
	}
	if c == nil {
		c = p.connect(name, m)
	}
	x := &exchange{id: string(m.ID), on: c}
	if p.req.Parse(body) == nil {
		x.head, x.connect = string(p.req.Method()) == "HEAD", string(p.req.Method()) == "CONNECT"
	}
	if len(c.waiting) == unansweredMost {
		p.forget(c)
		c.mute = true
	}
	if !c.mute {
		c.waiting = append(c.waiting, x)
		p.byID[x.id] = x
	}
	p.data(c, true, m, body)
	// What is not a whole request could swallow the next.
	c.last = !http1.CompleteRequest(body) || x.connect
}

func (p *Writer) response(m *payload.Meta, body []byte) {
	x := p.byID[string(m.ID)]
	switch {
	case x == nil:
		p.orphans++
		return
	case x.on.waiting[0] != x:
		// A reader would take it for the response of another request.
		p.swapped++
		p.forget(x.on)
		p.retire(x.on)
		return
	}
	c := x.on
	delete(p.byID, x.id)
	c.waiting = slices.Delete(c.waiting, 0, 1)
	p.data(c, false, m, body)
	p.parse.ResetResponse()
	p.parse.SetRequest(x.head, x.connect)
	if _, done, err := p.parse.Feed(body); err != nil || !done || p.parse.Opaque() {
		c.last = true // it ends with its connection, or is the last that is HTTP
	}
	if c.last && len(c.waiting) == 0 {
		p.retire(c)
	}
}

// forget lets no response come to the requests of a connection.
func (p *Writer) forget(c *conn) {
	for _, x := range c.waiting {
		if p.byID[x.id] == x {
			delete(p.byID, x.id)
		}
	}
	c.waiting = nil
}

// retire lets no request come to a connection, and closes it unless a response may
// come.
func (p *Writer) retire(c *conn) {
	if p.conns[c.name] == c {
		delete(p.conns, c.name)
	}
	c.last = true
	if len(c.waiting) == 0 {
		p.disconnect(c)
	}
}

// push holds a packet until all that are before it in time have come.
func (p *Writer) push(at int64, frame []byte) {
	heap.Push(&p.held, packet{at, p.order, frame})
	p.order++
	for p.bytes += len(frame); p.bytes > heldBytes; {
		p.writeFirst()
	}
}

// release writes the packets before a time.
func (p *Writer) release(before int64) {
	for len(p.held) > 0 && p.held[0].at < before {
		p.writeFirst()
	}
}

func (p *Writer) writeFirst() {
	first := heap.Pop(&p.held).(packet)
	p.bytes -= len(first.frame)
	if p.err != nil {
		return
	}
	var head [16]byte
	binary.LittleEndian.PutUint32(head[:], uint32(min(first.at/1e9, 1<<32-1)))
	binary.LittleEndian.PutUint32(head[4:], uint32(first.at%1e9))
	binary.LittleEndian.PutUint32(head[8:], uint32(len(first.frame)))
	binary.LittleEndian.PutUint32(head[12:], uint32(len(first.frame)))
	p.w.Write(head[:])
	_, p.err = p.w.Write(first.frame)
}

// Close ends all connections and the file.
func (p *Writer) Close() error {
	for _, c := range p.open {
		p.forget(c)
		p.disconnect(c)
	}
	for len(p.held) > 0 {
		p.writeFirst()
	}
	if p.err != nil {
		return p.err
	}
	return p.w.Flush()
}

// Counts tells what has no packets.
func (p *Writer) Counts() []stats.Count {
	return []stats.Count{
		{Name: "messages without a header line, left out", Kind: stats.Note, N: p.headers},
		{Name: "answers of replays, which no capture has", Kind: stats.Note, N: p.replayed},
		{Name: "answers without their request, left out", Kind: stats.Note, N: p.orphans},
		{Name: "answers out of the order of their requests, which TCP cannot carry, left out", Kind: stats.Note, N: p.swapped},
	}
}

// A packet waits for its place in the file: packets of a connection that have the
// same time stay in their order.
type packet struct {
	at    int64 // ns since 1970
	order uint64
	frame []byte
}

// packets is a heap, the earliest first.
type packets []packet

func (h packets) Len() int { return len(h) }
func (h packets) Less(i, j int) bool {
	return h[i].at < h[j].at || h[i].at == h[j].at && h[i].order < h[j].order
}
func (h packets) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *packets) Push(x any)   { *h = append(*h, x.(packet)) }
func (h *packets) Pop() any {
	last := (*h)[len(*h)-1]
	(*h)[len(*h)-1] = packet{}
	*h = (*h)[:len(*h)-1]
	return last
}
