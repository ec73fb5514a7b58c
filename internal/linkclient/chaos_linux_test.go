package linkclient

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/buger/gor/internal/certs"
	"github.com/buger/gor/internal/link"
	"github.com/buger/gor/internal/plugin/plugintest"
	"github.com/buger/gor/internal/stats"
	"github.com/buger/gor/internal/testkit"
)

// longChaosVar has TestLinkChaos stall for up to five seconds, with the link's
// own times.
const longChaosVar = "GOR_LINK_CHAOS"

// shortTrial is the trial of a plain connection unless that is set.
const shortTrial = 200 * time.Millisecond

// A chaosForwarder accepts for a receiver as a balancer does, and stalls each
// connection once: before it connects, in the hello, in a record, in an
// acknowledgment, or at the end. After some stalls it breaks the connection.
type chaosForwarder struct {
	net.Listener
	to     string
	stall  time.Duration // the longest
	random *rand.Rand    // of the accepting goroutine
	until  time.Time     // afterwards it only forwards
	away   time.Time     // until then there is no receiver: what comes is swallowed
	conns  sync.WaitGroup
	opened int // connections; of the accepting goroutine
}

// The stages of a connection.
const (
	chaosAccept = iota
	chaosHello
	chaosRecord
	chaosAck
	chaosClose
	chaosStages
)

func (f *chaosForwarder) run() {
	for {
		near, err := f.Accept()
		if err != nil {
			return
		}
		f.opened++
		stage, stall, breaks := f.random.IntN(chaosStages), time.Duration(f.random.Int64N(int64(f.stall))), f.random.IntN(8) > 0
		if time.Now().After(f.until) {
			stall, breaks = 0, false
		}
		at := map[int]int64{chaosHello: f.random.Int64N(55), chaosRecord: 55 + f.random.Int64N(40_000), chaosAck: f.random.Int64N(100), chaosClose: f.random.Int64N(40_000)}[stage]
		f.conns.Go(func() { f.forward(near.(*net.TCPConn), stage, at, stall, breaks) })
	}
}

func (f *chaosForwarder) forward(near *net.TCPConn, stage int, at int64, stall time.Duration, breaks bool) {
	defer near.Close()
	if wait := time.Until(f.away); wait > 0 {
		// It takes what its buffers hold, until it finds that nobody is there.
		near.SetReadDeadline(time.Now().Add(wait))
		io.CopyN(io.Discard, near, 1<<20)
		return
	}
	if stage == chaosAccept {
		if time.Sleep(stall); breaks {
			return
		}
	}
	conn, err := net.Dial("tcp", f.to)
	if err != nil {
		return
	}
	far := conn.(*net.TCPConn)
	defer far.Close()
	pass := func(to, from *net.TCPConn, here bool) {
		if here {
			io.CopyN(to, from, at)
			if time.Sleep(stall); breaks {
				if stage != chaosClose {
					near.SetLinger(0)
				}
				near.Close()
				far.Close()
				return
			}
		}
		io.Copy(to, from)
		to.CloseWrite()
	}
	var back sync.WaitGroup
	back.Go(func() { pass(near, far, stage == chaosAck) })
	pass(far, near, stage != chaosAccept && stage != chaosAck)
	back.Wait()
}

// TestLinkChaos sends through a forwarder that stalls and breaks connections at
// every stage, to a receiver that acknowledges, with and without a spill, plain
// and over TLS. With a spill all arrives. Without one as much arrives as is said
// to be delivered, and the rest is counted.
func TestLinkChaos(t *testing.T) {
	n, stall, lasts, away := 4000, 100*time.Millisecond, time.Second, 150*time.Millisecond
	if os.Getenv(longChaosVar) != "" {
		n, stall, lasts, away = 20_000, 5*time.Second, time.Minute, 7*time.Second
	}
	ca := testkit.NewAuthority(t, "test authority")
	for _, secure := range []bool{false, true} {
		for _, spilled := range []bool{false, true} {
			t.Run(fmt.Sprintf("TLS %v, spill %v", secure, spilled), func(t *testing.T) {
				t.Parallel()
				c := &linkChaos{T: t, n: n, stall: stall, lasts: lasts, away: away}
				// A plain connection that breaks after its trial takes with it what is said
				// to be delivered: then a machine that halts is like a stall that is longer.
				testkit.InSomeRun(t, shortTrial/4, func() error { return c.run(ca, secure, spilled) })
			})
		}
	}
}

