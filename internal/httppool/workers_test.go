package httppool

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/testkit"
)

func TestBounds(t *testing.T) {
	for _, test := range []struct {
		workers, min int
		least, most  int
	}{
		{-1, 1, 1, 512},
		{0, 1, 1, 512},
		{-1, 20, 20, 512},
		{-1, 600, 600, 600},
		{1, 1, 1, 1},
		{20, 1, 20, 20},
		{20, 5, 5, 20},
	} {
		if least, most := Bounds(test.min, test.workers, false); least != test.least || most != test.most {
			t.Errorf("workers %d, min %d: %d to %d, want %d to %d", test.workers, test.min, least, most, test.least, test.most)
		}
	}
	if _, most := Bounds(600, -1, true); most != 512 {
		t.Errorf("sessions may have %d connections", most)
	}
}

// TestWorkersComeAndGo: requests at one moment are all sent at once, however
// long the target takes; when it has answered them, the workers end.
func TestWorkersComeAndGo(t *testing.T) {
	target := newPatientTarget(t)
	rig := newRig(t, target.addr, func(c *Config) {
		c.Most, c.IdleFor, c.Client.Timeout = DefaultMost, 20*time.Millisecond, 2*time.Minute
	})
	for range 100 {
		rig.put(httpPost)
	}
	target.await(100)
	target.answer()
	rig.settle()
	rig.want("100 delivered")
	testkit.Eventually(t, "the workers' end", func() bool { return rig.workers.Running() == 1 })
	rig.each(httpPost, httpPost)
	rig.want("102 delivered")
}

// TestRefusedBeforeAnswers: a connection that could not be had is tried again when
// nothing has been answered yet, so that its request does not wait for the answers
// to others.
func TestRefusedBeforeAnswers(t *testing.T) {
	target := newPatientTarget(t)
	var dials atomic.Int64
	rig := newRig(t, target.addr, func(c *Config) {
		dial := c.Client.Dial
		c.Client.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if n := dials.Add(1); n == 10 || n == 15 {
				return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
			}
			return dial(ctx, network, address)
		}
		c.Most, c.Client.Timeout = DefaultMost, 2*time.Minute
	})
	for range 20 {
		rig.put(httpPost)
	}
	target.await(20)
	target.answer()
	rig.settle()
	rig.want("20 delivered")
}

// A patientTarget answers nothing until it is told to.
type patientTarget struct {
	t      *testing.T
	addr   string
	asked  atomic.Int64
	answer func()
}

func newPatientTarget(t *testing.T) *patientTarget {
	may := make(chan struct{})
	p := &patientTarget{t: t, answer: sync.OnceFunc(func() { close(may) })}
	p.addr = testkit.StartTarget(t, func(c net.Conn, _ int) {
		for {
			if _, err := testkit.ReadRequest(c); err != nil {
				return
			}
			p.asked.Add(1)
			<-may
			io.WriteString(c, testkit.OK200)
		}
	}).Address()
	t.Cleanup(p.answer)
	return p
}

// await waits until so many requests have come.
func (p *patientTarget) await(n int64) {
	p.t.Helper()
	testkit.Eventually(p.t, fmt.Sprintf("%d requests", n), func() bool { return p.asked.Load() == n })
}

// TestBurstLosesNothing: a queue that is full now and then, with an input that waits.
func TestBurstLosesNothing(t *testing.T) {
	target := testkit.StartSink(t)
	rig := newRig(t, target.Addr(), func(c *Config) { c.Most, c.Queue = DefaultMost, queue.New(10, 32<<20) })
	for range 5000 {
		rig.put(httpGet)
	}
	rig.settle()
	rig.want("5000 delivered")
}

// TestOpenLoop: requests that are due at one moment arrive together, and those
// that are due one after the other keep their gaps, whatever the answers take.
func TestOpenLoop(t *testing.T) {
	target := limitedTarget{hold: make(chan struct{})}
	addr := target.start(t)
	rig := newRig(t, addr, func(c *Config) { dynamic(c); c.Client.Timeout = testkit.Timeout })
	for range 10 {
		rig.put(httpPost)
	}
	testkit.Eventually(t, "all ten are there before one is answered", func() bool { return target.most.Load() == 10 })
	close(target.hold)
	rig.settle()
	rig.want("10 delivered")
}

