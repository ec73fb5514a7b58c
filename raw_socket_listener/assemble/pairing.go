package assemble

// matchRequest finds the request that the response at f.next answers, and reports
// false when it may yet come: packets of the two directions can overtake each
// other on their way to us, and an early response waits until its request is
// complete, so that a request is always given before its response.
//
// Responses answer requests in order. Where that order was lost, in a gap or
// because the connection was joined, it is found again where a response
// begins exactly at what the client had received when it sent a request: a
// client that does not pipeline has then all earlier responses.
func (a *Assembler) matchRequest(c *conn, f *flow, m *partial) bool {
	forced := f.forced
	f.forced = false
	if r := c.req.h; forced && c.pending.len() == 0 && r != nil && r.open && r.known && !r.queued {
		r.queued = true
		a.enqueue(c, r.request)
	}
	q := &c.pending
	if q.len() == 0 {
		return forced // without a request
	}
	if !c.unsure {
		e := q.at(0)
		m.matched = !e.acked || !f.next.before(e.ack)
		return true
	}
	if i := c.sentAt(f.next); i >= 0 {
		for range i {
			c.unqueue()
		}
		c.unsure, m.matched = false, true
	}
	return true
}

// sentAt returns which of the pending requests was sent when the client had
// received the responses up to at, -1 when none was.
func (c *conn) sentAt(at sequence) int {
	for i := range c.pending.len() {
		if e := c.pending.at(i); e.acked && e.ack == at {
			return i
		}
	}
	return -1
}

// enqueue adds a request to those that wait for a response. Who sends one
// after the other and gets no answer loses track of them, at once when many
// do so.
func (a *Assembler) enqueue(c *conn, e exchange) {
	n := c.pending.len()
	if n >= maxPending || n >= fewPending && a.pendingBytes > a.cfg.MaxBuffered/pendingShare {
		a.dropPending(c)
		c.unsure = true
	}
	before := c.pending.bytes()
	c.pending.push(e)
	a.pendingBytes += c.pending.bytes() - before
}

// dropPending forgets the requests of c that wait for responses, and frees
// their memory if it is more than each connection has.
func (a *Assembler) dropPending(c *conn) {
	if n := c.pending.bytes(); n > 0 {
		a.pendingBytes -= n
		c.pending = exchanges{}
	}
	c.pending.clear()
}

// unqueue takes the first request off those that wait for a response. A
// request that asked for another protocol has been refused, if that is still
// open.
func (c *conn) unqueue() {
	if e := c.pending.pop(); e.connect || e.upgrade {
		c.switching = modeUnseen
	}
}

// An ending is how a message ends, and what that says of the messages behind it.
type ending struct {
	why   Loss   // NotLost: it is complete, unless its half says that it is lost
	whole []byte // the message, when it is not in the half's buffer

	tunnel  mode // of a request that asks for another protocol: how its direction goes on behind it; else modeUnseen
	interim bool // a response that another one follows for the same request
	opaque  bool // what follows a response is another protocol

	ambiguous bool // its framing can be read in two ways
	divided   bool // what follows belongs to it, and is given as another message
}

func (a *Assembler) conclude(c *conn, f *flow, m *partial, e ending) {
	if e.why != NotLost || m.lost != NotLost {
		e.why = a.lossOf(m, e.why)
	}
	if e.why == NotLost && len(e.whole)+m.buf.size == 0 {
		e.why = LostGap // all of it
	}
	given := false
	if f.response {
		given = a.concludeResponse(c, f, m, &e)
	} else {
		given = a.concludeRequest(c, f, m, &e)
	}
	if given && e.ambiguous {
		a.stats.Ambiguous++
	}
	if given && e.divided {
		a.stats.Divided++
	}
	if c.ignored {
		return // a tunnel has begun, and the half is free already
	}
	a.pool.drop(&m.buf)
	m.over()
}

func (a *Assembler) concludeRequest(c *conn, f *flow, m *partial, end *ending) (given bool) {
	e, why := m.request, end.why
	if why == NotLost {
		why = a.emit(c, f, m, end.whole, e.ordinal)
	}
	if why != NotLost {
		a.stats.Lost[why]++
	} else {
		e.kept = true
		a.stats.Requests++
	}
	if a.cfg.TrackResponse && c.rsp.mode != modeEnded {
		if !m.queued {
			a.enqueue(c, e)
		} else if n := c.pending.len(); n > 0 && c.pending.last().ordinal == e.ordinal {
			*c.pending.last() = e
		} else {
			return why == NotLost // answered before it was complete
		}
	}
	switch {
	case end.tunnel == modeUnseen:
	case a.cfg.TrackResponse:
		c.switching = end.tunnel
	default:
		f.mode = end.tunnel
	}
	return why == NotLost
}

func (a *Assembler) concludeResponse(c *conn, f *flow, m *partial, end *ending) (given bool) {
	why := end.why
	if end.interim {
		if why == NotLost {
			a.stats.Interim++
		} else {
			a.stats.Lost[why]++
		}
		return false
	}
	e := m.request
	if m.matched {
		e = *c.pending.at(0)
		c.unqueue()
		if c.pending.len() == 0 && a.pendingBytes > a.cfg.MaxBuffered/pendingShare/2 {
			a.dropPending(c)
		}
	}
	if why == NotLost && !e.kept {
		why = LostUnpaired
	}
	if why == NotLost {
		why = a.emit(c, f, m, end.whole, e.ordinal)
	}
	if why == NotLost {
		a.stats.Responses++
	} else {
		a.stats.Lost[why]++
	}
	if end.opaque {
		a.stats.Tunnels++
		m.open = false // it has been counted
		a.ignore(c)
	}
	return why == NotLost
}