type linkChaos struct {
	*testing.T
	n                  int
	stall, lasts, away time.Duration
}

func (c *linkChaos) run(ca *testkit.Authority, secure, spilled bool) error {
	t := c.T
	var trusting, receiving func() *tls.Config
	if secure {
		cert, key := ca.Issue("receiver", time.Now().Add(time.Hour))
		var err error
		receiving, err = certs.Server(certs.ServerConfig{Certificate: certs.Source{Name: cert}, Key: certs.Source{Name: key}, Logf: t.Logf})
		testkit.Must(t, err)
		trusting, err = certs.Client{CA: certs.Source{Name: ca.File}}.Open(t.Logf, &tls.Config{MinVersion: tls.VersionTLS12, ServerName: "127.0.0.1"})
		testkit.Must(t, err)
	}
	in := listen(t, link.ReceiverConfig{TLS: receiving})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	began := time.Now()
	f := &chaosForwarder{Listener: l, to: in.addr, stall: c.stall, random: rand.New(rand.NewPCG(uint64(c.n), uint64(len(t.Name())))), until: began.Add(c.lasts), away: began.Add(c.away)}
	f.conns.Go(f.run)

	cfg := Config{
		Name: "chaos", Connections: 1, QueueBytes: 1 << 20, Patience: 5 * time.Second, Logf: func(string, ...any) {},
		Sender: link.SenderConfig{
			Dial: func(ctx context.Context) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, "tcp", l.Addr().String())
			},
			TLS: trusting,
		},
	}
	if os.Getenv(longChaosVar) == "" {
		cfg.Sender.AnswerWait, cfg.Sender.SilenceWait, cfg.Sender.Trial = 20*time.Millisecond, 200*time.Millisecond, shortTrial
	}
	if spilled {
		cfg.QueueBytes *= 2 // half of it stands in front of the spill
		cfg.Spill = &Spill{
			Folder: t.TempDir(), Address: "chaos", Size: 1 << 30, MessageMost: 1 << 20,
			Check: func(string) error { return nil }, FullText: "full",
		}
	}
	o, err := Open(cfg)
	testkit.Must(t, err)
	for i, msg := range plugintest.Messages(c.n, 100) {
		time.Sleep(time.Until(began.Add(time.Duration(i) * c.lasts / time.Duration(c.n))))
		for {
			if _, err := o.Write(msg); err == nil {
				break
			}
			o.Room(nil, time.Second)
		}
	}
	cancel := make(chan struct{})
	late := time.AfterFunc(testkit.Timeout, func() { close(cancel) })
	for {
		// With a spill it also ends when there is no receiver, and all is on disk.
		testkit.Must(t, o.Drain(cancel))
		if o.spill == nil {
			break
		}
		if waiting, held, _ := o.spill.store.Level(); waiting+held == 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	late.Stop()
	testkit.Must(t, o.Close())
	l.Close()
	f.conns.Wait()
	arrived := map[string]int{}
	for _, body := range in.bodies() {
		path, _, _ := strings.Cut(string(body), " HTTP")
		arrived[path]++
	}
	rows := o.Counts()
	delivered := int(rows[0].N)
	t.Logf("%d offered over %d connections, %d arrived, %v", c.n, f.opened, len(arrived), rows)
	if sum := int(stats.Sum(rows)); sum != c.n {
		t.Errorf("%d of %d messages are accounted for: %v", sum, c.n, rows)
	}
	if delivered > len(arrived) {
		return fmt.Errorf("%d messages are said to be delivered, and %d arrived", delivered, len(arrived))
	}
	if spilled && (len(arrived) != c.n || delivered != c.n) {
		return fmt.Errorf("with a spill %d of %d messages arrived", len(arrived), c.n)
	}
	return nil
}
