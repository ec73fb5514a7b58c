package main

import (
	"slices"
	"sync"

	"github.com/buger/gor/internal/dispatch"
	"github.com/buger/gor/internal/link"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/stats"
)

// linkWorkers are the connections that empty a queue. Each is a sender of its
// own, with its own identity and numbers.
type linkWorkers struct {
	senders []*link.Sender
	shares  *dispatch.Shares // nil when there is one sender
}

func startLinkWorkers(q *queue.Queue, n int, config func(i int) link.SenderConfig) *linkWorkers {
	w := &linkWorkers{}
	if n == 1 {
		w.senders = []*link.Sender{link.NewSender(config(0), dispatch.NewSource(q))}
		return w
	}
	w.shares = dispatch.NewShares(q, n)
	for i, share := range w.shares.List() {
		w.senders = append(w.senders, link.NewSender(config(i), share))
	}
	w.shares.Start()
	return w
}

// finish gives connections time to end in good order, once the queue is
// closed and settled.
func (w *linkWorkers) finish(cancel <-chan struct{}) {
	for _, s := range w.senders {
		if !s.Connected() {
			continue
		}
		select {
		case <-s.Done():
		case <-cancel:
			return
		}
	}
}

// onTrial reports whether a sender waits for its receiver to show life.
func (w *linkWorkers) onTrial() bool {
	return slices.ContainsFunc(w.senders, (*link.Sender).OnTrial)
}

// reached reports whether a receiver was ever connected to.
func (w *linkWorkers) reached() bool {
	return slices.ContainsFunc(w.senders, (*link.Sender).Reached)
}

// close ends all connections and returns how many messages were taken off the
// queue and not delivered. The queue is closed.
func (w *linkWorkers) close() (unsent int) {
	var closing sync.WaitGroup
	left := make([]int, len(w.senders))
	for i, s := range w.senders {
		closing.Go(func() { left[i] = s.Close() })
	}
	closing.Wait()
	for _, n := range left {
		unsent += n
	}
	if w.shares != nil {
		unsent += w.shares.Close()
	}
	return unsent
}

// counts sums up what the senders count, row by row.
func (w *linkWorkers) counts() []stats.Count {
	rows := w.senders[0].Counts()
	for _, s := range w.senders[1:] {
		for i, row := range s.Counts() {
			rows[i].N += row.N
		}
	}
	return rows
}
