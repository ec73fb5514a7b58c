package wsclient

import (
	"context"
	"crypto/tls"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/buger/gor/internal/dispatch"
	"github.com/buger/gor/internal/ledger"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/stats"
	"github.com/buger/gor/internal/testkit"
)

// A rig is a queue whose messages one worker sends to a server, and what is said
// of that.
type rig struct {
	t       *testing.T
	q       *queue.Queue
	target  *Target
	client  *Client
	drained chan struct{} // Config.Drained
	ended   chan struct{} // closed when the worker has
	stop    context.CancelFunc

	log    testkit.Log // what is said
	lost   atomic.Uint64
	unsent uint64 // what was left in the queue
}

// newRig makes one for a server; change, unless it is nil, changes its Config.
func newRig(t *testing.T, addr string, change func(c *Config)) *rig {
	t.Helper()
	target, err := Parse(addr)
	testkit.Must(t, err)
	r := &rig{t: t, q: queue.New(0, 64<<20), target: target, drained: make(chan struct{}), ended: make(chan struct{})}
	c := Config{
		Target: target, Dial: (&net.Dialer{}).DialContext, Stall: StallTimeout, Drained: r.drained,
		CertificateHint: "here is what to type",
		Lost:            func([]byte) { r.lost.Add(1) },
	}
	if secure := target.TLS(false); secure != nil {
		c.TLS = func() *tls.Config { return secure }
	}
	if change != nil {
		change(&c)
	}
	r.client = New(c)
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	go func() {
		defer close(r.ended)
		r.client.Run(ctx, dispatch.NewSource(r.q), r.log.Logf)
	}()
	t.Cleanup(r.close)
	return r
}

// put adds messages to the queue, which has room for all.
func (r *rig) put(msgs ...[]byte) {
	r.t.Helper()
	for _, msg := range msgs {
		testkit.Must(r.t, r.q.Put(msg))
	}
}

// drain waits until all is sent and the worker has ended, and wants these counts,
// as "2 delivered, 1 lost".
func (r *rig) drain(want string) {
	r.t.Helper()
	cancel := make(chan struct{})
	defer time.AfterFunc(testkit.Timeout, func() { close(cancel) }).Stop()
	r.q.Close()
	testkit.Must(r.t, r.q.Settle(cancel))
	close(r.drained)
	<-r.ended
	r.want(want)
}

// close ends the worker at once.
func (r *rig) close() {
	r.q.Close()
	r.stop()
	<-r.ended
	r.unsent += uint64(r.q.Discard())
}

func (r *rig) want(want string) {
	r.t.Helper()
	counts := r.client.Counts()
	if got := ledger.Words([]stats.Count{
		{Name: "delivered", N: counts.Delivered.Load()}, {Name: "unsent", N: r.unsent + counts.Unsent.Load()}, {Name: "lost", N: r.lost.Load()},
	}); got != want {
		r.t.Errorf("counts are %q, want %q; said %q", got, want, &r.log)
	}
}
