package dispatch

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/testkit"
)

// connMessage is the n-th message of a recorded connection; odd ones are
// responses.
func connMessage(conn uint64, n uint32) []byte {
	kind := byte(payload.Request)
	if n%2 == 1 {
		kind = payload.Response
	}
	msg := payload.AppendMeta(nil, payload.Meta{Type: kind, ID: payload.AppendID(nil, conn, n/2), Time: 1_700_000_000_000_000_000, Length: -1})
	return fmt.Appendf(msg, "GET /%d/%d HTTP/1.1\r\n\r\n", conn, n)
}

// TestSharesAreEven: every worker gets about its part of many connections.
func TestSharesAreEven(t *testing.T) {
	const workers, conns = 4, 4000
	q := queue.New(16<<10, 8<<20)
	shares := NewShares(q, workers)
	for i := range conns {
		testkit.Must(t, q.Put(connMessage(uint64(i), 0)))
	}
	q.Close()
	shares.distribute()
	for i, share := range shares.list {
		n := share.items.len()
		if n < conns/workers*8/10 || n > conns/workers*12/10 {
			t.Errorf("worker %d has %d of %d connections", i, n, conns)
		}
	}
	if n := shares.Close(); n != conns || !q.Drained() {
		t.Errorf("%d messages were left, and the queue is drained: %t; want %d and true", n, q.Drained(), conns)
	}
}

// TestShareWithoutSender: messages for a sender that takes none wait, bounded,
// and end with it.
func TestShareWithoutSender(t *testing.T) {
	q := queue.New(2*shareWaiting, 64<<20)
	shares := NewShares(q, 2)
	shares.running.Go(shares.distribute)
	var mine uint64 // a connection of the first share
	for ; ; mine++ {
		testkit.Must(t, q.Put(connMessage(mine, 0)))
		first := false
		testkit.Eventually(t, "a message is given to a share", func() bool {
			shares.mu.Lock()
			defer shares.mu.Unlock()
			first = shares.list[0].items.len() > 0
			return shares.waiting == int(mine)+1
		})
		if first {
			break
		}
	}
	for range shareWaiting + 2000 {
		testkit.Must(t, q.Put(connMessage(mine, 0)))
	}
	testkit.Eventually(t, "the bound is reached", func() bool {
		shares.mu.Lock()
		defer shares.mu.Unlock()
		return shares.waiting >= shareWaiting
	})
	shares.mu.Lock()
	if shares.waiting > shareWaiting+256 {
		t.Errorf("%d messages wait, want %d at most", shares.waiting, shareWaiting)
	}
	shares.mu.Unlock()
	// The sender takes some: more come. They are in order.
	dst := make([][]byte, 256)
	for range (shareWaiting + 2000) / 256 {
		n, more := shares.list[0].Take(dst, nil)
		if n == 0 || !more || !bytes.Contains(dst[0], fmt.Appendf(nil, "GET /%d/0", mine)) {
			t.Fatalf("took %d, %v", n, more)
		}
		shares.list[0].Release(n)
	}
	cancel := make(chan struct{})
	close(cancel)
	if n, more := shares.list[1].Take(dst, cancel); n > int(mine) || !more {
		t.Errorf("took %d, %v", n, more)
	}
	q.Close()
	shares.Close()
	q.Discard()
	for i, share := range shares.list {
		if n, more := share.Take(dst, nil); n != 0 || more {
			t.Errorf("share %d after the end: %d, %v", i, n, more)
		}
	}
}

// TestDivide: each message goes to one of the senders, and what none has taken is
// counted at the end.
func TestDivide(t *testing.T) {
	for _, n := range []int{1, 3} {
		q := queue.New(0, 1<<20)
		for i := range 10 {
			testkit.Must(t, q.Put(connMessage(uint64(i), 0)))
		}
		q.Close()
		senders, shares := Divide(q, n)
		if len(senders) != n {
			t.Fatalf("%d senders, want %d", len(senders), n)
		}
		got := 0
		for _, s := range senders[1:] {
			for list := make([][]byte, 10); ; {
				k, more := s.Take(list, nil)
				if s.Release(k); !more {
					break
				}
				got += k
			}
		}
		if left := shares.Close() + q.Discard(); got+left != 10 {
			t.Errorf("%d senders: %d messages taken and %d left, want 10", n, got, left)
		}
	}
}
