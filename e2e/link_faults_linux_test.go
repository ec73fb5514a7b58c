package e2e

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/buger/gor/bench/netns"
	"github.com/buger/gor/internal/link"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/testkit"
)

// faultMessagesVar is how many messages TestLinkFaults sends.
const faultMessagesVar = "GOR_FAULT_MESSAGES"

// A faultChain is two hosts: a relay that takes messages at relayPort, and a
// recorder that it sends them to.
type faultChain struct {
	t               *testing.T
	wire            *netns.Pair
	recorder, relay func() *testkit.Process
	r, s            *testkit.Process // the recorder and the relay that run
}

const relayPort = "127.0.0.1:28021"

func (c *faultChain) dial(context.Context) (net.Conn, error) { return c.wire.Near.Dial(relayPort) }

func (c *faultChain) start() { c.r, c.s = c.recorder(), c.relay() }

func (c *faultChain) kill(p *testkit.Process) {
	p.Cmd.Process.Kill()
	<-p.Ended
}

// set cuts or mends the wire.
func (c *faultChain) set(state string) {
	c.t.Helper()
	argv := append(c.wire.Near.Prefix()[:1:1], "-n", c.wire.Near.Name, "link", "set", "veth0", state)
	if text, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
		c.t.Fatalf("set the wire %s: %v: %s", state, err, text)
	}
}

// harm kills the recorder ten times, ends and kills the relay twice each, and
// cuts the wire.
func (c *faultChain) harm(seed uint64) {
	c.t.Helper()
	random := rand.New(rand.NewPCG(1, seed))
	pause := func() { time.Sleep(100*time.Millisecond + time.Duration(random.IntN(400))*time.Millisecond) }
	for i := range 10 {
		pause()
		c.kill(c.r)
		pause()
		switch i {
		case 2, 7:
			c.s.Cmd.Process.Signal(os.Interrupt)
			c.s.Wait()
			c.s = c.relay()
		case 4, 8:
			c.kill(c.s)
			c.s = c.relay()
		}
		c.r = c.recorder()
		if i == 5 {
			pause()
			c.set("down")
			time.Sleep(time.Second)
			c.set("up")
		}
	}
}

