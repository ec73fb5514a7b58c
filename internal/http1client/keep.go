package http1client

import (
	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/outbound"
)

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
func (a *answer) keep(b []byte, headDone bool) {
	switch {
	case a.cfg.Keeper != nil && !a.call.Cut:
		var ok bool
		a.call.Answer, ok = a.cfg.Keeper.Keep(a.call.Answer, b)
		a.call.Cut = !ok
	case a.cfg.Keeper == nil && a.cfg.keepsHeads() && !headDone:
		a.call.Answer = append(a.call.Answer, b[:min(len(b), a.cfg.HeadMost)]...)
	}
}

// forget gives back the memory of an answer that was kept.
func (a *answer) forget() {
	if a.cfg.Keeper != nil {
		a.cfg.Keeper.GiveBack(a.call.Answer)
	}
	a.call.Answer, a.call.Cut = a.call.Answer[:0], false
	keep := keepAnswer
	if a.cfg.Memory.Scarce() {
		keep = keepScarce
	}
	if cap(a.call.Answer) > keep {
		a.call.Answer = nil
	}
	if !a.account() {
		a.call.Answer = nil
		a.account()
	}
}

// account brings what is taken of the answers' memory to what the connection
// holds, and reports false when there is not so much: it must let go of some.
func (a *answer) account() bool {
	holds := a.parser.Held() + cap(a.call.Answer)
	if a.place { // which has room for a head; the rest of an answer is for the other outputs
		holds = 0
		if a.cfg.Keeper != nil {
			holds = cap(a.call.Answer)
		}
	}
	if holds == a.taken {
		return true
	}
	if !a.cfg.Memory.Resize(a.taken, holds) {
		return false
	}
	a.taken = holds
	return true
}

// enough takes the memory for what the connection holds of an answer. For a
// large head, or when all hold much, it takes a place, or returns errCrowded when
// none is free.
func (a *answer) enough() error {
	head := a.parser.Held()
	if a.cfg.Keeper == nil {
		head += cap(a.call.Answer)
	}
	if !a.place {
		if head <= smallHead && (a.account() || a.shrink()) {
			return nil
		}
		if !a.cfg.Places.Try() {
			return errCrowded
		}
	}
	return a.seated(true)
}

// awaitPlace waits for a place, as long as the exchange may take.
func (a *answer) awaitPlace() bool { return a.cfg.Places.Take(a.ctx.Done(), a.call.Deadline) }

// seated takes the memory for what the connection holds beside the head when it
// was given a place, or returns why the answer is given up.
func (a *answer) seated(place bool) error {
	a.place = place
	if !place || !a.account() && !a.shrink() {
		a.parser = http1.Parser{}
		return outbound.ErrAnswerMemory
	}
	return nil
}

// leave gives back the place, with all that lies in it.
func (a *answer) leave() {
	if !a.place {
		return
	}
	if a.parser.Release(); a.parser.Held() > 0 { // in the middle of a head
		a.parser = http1.Parser{}
	}
	if a.cfg.Keeper == nil {
		a.call.Answer = nil
	}
	a.place = false
	a.cfg.Places.Leave()
	if !a.account() {
		a.shrink()
	}
}

// shrink lets go of what an answer was kept in, when only others want it, and
// reports whether that was enough.
func (a *answer) shrink() bool {
	if a.cfg.Keeper != nil {
		a.cfg.Keeper.GiveBack(a.call.Answer)
		a.call.Answer, a.call.Cut = nil, true
	}
	return a.account()
}
