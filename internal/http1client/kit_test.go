package http1client

import (
	"context"
	"crypto/tls"
	"net"
	"testing"
	"time"

	"github.com/buger/gor/internal/evloop"
	"github.com/buger/gor/internal/ledger"
	"github.com/buger/gor/internal/outbound"
	"github.com/buger/gor/internal/stats"
	"github.com/buger/gor/internal/testkit"
)

func testConfig(t testing.TB, addr string) Config {
	target, err := ParseTarget(addr)
	testkit.Must(t, err)
	c := Config{
		Target: target, Dial: (&net.Dialer{}).DialContext, Timeout: testkit.Timeout, HeadMost: 64 << 10,
		Tell: func(err error) { t.Logf("told: %v", err) },
	}
	if secure := target.TLS(false); secure != nil {
		c.TLS = func() *tls.Config { return secure }
	}
	return c
}

// clients runs a test with each of the clients behind Exchange: one with a
// goroutine for each connection, and one whose connections event loops wait for.
func clients(t *testing.T, test func(t *testing.T, loops *evloop.Loops)) {
	t.Run("goroutines", func(t *testing.T) { test(t, nil) })
	t.Run("loops", func(t *testing.T) {
		if !evloop.Supported {
			t.Skip("no event loops on this system")
		}
		loops := new(evloop.Loops)
		t.Cleanup(loops.Close) // after the subtests that run side by side
		test(t, loops)
	})
}

// A waiting sends requests one after the other.
type waiting struct {
	*Sender
	over chan struct{}
}

// newWaiting returns a Sender whose done has returned when its send does.
func newWaiting(c *Client, done func(Result)) *waiting {
	w := &waiting{over: make(chan struct{}, 1)}
	ready := func() { w.over <- struct{}{} }
	if c.Looped() {
		w.Sender = c.NewLoopSender(done, ready)
	} else {
		w.Sender = c.NewSender(func(r Result) {
			done(r)
			ready()
		})
	}
	return w
}

func (w *waiting) send(raw string) { w.sendBytes(context.Background(), []byte(raw)) }

func (w *waiting) sendBytes(ctx context.Context, raw []byte) {
	w.Send(ctx, raw, time.Now(), false)
	<-w.over
}

// A rig sends requests one after the other over a connection of its own, and
// counts what becomes of them.
type rig struct {
	*waiting
	t         testing.TB
	client    *Client
	last      Result       // of the request that was sent last; its Answer is not valid any more
	also      func(Result) // told of each result; nil: nobody is
	delivered uint64
	failed    outbound.Outcomes
}

// newRig makes one for a target, which event loops keep going unless loops is nil.
// change, unless it is nil, changes its Config.
func newRig(t testing.TB, loops *evloop.Loops, addr string, change func(c *Config)) *rig {
	t.Helper()
	c := testConfig(t, addr)
	c.Loops = loops
	if change != nil {
		change(&c)
	}
	r := &rig{t: t, client: New(c), failed: outbound.NewOutcomes()}
	r.waiting = newWaiting(r.client, func(result Result) {
		if r.last = result; result.Outcome == outbound.Delivered {
			r.delivered++
		} else {
			r.failed.Add(result.Outcome)
		}
		if r.also != nil {
			r.also(result)
		}
	})
	t.Cleanup(r.Close)
	return r
}

// each sends requests, each when the one before it is done.
func (r *rig) each(raws ...string) {
	for _, raw := range raws {
		r.send(raw)
	}
}

// counts are the outcomes that are not zero, as "2 delivered, 1 reset".
func (r *rig) counts() string {
	return ledger.Words(append([]stats.Count{{Name: "delivered", Kind: stats.Delivered, N: r.delivered}}, r.failed.NonZero()...))
}

func (r *rig) want(counts string) {
	r.t.Helper()
	if got := r.counts(); got != counts {
		r.t.Errorf("got %s, want %s", got, counts)
	}
}

const (
	httpGet  = "GET / HTTP/1.1\r\nHost: prod\r\n\r\n"
	httpPost = "POST / HTTP/1.1\r\nHost: prod\r\nContent-Length: 3\r\n\r\nabc"
	httpHead = "HEAD / HTTP/1.1\r\nHost: prod\r\n\r\n"
)