// TestExactlySoManyWorkers: a number that is given is kept to, and every
// connection is used.
func TestExactlySoManyWorkers(t *testing.T) {
	target := limitedTarget{answer: 20 * time.Millisecond}
	addr := target.start(t)
	rig := newRig(t, addr, fixed(7))
	for range 70 {
		rig.put(httpGet)
	}
	rig.settle()
	rig.want("70 delivered")
	if most, conns := target.most.Load(), target.conns.Load(); most != 7 || conns != 7 {
		t.Errorf("%d requests at once over %d connections, want 7", most, conns)
	}
}

// A limitedTarget takes so many connections at a time, and does something else
// to the others.
type limitedTarget struct {
	answer time.Duration // from a request to its answer
	hold   chan struct{} // no answer before it is closed; nil: at once
	limit  int64         // connections; 0: any number
	reset  bool          // the others are reset, not closed
	slow   time.Duration // between two accepts

	open, conns, busy, most atomic.Int64

	mu    sync.Mutex
	asked []string
}

// paths are those of the requests, in the order in which they came.
func (l *limitedTarget) paths() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.asked)
}

func (l *limitedTarget) start(t *testing.T) (addr string) {
	r := testkit.StartTarget(t, l.handle)
	return r.Address()
}

func (l *limitedTarget) handle(c net.Conn, _ int) {
	defer l.open.Add(-1)
	if n := l.open.Add(1); l.limit > 0 && n > l.limit {
		if l.reset {
			testkit.ResetConn(c)
		}
		return
	}
	l.conns.Add(1)
	for {
		raw, err := testkit.ReadRequest(c)
		if err != nil {
			return
		}
		l.mu.Lock()
		l.asked = append(l.asked, strings.Fields(string(raw))[1])
		l.mu.Unlock()
		n := l.busy.Add(1)
		for m := l.most.Load(); n > m && !l.most.CompareAndSwap(m, n); m = l.most.Load() {
		}
		if l.hold != nil {
			<-l.hold
		}
		time.Sleep(l.answer) // it is what such a target does
		l.busy.Add(-1)
		if _, err := io.WriteString(c, testkit.OK200); err != nil {
			return
		}
	}
}

// serve accepts from a socket with its backlog.
func (l *limitedTarget) serve(t *testing.T, listener net.Listener) {
	(&testkit.RawTarget{Listener: slowListener{listener, l.slow}}).Serve(t, l.handle)
}

type slowListener struct {
	net.Listener
	pause time.Duration
}

func (l slowListener) Accept() (net.Conn, error) {
	time.Sleep(l.pause)
	return l.Listener.Accept()
}

