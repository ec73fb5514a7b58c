package linkclient

import (
	"slices"
	"sync"

	"github.com/buger/gor/internal/dispatch"
	"github.com/buger/gor/internal/link"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/stats"
)

// senders are the connections that empty a queue, each with its own identity and
// numbers.
type senders struct {
	list   []*link.Sender
	shares *dispatch.Shares // nil when there is one sender
}

// startSenders makes n connections that empty q.
func startSenders(q *queue.Queue, n int, config func(i int) link.SenderConfig) *senders {
	sources, shares := dispatch.Divide(q, n)
	s := &senders{shares: shares}
	for i, source := range sources {
		s.list = append(s.list, link.NewSender(config(i), source))
	}
	return s
}

// finish gives connections time to end in good order, once the queue is
// closed and settled.
func (s *senders) finish(cancel <-chan struct{}) {
	for _, sender := range s.list {
		if !sender.Connected() {
			continue
		}
		select {
		case <-sender.Done():
		case <-cancel:
			return
		}
	}
}

// onTrial reports whether a sender waits for its receiver to show life.
func (s *senders) onTrial() bool {
	return slices.ContainsFunc(s.list, (*link.Sender).OnTrial)
}

// reached reports whether a receiver was ever connected to.
func (s *senders) reached() bool {
	return slices.ContainsFunc(s.list, (*link.Sender).Reached)
}

// acknowledged reports whether a receiver has shown that it acknowledges messages.
func (s *senders) acknowledged() bool {
	return slices.ContainsFunc(s.list, (*link.Sender).Acknowledged)
}

// close ends all connections and returns how many messages were taken off the
// queue and not delivered. The queue is closed.
func (s *senders) close() (unsent int) {
	var closing sync.WaitGroup
	left := make([]int, len(s.list))
	for i, sender := range s.list {
		closing.Go(func() { left[i] = sender.Close() })
	}
	closing.Wait()
	for _, n := range left {
		unsent += n
	}
	return unsent + s.shares.Close()
}

// counts sums up what the senders count, row by row.
func (s *senders) counts() []stats.Count {
	rows := s.list[0].Counts()
	for _, sender := range s.list[1:] {
		for i, row := range sender.Counts() {
			rows[i].N += row.N
		}
	}
	return rows
}
