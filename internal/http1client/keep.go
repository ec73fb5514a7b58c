package http1client

import "github.com/buger/gor/internal/http1"

const (
	// AnswerPlaces is how many connections of all clients may have more than
	// smallHead bytes of a head at one time. Each holds two of http1.MaxHead at
	// most, one in pieces and one that is kept, with the quarter that append takes
	// more: 8 MB in all. The others wait, and do not read meanwhile.
	AnswerPlaces = 12
	smallHead    = 16 << 10

	// keepAnswer bounds the buffer that a connection keeps for the next answer,
	// and keepScarce the same when memory is scarce.
	keepAnswer = 16 << 10
	keepScarce = 1 << 10
)

// keep keeps a part of the answer: all of it when somebody wants it, of one
// that may be a redirection or is reported, the head.
func (c *conn) keep(b []byte, headDone bool) {
	switch {
	case c.cfg.Keeper != nil && !c.call.Cut:
		var ok bool
		c.call.Answer, ok = c.cfg.Keeper.Keep(c.call.Answer, b)
		c.call.Cut = !ok
	case c.cfg.Keeper == nil && c.cfg.keepsHeads() && !headDone:
		c.call.Answer = append(c.call.Answer, b[:min(len(b), c.cfg.HeadMost)]...)
	}
}

// forget gives back the memory of an answer that was kept.
func (c *conn) forget() {
	if c.cfg.Keeper != nil {
		c.cfg.Keeper.GiveBack(c.call.Answer)
	}
	c.call.Answer, c.call.Cut = c.call.Answer[:0], false
	keep := keepAnswer
	if c.cfg.Memory.Scarce() {
		keep = keepScarce
	}
	if cap(c.call.Answer) > keep {
		c.call.Answer = nil
	}
	if !c.account() {
		c.call.Answer = nil
		c.account()
	}
}

// account brings what is taken of the answers' memory to what the connection
// holds, and reports false when there is not so much: it must let go of some.
func (c *conn) account() bool {
	holds := c.parser.Held() + cap(c.call.Answer)
	if c.place { // which has room for a head; the rest of an answer is for the other outputs
		holds = 0
		if c.cfg.Keeper != nil {
			holds = cap(c.call.Answer)
		}
	}
	if holds == c.taken {
		return true
	}
	if !c.cfg.Memory.Resize(c.taken, holds) {
		return false
	}
	c.taken = holds
	return true
}

// enough takes the memory for what the connection holds of an answer. For a
// large head, or when all hold much, it waits for a place, as long as the
// exchange may take. It reports false when there was none.
func (c *conn) enough() bool {
	head := c.parser.Held()
	if c.cfg.Keeper == nil {
		head += cap(c.call.Answer)
	}
	if head <= smallHead && (c.account() || c.shrink()) {
		return true
	}
	if !c.place {
		if c.place = c.cfg.Places.Take(c.ctx.Done(), c.call.Deadline); !c.place {
			return false
		}
	}
	return c.account() || c.shrink()
}

// leave gives back the place, with all that lies in it.
func (c *conn) leave() {
	if !c.place {
		return
	}
	if c.parser.Release(); c.parser.Held() > 0 { // in the middle of a head
		c.parser = http1.Parser{}
	}
	if c.cfg.Keeper == nil {
		c.call.Answer = nil
	}
	c.place = false
	c.cfg.Places.Leave()
	if !c.account() {
		c.shrink()
	}
}

// shrink lets go of what an answer was kept in, when only others want it, and
// reports whether that was enough.
func (c *conn) shrink() bool {
	if c.cfg.Keeper != nil {
		c.cfg.Keeper.GiveBack(c.call.Answer)
		c.call.Answer, c.call.Cut = nil, true
	}
	return c.account()
}