// listening waits until something takes connections on a host.
func (c *faultChain) listening(host netns.Host, addr string) {
	c.t.Helper()
	testkit.Eventually(c.t, addr+" takes connections", func() bool {
		conn, err := host.Dial(addr)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

// A faultTally is what became of n messages of a feed.
type faultTally struct{ n, missing, foreign, twice int }

func tallyOf(t *testing.T, f *testkit.Feed, n int, files ...string) faultTally {
	t.Helper()
	seen := make([]bool, n)
	tally := faultTally{n: n, missing: n}
	for _, name := range files {
		got, metas := readAfterKills(t, name)
		for i := range got {
			k := numberOf(metas[i].ID)
			switch {
			case k < 0 || k >= n || !bytes.Equal(got[i], payload.Body(f.Message(k))):
				tally.foreign++
			case seen[k]:
				tally.twice++
			default:
				seen[k] = true
				tally.missing--
			}
		}
	}
	return tally
}

func (f faultTally) String() string {
	return fmt.Sprintf("%d messages, %d missing, %d foreign, %d came again after something was killed", f.n, f.missing, f.foreign, f.twice)
}

// TestLinkFaults: over a chain of two hosts, sender -> relay -> recorder, with
// a spill at the relay, the recorder is killed and started again ten times, the
// wire between them is cut, and the relay is ended and killed. Every message
// that was acknowledged to the sender is in the recording at least once, with
// its content, and what is there twice was on its way when something was
// killed. Nothing else is there, and afterwards all goes on.
//
// With PEER, another program goes through the same, and the log says what it
// lost.
func TestLinkFaults(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root, for two hosts and a wire")
	}
	n := 20_000
	if s := os.Getenv(faultMessagesVar); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil || n < 1000 {
			t.Fatalf("%s is %q: want a number of messages, such as 200000", faultMessagesVar, s)
		}
	}
	dir := t.TempDir()
	out, spillDir := filepath.Join(dir, "out.gor"), filepath.Join(dir, "spill")
	c := &faultChain{t: t, wire: testkit.NewWire(t)}
	at := net.JoinHostPort(c.wire.Far.IPv4, "28020")
	gor := func(host netns.Host, args ...string) *testkit.Process {
		p := testkit.Spawn(t, "gor", host.Prefix(), nil, args...)
		p.Await("gor: to ")
		return p
	}
	c.recorder = func() *testkit.Process {
		return gor(c.wire.Far, "--input-tcp", at, "--output-file", out, "--output-file-flush-interval", "100ms")
	}
	c.relay = func() *testkit.Process {
		return gor(c.wire.Near, "--input-tcp", relayPort, "--output-tcp", at, "--output-tcp-spill", spillDir)
	}
	c.start()
	f := &testkit.Feed{N: n, Every: 10 * time.Second / time.Duration(n), Began: time.Now(), Open: true}
	sender := link.NewSender(link.SenderConfig{Dial: c.dial}, f)
	defer sender.Close()
	c.harm(uint64(n))
	select {
	case <-sender.Done():
	case <-time.After(testkit.Timeout):
		t.Fatalf("%d of %d messages are acknowledged", f.Acknowledged(), n)
	}
	if got := f.Acknowledged(); got != n {
		t.Errorf("%d messages acknowledged at the end, want %d", got, n)
	}

	// What comes after the last fault passes, behind what the relay still has.
	last := link.NewSender(link.SenderConfig{Dial: c.dial}, &testkit.Feed{N: n + 1, Given: n})
	defer last.Close()
	select {
	case <-last.Done():
	case <-time.After(testkit.Timeout):
		t.Fatal("a fresh message is not acknowledged")
	}
	awaitSpillSent(t, spillDir)
	c.s.Stop()
	c.r.Stop()
	tally := tallyOf(t, f, n+1, out)
	if tally.missing > 0 || tally.foreign > 0 {
		t.Errorf("%d messages are missing, %d are foreign", tally.missing, tally.foreign)
	}
	t.Log(tally)
	if peer := os.Getenv("PEER"); peer != "" {
		t.Run("peer", func(t *testing.T) { peerFaults(t, c.wire, peer, n) })
	}
}

// peerFaults has another program go through the same as far as it can: the
// plain stream, no spill. What it loses is said and is not a failure.
func peerFaults(t *testing.T, wire *netns.Pair, peer string, n int) {
	dir := t.TempDir()
	c := &faultChain{t: t, wire: wire}
	at := net.JoinHostPort(c.wire.Far.IPv4, "28020")
	start := func(host netns.Host, addr string, args ...string) *testkit.Process {
		p := testkit.SpawnProgram(t, host.Prefix(), peer, nil, nil, nil, append([]string{"--input-tcp", addr}, args...)...)
		c.listening(host, addr)
		return p
	}
	c.recorder = func() *testkit.Process {
		return start(c.wire.Far, at, "--output-file", filepath.Join(dir, "out.gor"), "--output-file-append", "--output-file-flush-interval", "100ms")
	}
	c.relay = func() *testkit.Process { return start(c.wire.Near, relayPort, "--output-tcp", at) }
	c.start()
	f := &testkit.Feed{N: n, Every: 10 * time.Second / time.Duration(n), Began: time.Now(), Open: true}
	var sending sync.WaitGroup
	sending.Go(func() { sendPlain(f, c) })
	c.harm(uint64(n))
	sending.Wait()
	time.Sleep(3 * time.Second) // it acknowledges nothing: nobody knows when it is done
	c.s.Cmd.Process.Signal(os.Interrupt)
	c.s.Wait()
	c.r.Cmd.Process.Signal(os.Interrupt)
	c.r.Wait()
	t.Logf("%s: %v", filepath.Base(peer), tallyOf(t, f, n, must1(filepath.Glob(filepath.Join(dir, "*.gor")))...))
}

// sendPlain sends all messages as a sender does that is never acknowledged. A
// message whose writing fails is sent again.
func sendPlain(f *testkit.Feed, c *faultChain) {
	var conn net.Conn
	var msgs [256][]byte
	for {
		n, more := f.Take(msgs[:], nil)
		for i := 0; i < n; {
			var err error
			if conn == nil {
				if conn, err = c.dial(context.Background()); err != nil {
					time.Sleep(10 * time.Millisecond)
					continue
				}
			}
			if _, err = conn.Write(payload.AppendOldRecord(nil, msgs[i])); err != nil {
				conn.Close()
				conn = nil
				continue
			}
			i++
		}
		if !more {
			if conn != nil {
				conn.Close()
			}
			return
		}
	}
}

// awaitSpillSent waits until nothing is left in a spill.
func awaitSpillSent(t *testing.T, dir string) {
	t.Helper()
	testkit.Eventually(t, "the spill is sent", func() bool { return len(must1(filepath.Glob(filepath.Join(dir, "*", "*.gor")))) == 0 })
}

// numberOf tells which message of a feed has the id, or -1.
func numberOf(id []byte) int {
	if len(id) != 24 {
		return -1
	}
	conn, err1 := strconv.ParseUint(string(id[:16]), 16, 32)
	ordinal, err2 := strconv.ParseUint(string(id[16:]), 16, 8)
	if err1 != nil || err2 != nil || ordinal > 7 {
		return -1
	}
	return int(conn)*8 + int(ordinal)
}

// readAfterKills reads a recording whose writers were killed: torn records are
// no error.
func readAfterKills(t *testing.T, name string) (bodies [][]byte, metas []payload.Meta) {
	t.Helper()
	f, err := os.Open(name)
	testkit.Must(t, err)
	defer f.Close()
	src, err := payload.Open(f, name, 0)
	testkit.Must(t, err)
	for {
		msg, err := src.Next()
		if err != nil {
			return bodies, metas
		}
		meta, body, err := payload.Split(msg)
		testkit.Must(t, err)
		meta.ID = bytes.Clone(meta.ID)
		bodies, metas = append(bodies, bytes.Clone(body)), append(metas, meta)
	}
}

// TestLinkRestarts: ended in good order and started again, neither end of the
// link has anything twice or loses anything.
func TestLinkRestarts(t *testing.T) {
	t.Parallel()
	const n = 6000
	dir := t.TempDir()
	out, spillDir := filepath.Join(dir, "out.gor"), filepath.Join(dir, "spill")
	at, from := testkit.FreePort(t), testkit.FreePort(t)
	recorder := func() *testkit.Process { return testkit.StartGor(t, "--input-tcp", at, "--output-file", out) }
	relay := func() *testkit.Process {
		return testkit.StartGor(t, "--input-tcp", from, "--output-tcp", at, "--output-tcp-spill", spillDir)
	}
	r, s := recorder(), relay()
	f := &testkit.Feed{N: n, Every: 3 * time.Second / n, Began: time.Now(), Open: true}
	sender := link.NewSender(link.SenderConfig{
		Dial: func(context.Context) (net.Conn, error) { return net.Dial("tcp", from) },
	}, f)
	defer sender.Close()
	await := func(count int) {
		testkit.Eventually(t, "messages are acknowledged", func() bool { return f.Acknowledged() >= count })
	}
	for i := 1; i <= 3; i++ {
		await(i * n / 10)
		s.Stop() // while the recorder takes all
		s = relay()
		await(i*n/10 + n/20)
		r.Stop()
		s.Stop() // while there is none
		s = relay()
		r = recorder()
	}
	await(n)
	awaitSpillSent(t, spillDir)
	s.Stop()
	r.Stop()
	got, metas := testkit.ReadRecording(t, out, '1')
	seen := make([]int, n)
	for i := range got {
		if k := numberOf(metas[i].ID); k >= 0 && k < n && bytes.Equal(got[i], payload.Body(f.Message(k))) {
			seen[k]++
		} else {
			t.Errorf("a foreign message: %q", got[i])
		}
	}
	wrong := 0
	for k, c := range seen {
		if c != 1 {
			if wrong++; wrong < 5 {
				t.Errorf("message %d is there %d times", k, c)
			}
		}
	}
	if wrong > 0 {
		t.Errorf("%d of %d messages are not there once", wrong, n)
	}
}
