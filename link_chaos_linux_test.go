package main

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

	"github.com/buger/gor/internal/link"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/stats"
	"github.com/buger/gor/internal/testkit"
)

// longChaosVar has TestLinkChaos stall for up to five seconds, with the link's
// own times.
const longChaosVar = "GOR_LINK_CHAOS"

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
	made   int // connections; of the accepting goroutine
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
		f.made++
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
				c.run(ca, secure, spilled)
			})
		}
	}
}

type linkChaos struct {
	*testing.T
	n                  int
	stall, lasts, away time.Duration
}

func (c *linkChaos) run(ca *testkit.Authority, secure, spilled bool) {
	t, s := c.T, defaultSettings()
	var trusting func() *tls.Config
	if secure {
		var err error
		s.tcpInput.Secure, s.tcpOutput.Secure, s.tcpOutput.CA = true, true, ca.File
		s.tcpInput.Certificate, s.tcpInput.Key = ca.Issue("receiver", time.Now().Add(time.Hour))
		trusting, err = s.tcpOutput.tls("127.0.0.1", t.Logf)
		testkit.Must(t, err)
	}
	in, err := openInput(pluginArg{"input-tcp", "127.0.0.1:0"}, s, testEnv(t, io.Discard))
	testkit.Must(t, err)
	received := collect(t, in)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	began := time.Now()
	f := &chaosForwarder{Listener: l, to: linkAddr(t, in), stall: c.stall, random: rand.New(rand.NewPCG(uint64(c.n), uint64(len(t.Name())))), until: began.Add(c.lasts), away: began.Add(c.away)}
	f.conns.Go(f.run)

	env := testEnv(t, io.Discard)
	env.logf = func(string, ...any) {}
	o := &tcpOutput{addr: l.Addr().String(), q: queue.New(0, 1<<20), patience: queue.Patience{Limit: linkPatience}}
	config := func(int) link.SenderConfig {
		cfg := link.SenderConfig{
			Dial: func(ctx context.Context) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, "tcp", o.addr)
			},
			TLS: trusting, WindowBytes: 1 << 20, Logf: env.logf, Peer: link.NewPeer(false, nil),
		}
		if os.Getenv(longChaosVar) == "" {
			cfg.AnswerWait, cfg.SilenceWait, cfg.Trial = 20*time.Millisecond, 200*time.Millisecond, 200*time.Millisecond
		}
		return cfg
	}
	if spilled {
		s.tcpOutput.Spill = t.TempDir()
		testkit.Must(t, o.startSpill(s, env, config))
	} else {
		o.workers = startLinkWorkers(o.q, 1, config)
	}
	for i, msg := range testMessages(c.n, 100) {
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
	in.Close()
	arrived := map[string]int{}
	for _, body := range received() {
		path, _, _ := strings.Cut(string(body), " HTTP")
		arrived[path]++
	}
	rows := o.Counts()
	delivered := int(rows[0].N)
	t.Logf("%d offered over %d connections, %d arrived, %v", c.n, f.made, len(arrived), rows)
	if delivered > len(arrived) {
		t.Errorf("%d messages are said to be delivered, and %d arrived", delivered, len(arrived))
	}
	if spilled && (len(arrived) != c.n || delivered != c.n) {
		t.Errorf("with a spill %d of %d messages arrived", len(arrived), c.n)
	}
	if sum := int(stats.Sum(rows)); sum != c.n {
		t.Errorf("%d of %d messages are accounted for: %v", sum, c.n, rows)
	}
}
