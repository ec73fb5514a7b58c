package plugin

import (
	"time"

	"github.com/buger/gor/internal/queue"
)

// Queued is the half of an Output that waits for the queue in front of it: the
// output embeds it. Drain is for one that has nothing to flush.
type Queued struct{ Queue *queue.Queue }

func (q Queued) Room(cancel <-chan struct{}, d time.Duration) bool { return q.Queue.Room(cancel, d) }
func (q Queued) LastProgress() time.Time                           { return q.Queue.LastProgress() }
func (q Queued) Settle(cancel <-chan struct{}) error               { return q.Queue.Settle(cancel) }
func (q Queued) Drain(cancel <-chan struct{}) error                { return q.Queue.Settle(cancel) }
