package assemble

// Messages of protocols that are not understood (Config.Binary). Whoever asks
// waits for the answer, so that a message is what one side sends until it has
// received something from the other: its segments acknowledge the same, and the
// next message's acknowledge more. That can be seen of one side alone, and
// whatever the order in which packets of the two sides came upon the capture.
// A message also ends when nothing more of it came for Config.Expire, with its
// connection, and where it reaches Config.MaxMessage.

// turnsFramer finds messages by who is speaking.
type turnsFramer struct {
	to         messageSink
	expire     int64 // Config.Expire, in ns
	maxMessage int   // Config.MaxMessage
}

func (fr *turnsFramer) traits() traits { return traits{opaque: true, endsInQuiet: true} }

func (fr *turnsFramer) newState() state { return noState{} }

func (fr *turnsFramer) recognises([]byte, bool) bool { return false }

// enter begins a message at seq if nothing came before for as long as ends one.
func (fr *turnsFramer) enter(_ *conn, f *flow, seq sequence, quiet int64) {
	f.begin(seq, modeFraming)
	if quiet < fr.expire {
		f.gapBefore = LostJoined
	}
}

func (fr *turnsFramer) frame(c *conn, f *flow, b []byte, from arrival) (rest []byte, start bool) {
	switch {
	case len(b) == 0: // the capture kept nothing of the segment
	case f.mode == modeFraming:
		rest = fr.turn(c, f, b, &from)
	default: // opaque, or ended
		f.next = f.next.plus(len(b))
	}
	return rest, from.start
}

func (fr *turnsFramer) missed(c *conn, f *flow, n int, now int64) {
	if f.mode == modeFraming {
		fr.missTurn(c, f, n, now)
	}
}

func (fr *turnsFramer) heard(c *conn, f *flow, seq, ack sequence, acked bool) {
	if h := f.h; h != nil && f.next == seq && h.passed(ack, acked) {
		fr.endTurn(c, f, h, NotLost)
	}
}

func (fr *turnsFramer) quiet(c *conn, f *flow) { fr.endTurn(c, f, f.h, f.shortOf()) }

func (fr *turnsFramer) ended(c *conn, f *flow, h *half, why Loss) {
	switch {
	case f.fin && f.next == f.finAt:
		why = NotLost
	case why == LostClosed || why == LostExpired:
		why = f.shortOf() // that ends it
	}
	fr.endTurn(c, f, h, why)
}

func (fr *turnsFramer) answerable(c *conn) bool {
	h := c.rsp.h
	return h == nil || h.store.empty() || !fr.early(c, &c.rsp, &h.store.first.from)
}

// turn takes b, the next bytes of f, and returns those that must wait for the
// other direction, after which f waits for its peer.
func (fr *turnsFramer) turn(c *conn, f *flow, b []byte, from *arrival) (rest []byte) {
	h := fr.to.halfOf(c, f)
	if h.passed(from.ack, from.acked) {
		fr.endTurn(c, f, h, NotLost)
	}
	if !h.open {
		if fr.early(c, f, from) {
			f.waitsForPeer = true
			return b
		}
		f.forced = false
		fr.endOther(c, f, from)
		fr.beginTurn(c, f, h, from)
	}
	if !h.request.acked {
		h.request.ack, h.request.acked = from.ack, from.acked
	}
	f.gapBefore = NotLost
	for len(b) > 0 {
		if h.lost == NotLost && h.buf.size >= fr.maxMessage {
			fr.end(c, f, h, ending{divided: true})
			fr.beginTurn(c, f, h, from)
		}
		n := len(b)
		if h.lost == NotLost {
			n = min(n, fr.maxMessage-h.buf.size)
			if h.buf.size == 0 {
				h.begun = from.time // of its bytes: it may begin with a hole
			}
			fr.to.add(&h.partial, b[:n])
		}
		h.latest = max(h.latest, from.time)
		f.next = f.next.plus(n)
		b = b[n:]
	}
	return nil
}

// passed reports whether a segment with this acknowledgement comes behind the
// message under way: its sender has received something since.
func (h *half) passed(ack sequence, acked bool) bool {
	return h.open && acked && h.request.acked && h.request.ack.before(ack)
}

// early reports whether bytes of f answer some that were not seen yet: packets
// of the two directions can overtake each other on their way to us, and a
// request is given before its response.
func (fr *turnsFramer) early(c *conn, f *flow, from *arrival) bool {
	if !f.response || f.forced || !from.acked || c.req.mode != modeFraming {
		return false
	}
	n := from.ack.minus(c.req.next)
	return n > 0 && n < staleReach
}

// endOther ends the other side's message when what begins in f answers it.
func (fr *turnsFramer) endOther(c *conn, f *flow, from *arrival) {
	o := c.otherOf(f)
	if h := o.h; h != nil && h.open && from.acked && o.next == from.ack {
		fr.endTurn(c, o, h, NotLost)
		fr.to.updateLists(c, o)
	}
}

// shortOf says whether the message that ends because nothing follows is whole:
// its receiver may have acknowledged more than was seen. One byte more may be a
// FIN.
func (f *flow) shortOf() Loss {
	if n := f.acked.minus(f.next); f.answered && n > 1 && n < staleReach {
		return LostGap
	}
	return NotLost
}

// beginTurn notes the beginning of a message.
func (fr *turnsFramer) beginTurn(c *conn, f *flow, h *half, from *arrival) {
	fr.to.start(c, f, &h.partial, *from)
	h.known = true
	if f.response {
		h.request = exchange{ack: from.ack, acked: from.acked}
		fr.answer(c, h, from)
	}
	h.request.from = f.next
	if f.gapBefore != NotLost {
		fr.to.miss(&h.partial, f.gapBefore)
	}
}

// answer finds the request that a response answers: the last one that its sender
// had received, whole or in part. It stays there for what else answers it.
func (fr *turnsFramer) answer(c *conn, h *half, from *arrival) {
	q := &c.pending
	for q.len() > 0 && from.acked {
		e := q.at(0)
		end := e.ack
		if c.req.fin && end == c.req.finAt {
			end++ // the FIN is acknowledged as one byte
		}
		switch {
		case from.ack.minus(e.from) <= 0:
			return
		case end.before(from.ack):
			q.pop()
			continue
		}
		h.request.ordinal, h.request.kept = e.ordinal, e.kept
		return
	}
}

// missTurn notes a hole of n bytes, of which f.next is the end. Between two
// messages it held at least one, whose rest may follow.
func (fr *turnsFramer) missTurn(c *conn, f *flow, n int, now int64) {
	h := fr.to.halfOf(c, f)
	if !h.open {
		f.gapBefore = NotLost
		fr.beginTurn(c, f, h, &arrival{time: now})
		h.request.from = f.next.plus(-n)
	}
	fr.to.miss(&h.partial, LostGap)
}

// endTurn ends the message under way in f: as far as it came when why is
// NotLost.
func (fr *turnsFramer) endTurn(c *conn, f *flow, h *half, why Loss) {
	fr.end(c, f, h, ending{why: why})
}

func (fr *turnsFramer) end(c *conn, f *flow, h *half, e ending) {
	if !f.response {
		h.request.ack = f.next // what its responses acknowledge
	}
	fr.to.conclude(c, f, &h.partial, e)
}
