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
func (a *Assembler) matchRequest(c *conn, f *flow, h *half) bool {
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
		h.matched = !e.acked || !f.next.before(e.ack)
		return true
	}
	if i := c.sentAt(f.next); i >= 0 {
		for range i {
			c.unqueue()
		}
		c.unsure, h.matched = false, true
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

// conclude ends the message under way in f: complete when why and h.lost are
// NotLost. whole is the message, when it is not in h.buf.
func (a *Assembler) conclude(c *conn, f *flow, h *half, why Loss, whole []byte) {
	if why != NotLost || h.lost != NotLost {
		why = a.verdict(h, why)
	}
	if f.response {
		a.concludeResponse(c, f, h, why, whole)
	} else {
		a.concludeRequest(c, f, h, why, whole)
	}
	if f.h != h {
		return // a tunnel has begun
	}
	a.pool.drop(&h.buf)
	h.over()
}

func (a *Assembler) concludeRequest(c *conn, f *flow, h *half, why Loss, whole []byte) {
	e := h.request
	if why == NotLost {
		why = a.emit(c, h, whole, e.ordinal)
	}
	if why != NotLost {
		a.stats.Lost[why]++
	} else {
		e.kept = true
		a.stats.Requests++
	}
	if a.cfg.TrackResponse && c.rsp.mode != modeEnded {
		if !h.queued {
			a.enqueue(c, e)
		} else if n := c.pending.len(); n > 0 && c.pending.last().ordinal == e.ordinal {
			*c.pending.last() = e
		} else {
			return // answered before it was complete
		}
	}
	switch {
	case !h.parser.Done() || !e.connect && !e.upgrade:
	case a.cfg.TrackResponse:
		c.switching = e.tunnelMode()
	default:
		f.mode = e.tunnelMode()
	}
}

// tunnelMode is how a direction goes on behind a request for another protocol
// whose answer is not known: the server may have refused it.
func (e *exchange) tunnelMode() mode {
	if e.connect {
		return modeConnected
	}
	return modeUpgraded
}

func (a *Assembler) concludeResponse(c *conn, f *flow, h *half, why Loss, whole []byte) {
	done := h.parser.Done()
	if done && h.parser.Head().Interim() {
		if why == NotLost {
			a.stats.Interim++
		} else {
			a.stats.Lost[why]++
		}
		return
	}
	var e exchange
	if h.matched {
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
		why = a.emit(c, h, whole, e.ordinal)
	}
	if why == NotLost {
		a.stats.Responses++
	} else {
		a.stats.Lost[why]++
	}
	if done && h.parser.Opaque() {
		a.stats.Tunnels++
		h.open = false // it has been counted
		a.ignore(c)
	}
}
