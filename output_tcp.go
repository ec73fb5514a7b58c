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
	addr    string
	q       *queue.Queue
	workers *linkWorkers
	spill   *linkSpill // nil: what the receiver cannot take is in memory only
	once    sync.Once
	unsent  atomic.Uint64

	draining atomic.Bool

	patience queue.Patience // see linkPatience
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
	host, err := linkHost(addr)
	if err != nil {
		return nil, asUsage(err)
	}
	prefix := "output-tcp " + addr
	secure, err := senderTLS(&s.TCP, host, prefixed(env.logf, prefix+": "))
	if err != nil {
		return nil, err
	}
	bytes := env.queueBytes
	if s.TCP.Spill != "" {
		bytes = max(1, bytes/2) // there are two queues
	}
	o := &tcpOutput{addr: addr, q: queue.New(linkQueue, bytes), patience: queue.Patience{Limit: linkPatience}}
	o.q.Share(env.large)
	if s.TCPStats {
		gauge := stats.NewGauge("output_tcp", stats.GaugePeriod)
		o.q.Watch(gauge)
		env.background.Go(func() { _ = gauge.Run(env.done, env.stderr) }) // stderr is gone: nobody to tell
	}
	workers := max(1, s.TCP.Workers)
	peer := link.NewPeer(false, nil)
	config := func(i int) link.SenderConfig {
		name := prefix
		if workers > 1 {
			name = fmt.Sprintf("%s, connection %d", prefix, i+1)
		}
		return link.SenderConfig{
			Dial: func(ctx context.Context) (net.Conn, error) {
				return env.own.DialContext(ctx, "tcp", addr)
			},
			TLS:         secure,
			Plain:       s.TCP.Plain,
			SilentHint:  "; a Gor 0.10 or a GoReplay never does, and is sent to with --output-tcp-plain always",
			Peer:        peer,
			Compress:    s.TCP.Compress,
			WindowBytes: max(1, env.queueBytes/workers), // what is not acknowledged stays in the queue's memory
			Logf:        prefixed(env.logf, name+": "),
		}
	}
	if s.TCP.Spill != "" {
		return o, o.startSpill(s, env, config)
	}
	o.workers = startLinkWorkers(o.q, workers, config)
	return o, nil
}

// linkHost is the host of an address to connect to.
func linkHost(addr string) (string, error) {
	if err := checkLinkAddr(addr); err != nil {
		return "", err
	}
	host, _, _ := net.SplitHostPort(addr)
	if host == "" {
		return "", fmt.Errorf("%q names no host; it is written replay.local%s", addr, addr)
	}
	return host, nil
}

func (o *tcpOutput) Write(p []byte) (int, error) {
	if err := o.q.Put(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (o *tcpOutput) Room(cancel <-chan struct{}, d time.Duration) bool { return o.q.Room(cancel, d) }

// LastProgress is when the receiver last acknowledged a message, or one was
// last taken by a receiver that never does. Once the output is drained it is
// now, while a plain connection only waits for its receiver to show life.
func (o *tcpOutput) LastProgress() time.Time {
	if o.draining.Load() && o.workers.onTrial() {
		return time.Now()
	}
	if o.spill != nil {
		return o.spill.lastProgress()
	}
	return o.q.LastProgress()
}

// Settle returns when the receiver has acknowledged what was written before,
// so that acknowledgments hold along a chain of hosts; an old receiver when it
// is handed to the connection. When nothing has moved for a while (linkPatience) it
// returns although the messages are still in memory.
func (o *tcpOutput) Settle(cancel <-chan struct{}) error {
	if o.spill != nil {
		return o.spill.Settle(cancel)
	}
	_, err := o.patience.Settle(o.q, cancel)
	return err
}

func (o *tcpOutput) Drain(cancel <-chan struct{}) error {
	o.q.Close()
	o.draining.Store(true)
	if o.spill != nil {
		return o.spill.drain(cancel)
	}
	if err := o.q.Settle(cancel); err != nil {
		return err
	}
	o.workers.finish(cancel)
	return nil
}

func (o *tcpOutput) Close() error {
	o.once.Do(func() {
		o.q.Close()
		if o.spill != nil {
			o.unsent.Add(uint64(o.spill.close(o.workers)))
			return
		}
		n := o.workers.close()
		o.unsent.Add(uint64(n + o.q.Discard()))
	})
	return nil
}

func (o *tcpOutput) Responses() Input { return nil }
func (o *tcpOutput) Counts() []stats.Count {
	rows := o.workers.counts()
	if o.spill != nil {
		rows = o.spill.fates(rows)
	}
	return append(rows, stats.Count{Name: "unsent", Kind: stats.Unsent, N: o.unsent.Load()})
}

func (o *tcpOutput) Report(r *report) {
	if o.spill != nil {
		o.spill.report(r)
	}
}
func (o *tcpOutput) String() string { return "output-tcp " + o.addr }
