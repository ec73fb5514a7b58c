package http1client

import (
	"context"
	"errors"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/outbound"
)

// An answer is what has come of the answer to a Call so far. Its bytes are given
// to take as they come, by whoever reads the connection; what is not kept is
// framed and dropped.
type answer struct {
	*shared
	call *Call // of the exchange that goes on; the last one when none does

	parser http1.Parser
	head   int  // bytes of the head so far
	got    bool // a byte of it came
	unsure bool // it leaves open where the target stands; see last
	goOn   bool // the target said 100 Continue

	ctx   context.Context // of the exchange
	taken int             // bytes of cfg.Memory; see account
	place bool            // of cfg.Places; see enough
}

// errCrowded is what take returns when the answer needs a place of cfg.Places and
// none is free: what came before is dealt with, and take may be called again when
// there is one; see seated.
var errCrowded = errors.New("no place is free for the answer")

// begin prepares for the answer to the call.
func (a *answer) begin() {
	a.forget()
	a.got, a.unsure, a.goOn = false, a.call.Alone, false
	a.next()
}

// next prepares for the next answer to the same request.
func (a *answer) next() {
	a.parser.ResetResponse()
	a.parser.SetRequest(a.call.Head, false)
	a.head = 0
}

// take deals with b, the next bytes that came. It returns how many of them belong
// to the answer, and whether it is the final one and whole; if not, n is len(b).
// An error ends the exchange, but for errCrowded: then b[n:] is still to be taken.
func (a *answer) take(b []byte) (n int, whole bool, err error) {
	a.got = a.got || len(b) > 0
	for n < len(b) || a.parser.Done() {
		used, done, perr := a.parser.Feed(b[n:])
		h := a.parser.Head()
		if h == nil {
			a.head += used
		} else {
			a.head = h.HeadLen
		}
		if perr != nil || a.head > a.cfg.HeadMost || h != nil && h.Fields > http1.MaxFields {
			return n, false, outbound.ErrBadResponse
		}
		if h != nil && a.parser.Held() > readLeast {
			a.parser.Release()
		}
		a.keep(b[n:n+used], h != nil && len(a.call.Answer) >= h.HeadLen)
		n += used
		if err := a.enough(); err != nil {
			return n, false, err
		}
		if h != nil && a.parser.Held()+cap(a.call.Answer) <= smallHead {
			a.leave()
		}
		switch {
		case !done:
		case h.Interim():
			a.goOn = a.goOn || h.Status == 100
			a.unsure = a.unsure || h.Flags != 0
			a.forget()
			a.next()
		default:
			return n, true, nil
		}
	}
	return n, false, nil
}

// ended is told that no more bytes will come, and reports whether the answer is
// whole with that, as one without a length is.
func (a *answer) ended() bool { return a.parser.End() }

// last says what a whole answer means for its connection. With extra bytes behind
// it, which nobody asked for, or when the target says so, the connection ends at
// once. It ends when the request is sent, which is what unsure says then, when the
// next answer on it might belong to something else: the answer's framing has two
// readings, or a target that was asked whether it wants the body has answered
// without saying so, and may take the body for requests (RFC 9110 section
// 10.1.1). A target that sends a body where there is none shows it when the
// connection is looked at before its next use, which is what look asks for.
func (a *answer) last(extra bool) (end, look bool) {
	h := a.parser.Head()
	if extra || h.CloseAfter || a.parser.Opaque() {
		return true, false
	}
	a.unsure = a.unsure || h.Flags != 0 || a.call.Expects && !a.goOn
	return false, a.call.Head || h.Status == 204 || h.Status == 304
}