// TestTargetsThatTakeFewConnections: requests wait for the connections that
// work, and none is lost.
func TestTargetsThatTakeFewConnections(t *testing.T) {
	t.Run("small backlog", func(t *testing.T) {
		t.Parallel()
		target := &limitedTarget{answer: 10 * time.Millisecond, slow: time.Millisecond}
		addr, listen := testkit.ReserveListener(t, 5)
		target.serve(t, listen())
		rig := newRig(t, addr, dynamic)
		requests := 400
		if n := os.Getenv("GOR_BACKLOG_REQUESTS"); n != "" {
			requests = testkit.Atoi(t, n)
		}
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for range requests {
			rig.put(httpPost)
			<-tick.C
		}
		rig.settle()
		rig.want(fmt.Sprintf("%d delivered", requests))
	})
	for _, reset := range []bool{false, true} {
		t.Run(fmt.Sprintf("the others are accepted and ended, reset %v", reset), func(t *testing.T) {
			t.Parallel()
			target := &limitedTarget{answer: 5 * time.Millisecond, limit: 8, reset: reset}
			addr := target.start(t)
			told := make(chan string, 100)
			rig := newRig(t, addr, func(c *Config) {
				dynamic(c)
				c.Logf = func(format string, args ...any) {
					select {
					case told <- fmt.Sprintf(format, args...):
					default: // enough
					}
				}
			})
			for range 400 {
				rig.put(httpGet)
			}
			rig.settle()
			// What the target lets go is not known before it does: of a burst that
			// meets it unprepared some requests may have been sent twice for nothing.
			// None is lost from then on.
			first := rig.account.delivered.Load()
			if first < 100 {
				t.Errorf("%d of 400 delivered", first)
			}
			for range 200 {
				rig.put(httpGet)
			}
			rig.settle()
			if n := rig.account.delivered.Load() - first; n != 200 {
				t.Errorf("%d of 200 delivered when the limit was known", n)
			}
			close(told)
			limits := 0
			for line := range told {
				if strings.Contains(line, "takes no more connections") {
					limits++
				}
			}
			if rig.takes.Refused() == 0 || limits != 1 {
				t.Errorf("%d refused, told %d times", rig.takes.Refused(), limits)
			}
			if n := target.most.Load(); n > 8 || n < 4 {
				t.Errorf("%d requests at once, want 8", n)
			}
		})
	}
	t.Run("nobody accepts the others", func(t *testing.T) {
		t.Parallel()
		// The kernel drops every SYN when the backlog of one is full.
		addr, listen := testkit.ReserveListener(t, 1)
		l := listen()
		target := &limitedTarget{answer: 2 * time.Millisecond}
		for range 2 {
			go func() {
				if c, err := l.Accept(); err == nil {
					target.handle(c, 0)
				}
			}()
		}
		t.Cleanup(func() { l.Close() })
		rig := newRig(t, addr, func(c *Config) { c.Most, c.Client.Timeout = DefaultMost, 30*time.Second })
		rig.each(httpGet)
		for range 200 {
			rig.put(httpPost)
		}
		testkit.Eventually(t, "nearly all are answered", func() bool { return rig.account.delivered.Load() > 190 })
		// Two connections lie in the backlog, each with a request: they have
		// connected as far as anyone can tell.
		rig.Close()
		if n := rig.account.delivered.Load() + rig.account.unsent.Load(); n != 201 {
			t.Errorf("%s, want 201 delivered or unsent", rig.counts())
		}
	})
	t.Run("it ends and comes back", func(t *testing.T) {
		t.Parallel()
		testkit.InSomeRun(t, 50*time.Millisecond, func() error { return endsAndComesBack(t) })
	})
}

// TestBurstHasRoom: a burst from an input that cannot wait is kept as long as
// there is memory for it, however slow the target is; a length that is given
// bounds it.
func TestBurstHasRoom(t *testing.T) {
	for _, length := range []int{0, 100} {
		target := limitedTarget{hold: make(chan struct{})}
		addr := target.start(t)
		rig := newRig(t, addr, func(c *Config) {
			c.Least, c.Most, c.Queue, c.Client.Timeout = 20, 20, queue.New(length, 32<<20), testkit.Timeout
		})
		shed := 0
		for range 1000 {
			if _, err := rig.Write(rig.message(httpPost)); err != nil {
				shed++
			}
		}
		if length == 0 && shed > 0 || length > 0 && shed < 800 {
			t.Errorf("length %d: %d of 1,000 found no room", length, shed)
		}
		close(target.hold)
		if length > 0 {
			rig.settle()
			rig.want(fmt.Sprintf("%d delivered", 1000-shed))
		}
	}
}

// endsAndComesBack: requests wait for half a second for a target that is down.
func endsAndComesBack(t *testing.T) error {
	first := &limitedTarget{answer: 20 * time.Millisecond}
	var conns sync.Map
	l, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	addr := l.Addr().String()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns.Store(c, nil)
			go first.handle(c, 0)
		}
	}()
	rig := newRig(t, addr, dynamic)
	for range 50 {
		rig.put(httpGet)
	}
	rig.settle()
	rig.want("50 delivered")
	l.Close() // nothing is under way
	<-ended
	conns.Range(func(c, _ any) bool { c.(net.Conn).Close(); return true })
	for range 100 {
		rig.put(httpPost)
	}
	second := &limitedTarget{answer: time.Millisecond}
	again, err := net.Listen("tcp", addr)
	testkit.Must(t, err)
	(&testkit.RawTarget{Listener: again}).Serve(t, second.handle)
	rig.settle()
	return rig.wrong("150 delivered")
}

// A target that ends every connection without an answer is told of once, and one
// that has answered is not.
func TestSilentTarget(t *testing.T) {
	for _, answered := range []uint64{0, 1} {
		a := newAccount()
		a.delivered.Add(answered)
		told := 0
		for range 10 * silentAfter {
			if a.silent() {
				told++
			}
		}
		if want := 1 - int(answered); told != want {
			t.Errorf("after %d answers: told %d times, want %d", answered, told, want)
		}
	}
}
