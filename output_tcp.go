package main

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/link"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/stats"
)

// tcpOutput is the sending end of the link. A message stays in the queue's
// memory until the receiver has acknowledged it, or, when that is an old one
// that never says anything, until it is written to the connection.
type tcpOutput struct {
	addr   string
	q      *queue.Queue
	src    *linkSource
	sender *link.Sender
	once   sync.Once
	unsent atomic.Uint64

	patience time.Duration // see linkPatience
}

var _ Output = (*tcpOutput)(nil)

const (
	// linkQueue bounds the messages that wait; their bytes have the share of
	// memory that every output gets.
	linkQueue = 16 << 10

	// linkPatience is how long Settle waits for a receiver that acknowledges
	// nothing. A dead one would otherwise hold up the senders of a host in the
	// middle of a chain for ever. What it was waiting for stays in the window
	// and is still sent; only a crash of this process would lose it.
	linkPatience = 5 * time.Second
)

func newTCPOutput(addr string, s *Settings, env *pluginEnv) (Output, error) {
	if err := checkLinkAddr(addr); err != nil {
		return nil, err
	}
	if host, _, _ := net.SplitHostPort(addr); host == "" {
		return nil, fmt.Errorf("%q names no host; it is written replay.local%s", addr, addr)
	}
	o := &tcpOutput{addr: addr, q: queue.New(linkQueue, env.queueBytes), patience: linkPatience}
	if s.TCPStats {
		gauge := stats.NewGauge("output_tcp", stats.GaugePeriod)
		o.q.Watch(gauge)
		env.background.Go(func() { _ = gauge.Run(env.done, env.stderr) }) // stderr is gone: nobody to tell
	}
	o.src = &linkSource{q: o.q}
	o.sender = link.NewSender(link.SenderConfig{
		Dial: func(ctx context.Context) (net.Conn, error) {
			return env.own.DialContext(ctx, "tcp", addr)
		},
		WindowBytes: env.queueBytes,
		Logf:        prefixed(env.logf, "output-tcp "+addr+": "),
	}, o.src)
	return o, nil
}

func (o *tcpOutput) Write(p []byte) (int, error) {
	if err := o.q.Put(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (o *tcpOutput) Room(cancel <-chan struct{}, d time.Duration) bool { return o.q.Room(cancel, d) }

// LastProgress is when the receiver last acknowledged a message, or one was
// last written to a receiver that never does.
func (o *tcpOutput) LastProgress() time.Time { return o.q.LastProgress() }

// Settle returns when the receiver has acknowledged what was written before,
// so that acknowledgments hold along a chain of hosts; an old receiver when it
// is handed to the connection. When nothing has moved for a while (linkPatience) it
// returns although the messages are still in memory.
func (o *tcpOutput) Settle(cancel <-chan struct{}) error {
	given := make(chan struct{})
	settled := make(chan struct{})
	var patience bool
	var watch sync.WaitGroup
	watch.Go(func() {
		look := time.NewTicker(o.patience / 20)
		defer look.Stop()
		for {
			select {
			case <-settled:
				return
			case <-cancel:
				close(given)
				return
			case <-look.C:
				if time.Since(o.q.LastProgress()) > o.patience {
					patience = true
					close(given)
					return
				}
			}
		}
	})
	err := o.q.Settle(given)
	close(settled)
	watch.Wait()
	if patience {
		return nil
	}
	return err
}

func (o *tcpOutput) Drain(cancel <-chan struct{}) error {
	o.q.Close()
	if err := o.q.Settle(cancel); err != nil {
		return err
	}
	if !o.sender.Connected() {
		return nil
	}
	// The sender gives the connection time to end in good order.
	select {
	case <-o.sender.Done():
	case <-cancel:
	}
	return nil
}

func (o *tcpOutput) Close() error {
	o.once.Do(func() {
		o.q.Close()
		n := o.sender.Close()
		o.unsent.Add(uint64(n + o.q.Discard()))
	})
	return nil
}

func (o *tcpOutput) Responses() Input { return nil }
func (o *tcpOutput) Counts() []stats.Count {
	return append(o.sender.Counts(), stats.Count{Name: "unsent", N: o.unsent.Load()})
}

func (o *tcpOutput) Report(*report) {}
func (o *tcpOutput) String() string { return "output-tcp " + o.addr }

// linkSource gives the queue's messages to the link and remembers, in order,
// which it has given.
type linkSource struct {
	q     *queue.Queue
	batch []queue.Item

	mu    sync.Mutex
	taken []queue.Item
	head  int // of the oldest in taken
}

var _ link.Source = (*linkSource)(nil)

func (s *linkSource) Take(dst [][]byte, cancel <-chan struct{}) (n int, more bool) {
	if len(s.batch) < len(dst) {
		s.batch = make([]queue.Item, len(dst))
	}
	n = s.q.GetBatch(s.batch[:len(dst)], cancel, 0)
	s.mu.Lock()
	for i, it := range s.batch[:n] {
		dst[i] = it.Bytes
		s.taken = append(s.taken, it)
	}
	s.mu.Unlock()
	clear(s.batch[:n])
	return n, n > 0 || !s.q.Drained()
}

func (s *linkSource) Release(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.q.DoneBatch(s.taken[s.head:s.head+n], true)
	s.head += n
	if s.head > len(s.taken)/2 {
		s.taken = s.taken[:copy(s.taken, s.taken[s.head:])]
		s.head = 0
	}
}
