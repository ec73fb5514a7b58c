// Package linkclient is the sending end of the link as an output: a queue, the
// connections that empty it, and a folder for what the receiver cannot take yet.
package linkclient

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/buffers"
	"github.com/buger/gor/internal/link"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/stats"
)

// A Config says where messages go and what they may take meanwhile. Sender.Dial,
// QueueBytes and Logf are required.
type Config struct {
	// Name begins every line that Logf is told.
	Name string

	// Sender is what all connections have in common. Its Peer, WindowBytes,
	// Resume, ResumeCount, Changed and Logf are the Client's to set.
	Sender link.SenderConfig

	// Connections is how many there are, at least one. The messages of one
	// recorded connection stay on one of them, in order.
	Connections int

	// QueueBytes bounds the messages in memory that are not acknowledged.
	QueueBytes int

	// Large makes the copies of large messages; with nil the queue makes its own.
	Large *buffers.Copies

	// Gauge, unless nil, follows the queue's length.
	Gauge *stats.Gauge

	// Patience is how long Settle waits for a receiver that acknowledges
	// nothing. On a host in the middle of a chain, a dead receiver would otherwise
	// hold up the senders for ever. The messages that Settle waited for stay in
	// memory and are still sent; only a crash of this process would lose them.
	Patience time.Duration

	// Spill, unless nil, keeps on disk what the receiver cannot take. There is
	// one connection then, since the folder has one order.
	Spill *Spill

	Logf func(format string, args ...any)
}

// A Client sends messages over the link. A message stays in the queue's memory
// until the receiver has acknowledged it, or, when that is an old one that never
// says anything, until it is written to the connection. But for String its
// methods are those of a plugin.Output.
type Client struct {
	cfg     Config
	q       *queue.Queue
	senders *senders
	spill   *spiller // nil: what the receiver cannot take is in memory only
	once    sync.Once
	unsent  atomic.Uint64

	draining atomic.Bool

	patience queue.Patience
}

// Open starts to connect. An error is about the folder of cfg.Spill; when
// another process has it, it is disk.ErrLocked.
func Open(cfg Config) (*Client, error) {
	cfg.Connections = max(1, cfg.Connections)
	bytes := cfg.QueueBytes
	if cfg.Spill != nil {
		// The queue in front of the spill and the one behind it share what one
		// output may take of memory.
		bytes = max(1, bytes/2)
	}
	c := &Client{cfg: cfg, q: queue.New(0, bytes), patience: queue.Patience{Limit: cfg.Patience}}
	if cfg.Large != nil {
		c.q.Share(cfg.Large)
	}
	if cfg.Gauge != nil {
		c.q.Watch(cfg.Gauge)
	}
	if cfg.Spill != nil {
		var err error
		c.spill, c.senders, err = openSpill(cfg, c.q)
		if err != nil {
			return nil, err
		}
		return c, nil
	}
	peer := link.NewPeer(false, nil)
	c.senders = startSenders(c.q, cfg.Connections, func(i int) link.SenderConfig {
		sender := cfg.sender(i)
		sender.Peer = peer
		sender.WindowBytes = max(1, cfg.QueueBytes/cfg.Connections) // what is not acknowledged stays in the queue's memory
		return sender
	})
	return c, nil
}

// sender is what the i-th connection has in common with all, under its own name.
func (cfg *Config) sender(i int) link.SenderConfig {
	name := cfg.Name
	if cfg.Connections > 1 {
		name = fmt.Sprintf("%s, connection %d", name, i+1)
	}
	sender := cfg.Sender
	sender.Logf = func(format string, args ...any) { cfg.Logf("%s: %s", name, fmt.Sprintf(format, args...)) }
	return sender
}

func (c *Client) Write(p []byte) (int, error) {
	if err := c.q.Put(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (c *Client) Room(cancel <-chan struct{}, d time.Duration) bool { return c.q.Room(cancel, d) }

// LastProgress is when the receiver last acknowledged a message, or one was
// last taken by a receiver that never does. Once the Client is drained it is
// now, while a plain connection only waits for its receiver to show life.
func (c *Client) LastProgress() time.Time {
	if c.draining.Load() && c.senders.onTrial() {
		return time.Now()
	}
	if c.spill != nil {
		return c.spill.lastProgress()
	}
	return c.q.LastProgress()
}

// Settle returns when the receiver has acknowledged what was written before,
// so that acknowledgments hold along a chain of hosts; an old receiver when it
// is handed to the connection. When nothing has moved for a while (Patience) it
// returns although the messages are still in memory.
func (c *Client) Settle(cancel <-chan struct{}) error {
	if c.spill != nil {
		return c.spill.Settle(cancel)
	}
	_, err := c.patience.Settle(c.q, cancel)
	return err
}

func (c *Client) Drain(cancel <-chan struct{}) error {
	c.q.Close()
	c.draining.Store(true)
	if c.spill != nil {
		return c.spill.drain(cancel)
	}
	if err := c.q.Settle(cancel); err != nil {
		return err
	}
	c.senders.finish(cancel)
	return nil
}

func (c *Client) Close() error {
	c.once.Do(func() {
		c.q.Close()
		if c.spill != nil {
			c.unsent.Add(uint64(c.spill.close(c.senders)))
			return
		}
		n := c.senders.close()
		c.unsent.Add(uint64(n + c.q.Discard()))
	})
	return nil
}

func (c *Client) Responses() plugin.Input { return nil }

func (c *Client) Counts() []stats.Count {
	rows := c.senders.counts()
	if c.spill != nil {
		rows = c.spill.fates(rows)
	}
	return append(rows, stats.Count{Name: "unsent", Kind: stats.Unsent, N: c.unsent.Load()})
}

func (c *Client) Report(r *plugin.Report) {
	acknowledged := c.senders.acknowledged()
	r.Value("acknowledged", acknowledged)
	if !acknowledged && c.senders.counts()[0].N > 0 {
		r.Line("delivered without an acknowledgement: the receiver's host took it, and nobody says what was done with it")
	}
	if c.spill != nil { // which takes what the receiver does not
		c.spill.report(r)
		return
	}
	r.Peer(c.senders.reached())
}
