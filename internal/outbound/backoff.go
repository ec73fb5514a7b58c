package outbound

import (
	"cmp"
	"context"
	"math/rand/v2"
	"time"
)

// A Backoff makes the pauses between one sender's attempts to connect, which
// goes on for ever: each is twice as long as the one before, up to Most.
// The zero value is ready to use. It is for one goroutine.
type Backoff struct {
	First time.Duration // the first pause; zero: backoffFirst
	Most  time.Duration // the longest; zero: BackoffMost

	pause time.Duration // the next one; zero: the first
}

const (
	// backoffFirst is the first pause when nobody says: a receiver that restarts is back in some
	// tens of milliseconds.
	backoffFirst = 50 * time.Millisecond

	// BackoffMost is the longest pause when nobody says: how much later than it could a sender
	// finds a receiver that is back, at most.
	BackoffMost = 5 * time.Second
)

// Reset makes the next pause the first again, after an attempt that got
// somewhere.
func (b *Backoff) Reset() { b.pause = 0 }

// Wait waits for the next pause, at most until ctx ends or wake is closed, and
// returns false when ctx has ended. Each pause is shortened at random by up to a
// half, so that many senders do not come back in step.
func (b *Backoff) Wait(ctx context.Context, wake <-chan struct{}) bool {
	timer := time.NewTimer(b.next())
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-wake:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

func (b *Backoff) next() time.Duration {
	pause := max(b.pause, cmp.Or(b.First, backoffFirst))
	b.pause = min(2*pause, cmp.Or(b.Most, BackoffMost))
	return pause - rand.N(pause/2)
}
