package plugin

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/queue"
)

// StallAfter is how long an output may go without progress before an input
// that could wait for it no longer does.
const StallAfter = time.Second

// An Outlet is an output and what became of the messages that it did not
// take. What it took, its Counts tell.
type Outlet struct {
	Output
	offered atomic.Uint64
	shed    atomic.Uint64

	patience queue.Patience // of the link's acknowledgments
}

// NewOutlet makes an outlet whose SettlePatiently waits for patience, and says
// when it gives the output up and when it waits for it again.
func NewOutlet(out Output, patience time.Duration, logf func(format string, args ...any)) *Outlet {
	return &Outlet{Output: out, patience: queue.Patience{Limit: patience, Changed: func(stuck bool) {
		if stuck {
			logf("%s: no progress for %s: messages of the link are acknowledged without it; what it cannot take is counted as shed, and what it still has at the end as unsent", out, patience)
		} else {
			logf("%s: makes progress again: messages of the link are acknowledged when it has them", out)
		}
	}}}
}

// Offered is how many messages the outlet was given the chance to take.
func (o *Outlet) Offered() uint64 { return o.offered.Load() }

// Shed is how many of those it had no room for in time.
func (o *Outlet) Shed() uint64 { return o.shed.Load() }

// SettlePatiently is Settle that waits for an output that makes no progress no
// longer than the outlet's patience, and then not again until it makes some.
func (o *Outlet) SettlePatiently(cancel <-chan struct{}) error {
	_, err := o.patience.Settle(o.Output, cancel)
	return err
}

// Offer gives the outlet its first chance to take a message. It reports false
// when the outlet has no room; the message then has to go to WaitOrShed.
func (o *Outlet) Offer(msg []byte) bool {
	o.offered.Add(1)
	return o.take(msg)
}

// take reports false when the outlet has no room.
func (o *Outlet) take(msg []byte) bool {
	_, err := o.Write(msg)
	switch {
	case err == nil:
		return true
	case errors.Is(err, queue.ErrFull):
		return false
	default: // closed: nothing will come of waiting
		o.shed.Add(1)
		return true
	}
}

// Waiting says for how long an input waits for room in an outlet.
type Waiting int

const (
	Never         Waiting = iota // it sheds at once
	WhileProgress                // as long as the output has made some within StallAfter
	Always                       // for ever: it delays no other output
)

// WaitOrShed waits for room in the outlet as long as the input does and stop is
// open, then sheds the message.
func (o *Outlet) WaitOrShed(msg []byte, w Waiting, stop <-chan struct{}) {
	for w == Always || w == WhileProgress && time.Since(o.LastProgress()) < StallAfter {
		if !o.Room(stop, StallAfter/10) && stopped(stop) {
			break
		}
		if o.take(msg) {
			return
		}
	}
	o.shed.Add(1)
}

func stopped(stop <-chan struct{}) bool {
	select {
	case <-stop:
		return true
	default:
		return false
	}
}
