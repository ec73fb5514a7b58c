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

// put queues message n of a recorded connection.
func put(t *testing.T, q *queue.Queue, conn, n int) {
	t.Helper()
	msg := payload.AppendMeta(nil, payload.Meta{Type: payload.Request, ID: payload.AppendID(nil, uint64(conn), uint32(n)), Time: 1, Length: -1})
	testkit.Must(t, q.Put(fmt.Appendf(msg, "%d %d", conn, n)))
}

// Each recorded connection has one session, with its messages in order; when
// there are more than may be open, the longest idle ends, and nothing is lost.
func TestSessions(t *testing.T) {
	const conns, each = 20, 50
	for _, most := range []int{conns, 3} {
		q := queue.New(conns*each, 1<<20)
		done := make(chan struct{})
		var mu sync.Mutex
		next := map[int]int{} // by connection
		served := 0
		s := StartSessions(SessionsConfig{
			Queue: q, Done: done, Most: most, IdleFor: time.Minute,
			Unsent: func() { t.Error("a message is unsent") },
			Serve: func(ss *Session) {
				mu.Lock()
				served++
				mu.Unlock()
				of := -1
				for {
					it, ok := ss.Take()
					if !ok {
						return
					}
					var conn, n int
					if _, err := fmt.Sscan(string(payload.Body(it.Bytes)), &conn, &n); err != nil {
						t.Error(err)
					}
					mu.Lock()
					if of == -1 {
						of = conn
					}
					if of != conn || n != next[conn] {
						t.Errorf("message %d of connection %d in the session of %d, want message %d", n, conn, of, next[conn])
					}
					next[conn]++
					mu.Unlock()
					q.Done(it, true)
				}
			},
		})
		for n := range each {
			for conn := range conns {
				put(t, q, conn, n)
			}
		}
		testkit.Must(t, q.Settle(nil))
		if n := s.Open(); n == 0 || n > most {
			t.Errorf("%d sessions are open, want at most %d", n, most)
		}
		q.Close()
		s.Wait()
		if len(next) != conns || most == conns && served != conns {
			t.Errorf("%d connections in %d sessions, want %d", len(next), served, conns)
		}
		for conn, n := range next {
			if n != each {
				t.Errorf("connection %d had %d messages, want %d", conn, n, each)
			}
		}
	}
}

// A session without a message ends after a while, and the next message of its
// connection opens another.
func TestSessionExpires(t *testing.T) {
	q := queue.New(10, 1<<20)
	var served atomic.Int64
	s := StartSessions(SessionsConfig{
		Queue: q, Done: make(chan struct{}), Most: 10, IdleFor: 5 * time.Millisecond, Unsent: func() {},
		Serve: func(ss *Session) {
			served.Add(1)
			for {
				it, ok := ss.Take()
				if !ok {
					return
				}
				q.Done(it, true)
			}
		},
	})
	for n := range 3 {
		put(t, q, 1, n)
		testkit.Must(t, q.Settle(nil))
		testkit.Eventually(t, "the session's end", func() bool { return s.Open() == 0 })
	}
	q.Close()
	s.Wait()
	if n := served.Load(); n != 3 {
		t.Errorf("%d sessions, want 3", n)
	}
}

// What a session holds when all is over is counted.
func TestSessionUnsent(t *testing.T) {
	q := queue.New(10, 1<<20)
	done, begun := make(chan struct{}), make(chan struct{})
	var unsent, taken atomic.Int64
	s := StartSessions(SessionsConfig{
		Queue: q, Done: done, Most: 1, IdleFor: time.Minute, Unsent: func() { unsent.Add(1) },
		Serve: func(ss *Session) {
			for first := true; ; first = false {
				it, ok := ss.Take()
				if !ok {
					return
				}
				if first {
					put(t, q, 1, 1)
					testkit.Eventually(t, "another message", ss.More)
					close(begun)
					<-done
				}
				taken.Add(1)
				q.Done(it, false)
			}
		},
	})
	put(t, q, 1, 0)
	<-begun
	put(t, q, 1, 2)
	q.Close()
	close(done)
	s.Wait()
	if n := int(taken.Load()+unsent.Load()) + q.Discard(); n != 3 || taken.Load() != 1 || unsent.Load() == 0 {
		t.Errorf("%d taken and %d unsent of %d, want 1 and some of 3", taken.Load(), unsent.Load(), n)
	}
}
