package e2e

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/buger/gor/bench/loadgen"
	"github.com/buger/gor/internal/testkit"
)

// A liveCell is one load beside one Gor.
type liveCell struct {
	link   liveLink
	load   loadgen.Load
	bytes  int64 // of a request, on average
	server *testkit.CountServer
	file   string
	gor    *testkit.Process
	report loadgen.Report

	patience time.Duration // with the load
}

func newLiveCell(link liveLink, traffic *loadgen.Traffic) *liveCell {
	sample := uint32(1)
	if traffic.Case == loadgen.Mixed {
		sample = 200
	}
	var raw []byte
	bytes := int64(0)
	for seq := range sample {
		raw = traffic.Append(raw[:0], loadgen.Number{Conn: 1 << 20, Seq: seq})
		bytes += int64(len(raw))
	}
	return &liveCell{link: link, bytes: bytes / int64(sample), patience: testkit.Timeout, load: loadgen.Load{
		Traffic: traffic, Connections: liveConns, Dial: link.client.Dial,
	}}
}

// start starts the server, and Gor beside it.
func (c *liveCell) start(t *testing.T, args ...string) {
	t.Helper()
	l, err := c.link.server.Listen(net.JoinHostPort(c.link.ip, "0"))
	testkit.Must(t, err)
	c.server = testkit.ServeCounting(l)
	t.Cleanup(func() { c.server.Close() })
	c.load.Address = c.server.Address()
	c.file = filepath.Join(t.TempDir(), "live.gor")
	args = append([]string{"--input-raw", ":" + testkit.PortOf(t, c.load.Address), "--output-file", c.file}, args...)
	c.gor = testkit.Spawn(t, "gor", c.link.server.Prefix(), nil, args...)
	c.gor.Await("gor: to ")
}

// run sends the load, and ends Gor.
func (c *liveCell) run(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), c.patience)
	defer cancel()
	report, err := c.load.Run(ctx)
	testkit.Must(t, err)
	if n := c.server.Requests(); report.Answered != n || report.Requests() != n {
		t.Errorf("%d requests sent and %d answered, %d came to the server", report.Requests(), report.Answered, n)
	}
	c.report = report
	c.gor.Stop()
}

// check holds the recording and the ledger against what was sent.
func (c *liveCell) check(t *testing.T) (captureLedger, loadgen.Findings) {
	t.Helper()
	f, err := os.Open(c.file)
	testkit.Must(t, err)
	defer f.Close()
	found, err := c.load.Traffic.Verify(f, c.file, c.report.Sent)
	testkit.Must(t, err)
	l := parseCaptureLedger(t, c.gor.Stderr())
	t.Logf("%.0f/s; %d sent, %d intact, %d missing; %d packets, %d dropped by the kernel, %d lost of %d begun, %d shed behind",
		c.report.Rate(), found.Expected, found.Intact, found.Missing, l.packets, l.dropped, l.lost, l.begun, l.behind())
	for _, what := range l.contradictions(c.load.Traffic, found) {
		t.Error(what)
	}
	return l, found
}

// awaitMore waits until so many more requests have come to the server.
func (c *liveCell) awaitMore(ctx context.Context, n int64) {
	target := c.server.Requests() + n
	waitFor(ctx, func() bool { return c.server.Requests() >= target })
}

// recorded verifies the recording as far as there is one, while the load goes
// on. What will still be sent is missing at the ends of connections.
func (c *liveCell) recorded() (loadgen.Findings, error) {
	f, err := os.Open(c.file)
	if err != nil {
		return loadgen.Findings{}, err
	}
	defer f.Close()
	sent := make([]uint32, liveConns)
	for i := range sent {
		sent[i] = uint32(c.server.Requests()) + 2*liveConns // no connection has sent more
	}
	return c.load.Traffic.Verify(f, c.file, sent)
}

// waitFor waits until f is true, at most for testTimeout. It may be called from
// any goroutine: what follows will show what did not happen.
func waitFor(ctx context.Context, f func() bool) {
	ctx, cancel := context.WithTimeout(ctx, testkit.Timeout)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !f() {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
