package main

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/queue"
)

// An outlet is an output and what became of the messages that it did not
// take. What it took, its Counts tell.
type outlet struct {
	plugin.Output
	offered atomic.Uint64
	shed    atomic.Uint64

	patience queue.Patience // of the link's acknowledgments
}

// stallAfter is how long an output may go without progress before an input
// that could wait for it no longer does.
const stallAfter = time.Second

// newOutlet makes an outlet that says when the link's acknowledgments go on
// without it.
func newOutlet(out plugin.Output, logf func(format string, args ...any)) *outlet {
	return &outlet{Output: out, patience: queue.Patience{Limit: linkPatience, Changed: func(stuck bool) {
		if stuck {
			logf("%s: no progress for %s: messages of the link are acknowledged without it; what it cannot take is counted as shed, and what it still has at the end as unsent", out, linkPatience)
		} else {
			logf("%s: makes progress again: messages of the link are acknowledged when it has them", out)
		}
	}}}
}

// settle returns when what was written to the outputs so far is out of the
// process's hands. Of several outputs, one that hangs is waited for only so
// long: the link's senders would otherwise stop for all. A single one is waited
// for, so that the messages stay with their senders.
func (e *emitter) settle(cancel <-chan struct{}) error {
	if e.toMiddleware != nil {
		if err := e.toMiddleware.Settle(cancel); err != nil {
			return err
		}
	}
	for _, out := range e.outputs {
		if len(e.outputs) == 1 || e.waits {
			if err := out.Settle(cancel); err != nil {
				return err
			}
			continue
		}
		if _, err := out.patience.Settle(out.Output, cancel); err != nil {
			return err
		}
	}
	return nil
}

// offer gives the outlet its first chance to take the message.
func (o *outlet) offer(msg []byte) bool {
	o.offered.Add(1)
	return o.take(msg)
}

// take reports false when the outlet has no room.
func (o *outlet) take(msg []byte) bool {
	_, err := o.Write(msg)
	switch {
	case err == nil:
		return true
	case errors.Is(err, errFull):
		return false
	default: // closed: nothing will come of waiting
		o.shed.Add(1)
		return true
	}
}

// waitOrShed waits for room in an outlet as long as the input may, then sheds.
func (e *emitter) waitOrShed(f *flow, o *outlet, msg []byte) {
	for f.wait && (f.only || time.Since(o.LastProgress()) < stallAfter) {
		if !o.Room(e.stop, stallAfter/10) && halted(e.stop) {
			break
		}
		if o.take(msg) {
			return
		}
	}
	o.shed.Add(1)
}

func halted(stop <-chan struct{}) bool {
	select {
	case <-stop:
		return true
	default:
		return false
	}
}
