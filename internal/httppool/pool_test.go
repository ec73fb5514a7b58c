package httppool

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/buger/gor/internal/http1client"
	"github.com/buger/gor/internal/ledger"
	"github.com/buger/gor/internal/outbound"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/testkit"
)

// A rig is a Pool under test.
type rig struct {
	*Pool
	t testing.TB
	n int
}

// newRig starts a Pool of one connection to addr, unless change says more.
func newRig(t testing.TB, addr string, change func(c *Config)) *rig {
	t.Helper()
	target, err := http1client.ParseTarget(addr)
	if err != nil {
		t.Fatal(err)
	}
	c := Config{
		Name:   "pool",
		Client: http1client.Config{Target: target, Dial: (&net.Dialer{}).DialContext, Timeout: testkit.Timeout, HeadMost: 1 << 20},
		Queue:  queue.New(0, 32<<20), Least: 1, Most: 1, IdleFor: 2 * time.Second,
		Logf: func(string, ...any) {},
	}
	if change != nil {
		change(&c)
	}
	p := New(c)
	t.Cleanup(func() { p.Close() })
	return &rig{Pool: p, t: t}
}

// dynamic has as many connections as requests are under way.
func dynamic(c *Config) { c.Most = DefaultMost }

// fixed has exactly n connections.
func fixed(n int) func(c *Config) { return func(c *Config) { c.Least, c.Most = n, n } }

func (r *rig) message(raw string) []byte {
	msg := payload.AppendMeta(nil, payload.Meta{
		Type: payload.Request, ID: payload.AppendID(nil, 1, uint32(r.n)), Time: 1e18, Duration: 0, Length: -1,
	})
	r.n++
	return append(msg, raw...)
}

// put writes requests, waiting for room as an input that can wait does.
func (r *rig) put(raws ...string) {
	r.t.Helper()
	for _, raw := range raws {
		msg := r.message(raw)
		for {
			_, err := r.Write(msg)
			if err == nil {
				break
			}
			if !errors.Is(err, queue.ErrFull) {
				r.t.Fatal(err)
			}
			r.Room(nil, time.Second)
		}
	}
}

// each writes requests one after the other, each when the one before is done.
func (r *rig) each(raws ...string) {
	r.t.Helper()
	for _, raw := range raws {
		r.put(raw)
		r.settle()
	}
}

func (r *rig) settle() {
	r.t.Helper()
	cancel := make(chan struct{})
	timer := time.AfterFunc(testkit.Timeout, func() { close(cancel) })
	defer timer.Stop()
	if err := r.Settle(cancel); err != nil {
		r.t.Fatal(err)
	}
}

// counts is the rows that are not zero, as "2 delivered, 1 reset".
func (r *rig) counts() string {
	return ledger.Words(r.Counts())
}

func (r *rig) want(counts string) {
	r.t.Helper()
	if err := r.wrong(counts); err != nil {
		r.t.Error(err)
	}
}

// wrong is the error of want.
func (r *rig) wrong(counts string) error {
	if got := r.counts(); got != counts {
		return fmt.Errorf("got %s, want %s", got, counts)
	}
	return nil
}

const (
	httpGet  = "GET / HTTP/1.1\r\nHost: prod\r\n\r\n"
	httpPost = "POST / HTTP/1.1\r\nHost: prod\r\nContent-Length: 3\r\n\r\nabc"
	httpHead = "HEAD / HTTP/1.1\r\nHost: prod\r\n\r\n"
)

// TestReusesConnections: as many connections as workers, whatever the answers.
func TestReusesConnections(t *testing.T) {
	target := testkit.StartTarget(t, func(c net.Conn, _ int) {
		for i := 0; ; i++ {
			raw, err := testkit.ReadRequest(c)
			if err != nil {
				return
			}
			answer := []string{
				testkit.OK200,
				"HTTP/1.1 204 No Content\r\n\r\n",
				"HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n",
				"HTTP/1.1 500 Oh\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nT: x\r\n\r\n",
				"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + testkit.OK200,
				"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
			}[i%6]
			if bytes.HasPrefix(raw, []byte("HEAD")) {
				answer = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"
			}
			io.WriteString(c, answer)
		}
	})
	rig := newRig(t, target.Address(), fixed(3))
	for range 100 {
		rig.put(httpGet, httpPost, httpHead)
	}
	rig.settle()
	rig.want("300 delivered")
	if n := target.Conns.Load(); n > 3 {
		t.Errorf("%d connections for 3 workers", n)
	}
	var report bytes.Buffer
	rig.Report(plugin.NewReport(&report))
	for _, want := range []string{"200 x ", "204 x ", "304 x ", "500 x ", "latency: p50 ", " p99 ", " max ", "connections: "} {
		if !strings.Contains(report.String(), want) {
			t.Errorf("the report has no %q:\n%s", want, report.String())
		}
	}
}

