package turnclient

import (
	"context"
	"net"
	"sync"
	"testing"

	"github.com/buger/gor/internal/outbound"
	"github.com/buger/gor/internal/testkit"
)

// A narrowTarget answers each byte with itself, on as many connections at a time
// as it takes. More are refused, as its listener is closed meanwhile, or accepted
// and ended.
type narrowTarget struct {
	addr    string
	takes   int
	accepts bool

	mu       sync.Mutex
	open     int
	listener net.Listener
	over     bool
	wg       sync.WaitGroup
}

func startNarrow(t *testing.T, takes int, accepts bool) *narrowTarget {
	n := &narrowTarget{addr: "127.0.0.1:0", takes: takes, accepts: accepts}
	n.mu.Lock()
	n.listen(t)
	n.mu.Unlock()
	t.Cleanup(func() {
		n.mu.Lock()
		n.over = true
		n.listener.Close()
		n.mu.Unlock()
		n.wg.Wait()
	})
	return n
}

// listen listens at the same address again. Call with the lock held.
func (n *narrowTarget) listen(t *testing.T) {
	l, err := net.Listen("tcp", n.addr)
	if err != nil {
		t.Errorf("listen again: %v", err)
		return
	}
	n.addr, n.listener = l.Addr().String(), l
	n.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if !n.enter(c) {
				c.Close()
				continue
			}
			n.wg.Go(func() { n.serve(t, c) })
		}
	})
}

func (n *narrowTarget) enter(net.Conn) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.open == n.takes {
		return false
	}
	if n.open++; n.open == n.takes && !n.accepts {
		n.listener.Close()
	}
	return true
}

func (n *narrowTarget) serve(t *testing.T, c net.Conn) {
	b := make([]byte, 1)
	for {
		if _, err := c.Read(b); err != nil {
			break
		}
		if _, err := c.Write(b); err != nil {
			break
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	c.Close()
	if n.open--; n.open == n.takes-1 && !n.accepts && !n.over {
		n.listen(t)
	}
}

// TestTakesNoMoreConnections: a message for which the target takes no connection
// waits until another ends. One over a connection that is accepted and ended is lost, since it may have been acted
// upon; from then on a new one is looked at first.
func TestTakesNoMoreConnections(t *testing.T) {
	for name, accepts := range map[string]bool{"refused": false, "accepted and ended": true} {
		t.Run(name, func(t *testing.T) {
			const takes, all = 3, 8
			target := startNarrow(t, takes, accepts)
			told := 0
			var idle []*Conn
			client := New(context.Background(), Config{
				Target: Target(target.addr), Dial: (&net.Dialer{}).DialContext, Timeout: testkit.Timeout,
				Tell: func(err error) { t.Errorf("told of a dead target: %v", err) }, TellCeiling: func(error) { told++ },
				MakeRoom: func() {
					if len(idle) > 0 {
						idle[0].Close()
						idle = idle[1:]
					}
				},
			})
			lost := 0
			for range all {
				c := client.NewConn()
				switch got := c.Exchange([]byte("a")); got {
				case outbound.Delivered:
					idle = append(idle, c)
				case outbound.Closed:
					lost++
				default:
					t.Errorf("%s", got)
				}
			}
			for _, c := range idle {
				c.Close()
			}
			if want := map[bool]int{true: 1}[accepts]; lost != want || told != 1 || client.Refused() == 0 {
				t.Errorf("%d lost, want %d; told %d times, %d refused", lost, want, told, client.Refused())
			}
		})
	}
}

// TestWaitsForRoom: the end of the run ends the wait.
func TestWaitsForRoom(t *testing.T) {
	target := startNarrow(t, 1, false)
	ctx, cancel := context.WithCancel(context.Background())
	client := testClient(t, ctx, target.addr, testkit.Timeout, nil)
	first, second := client.NewConn(), client.NewConn()
	defer first.Close()
	if got := first.Exchange([]byte("a")); got != outbound.Delivered {
		t.Fatalf("%s", got)
	}
	ended := make(chan outbound.Outcome, 1)
	go func() { ended <- second.Exchange([]byte("b")) }()
	testkit.Eventually(t, "a connection is refused twice", func() bool { return client.Refused() >= 2 })
	cancel()
	if got := <-ended; got == outbound.Delivered {
		t.Errorf("%s", got)
	}
}
