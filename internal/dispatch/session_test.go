package dispatch

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/testkit"
)

// A loopedSender deals with a message at once, or has another goroutine do it, as
// an event loop does.
type loopedSender struct {
	ss   *Session
	q    *queue.Queue
	loop chan func() // nil: at once
	deal func(it queue.Item)
	end  func()
}

func (l *loopedSender) Send(it queue.Item) {
	dealt := func() {
		l.deal(it)
		l.q.Done(it, true)
		l.ss.Ready()
	}
	if l.loop == nil {
		dealt()
		return
	}
	l.loop <- dealt
}

func (l *loopedSender) Open() {}

func (l *loopedSender) End() {
	l.end()
	l.ss.Left()
}

// TestSessionsWithoutGoroutines: each connection's messages come one at a time and
// in order, whoever deals with them, from several inputs, with room for all sessions
// and without; every session ends.
func TestSessionsWithoutGoroutines(t *testing.T) {
	const conns, each, inputs = 20, 200, 2
	for _, looped := range []bool{false, true} {
		for _, most := range []int{conns * inputs, 3, 1} {
			t.Run(fmt.Sprintf("looped %t most %d", looped, most), func(t *testing.T) {
				q := queue.New(0, 64<<20)
				loop := make(chan func(), waitingMost)
				var loops sync.WaitGroup
				for range 2 {
					loops.Go(func() {
						for f := range loop {
							f()
						}
					})
				}
				var mu sync.Mutex
				next := map[int]int{} // by connection
				var begun, ended, underWay atomic.Int64
				c := SessionsConfig{
					Queue: q, Done: make(chan struct{}), Most: most, IdleFor: time.Minute,
					Unsent: func() { t.Error("a message is unsent") },
				}
				c.Begin = func(ss *Session) SessionSender {
					begun.Add(1)
					var busy atomic.Bool
					l := &loopedSender{ss: ss, q: q, end: func() { ended.Add(1) }}
					l.deal = func(it queue.Item) {
						if busy.Swap(true) {
							t.Error("two messages of a connection are under way")
						}
						if n := underWay.Add(1); int(n) > most {
							t.Errorf("%d sessions have a message, want at most %d", n, most)
						}
						var conn, n int
						if _, err := fmt.Sscan(string(payload.Body(it.Bytes)), &conn, &n); err != nil {
							t.Error(err)
						}
						mu.Lock()
						if n != next[conn] {
							t.Errorf("message %d of connection %d, want %d", n, conn, next[conn])
						}
						next[conn]++
						mu.Unlock()
						underWay.Add(-1)
						busy.Store(false)
					}
					if looped {
						l.loop = loop
					}
					return l
				}
				s := StartSessions(c)
				var putting sync.WaitGroup
				for input := range inputs {
					putting.Go(func() {
						for n := range each {
							for conn := range conns {
								put(t, q, input*conns+conn, n)
							}
						}
					})
				}
				putting.Wait()
				testkit.Must(t, q.Settle(nil))
				q.Close()
				s.Wait()
				close(loop)
				loops.Wait()
				if s.Open() != 0 || begun.Load() != ended.Load() || most == conns*inputs && begun.Load() != conns*inputs {
					t.Errorf("%d sessions begun, %d ended, %d open", begun.Load(), ended.Load(), s.Open())
				}
				for conn := range conns * inputs {
					if next[conn] != each {
						t.Errorf("connection %d had %d messages, want %d", conn, next[conn], each)
					}
				}
			})
		}
	}
}