// TestResponsesAreIgnored: they count, so that the rows sum to the writes.
func TestResponsesAreIgnored(t *testing.T) {
	target := testkit.StartSink(t)
	rig := newRig(t, target.Addr(), nil)
	rig.put(httpGet)
	for _, kind := range []byte{payload.Response, payload.ReplayResponse} {
		msg := append(payload.AppendMeta(nil, payload.Meta{Type: kind, ID: []byte("a"), Time: 1e18, Duration: 1, Length: -1}), testkit.OK200...)
		if n, err := rig.Write(msg); n != len(msg) || err != nil {
			t.Errorf("Write: %d, %v", n, err)
		}
	}
	rig.settle()
	rig.want("1 delivered, 2 responses ignored")
}

// TestCloseCountsWhatIsInFlight: connections end at once, and what was on
// them or in the queue is unsent.
func TestCloseCountsWhatIsInFlight(t *testing.T) {
	mute := testkit.StartMute(t)
	before := runtime.NumGoroutine()
	rig := newRig(t, mute.Addr(), func(c *Config) { c.Client.Timeout, c.Least, c.Most = time.Hour, 4, 4 })
	for range 10 {
		rig.put(httpGet)
	}
	mute.Await(t, 4)
	cancelled := make(chan struct{})
	close(cancelled)
	if err := rig.Drain(cancelled); err == nil {
		t.Error("a cancelled Drain returns nil")
	}
	testkit.Must(t, rig.Close())
	rig.want("10 unsent")
	testkit.Must(t, rig.Close())
	rig.want("10 unsent")
	testkit.Eventually(t, "the goroutines' end", func() bool { return runtime.NumGoroutine() <= before+4 }) // the target's connections end later
}

// TestCloseWhileTargetIsDown: workers that wait for it end too.
func TestCloseWhileTargetIsDown(t *testing.T) {
	var dials atomic.Int64
	rig := newRig(t, testkit.FreePort(t), func(c *Config) { fixed(8)(c); c.Client.Dial = testkit.CountDials(c.Client.Dial, &dials) })
	for range 20 {
		rig.put(httpGet)
	}
	testkit.Eventually(t, "an attempt to connect", func() bool { return dials.Load() > 1 })
	testkit.Must(t, rig.Close())
	var sum uint64
	for _, row := range rig.Counts() {
		sum += row.N
	}
	if sum != 20 {
		t.Errorf("%s, want 20 in all", rig.counts())
	}
}

// TestDeadTarget: one attempt and its repetitions for a moment, then all fail
// at once, and no more sockets are made.
func TestDeadTarget(t *testing.T) {
	var dials atomic.Int64
	rig := newRig(t, testkit.FreePort(t), func(c *Config) { fixed(20)(c); c.Client.Dial = testkit.CountDials(c.Client.Dial, &dials) })
	for range 2000 {
		rig.put(httpGet)
	}
	rig.settle()
	failed := rig.account.failures.Get(outbound.Refused) + rig.account.failures.Get(outbound.Down)
	if failed != 2000 || rig.account.failures.Get(outbound.Refused) == 0 {
		t.Errorf("%s, want 2000 refused or target down", rig.counts())
	}
	if n := dials.Load(); n > 40 {
		t.Errorf("%d attempts to connect", n)
	}
}

// TestTargetThatRestartsLosesNothing: requests wait for a moment.
func TestTargetThatRestartsLosesNothing(t *testing.T) {
	// They wait half a second.
	testkit.InSomeRun(t, 50*time.Millisecond, func() error {
		var dials atomic.Int64
		addr, listen := testkit.ReserveListener(t, 100)
		rig := newRig(t, addr, func(c *Config) { fixed(20)(c); c.Client.Dial = testkit.CountDials(c.Client.Dial, &dials) })
		for range 50 {
			rig.put(httpPost)
		}
		testkit.Eventually(t, "an attempt to connect", func() bool { return dials.Load() > 0 })
		(&testkit.RawTarget{Listener: listen()}).Serve(t, testkit.Answering(testkit.OK200))
		rig.settle()
		return rig.wrong("50 delivered")
	})
}
