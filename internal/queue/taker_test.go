package queue

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/buger/gor/internal/testkit"
)

// TestTaker: a message goes to who waits, at once, and the end is told.
func TestTaker(t *testing.T) {
	q := New(10, 1<<20)
	var got []string
	ended := 0
	taker := &Taker{Take: func(it Item, ok bool) {
		if !ok {
			ended++
			return
		}
		got = append(got, string(it.Bytes))
		q.Done(it, true)
	}}
	if _, ok := q.Withdraw(taker, 0); ok {
		t.Error("a taker that does not wait was withdrawn")
	}
	if _, ok := q.Await(taker); ok || q.Short() != -1 {
		t.Errorf("a message from an empty queue, or short of %d", q.Short())
	}
	testkit.Must(t, q.Put([]byte("a")))
	testkit.Must(t, q.Put([]byte("b")))
	if len(got) != 1 || got[0] != "a" || q.Len() != 1 || q.Short() != 1 {
		t.Errorf("got %q, %d wait, short of %d", got, q.Len(), q.Short())
	}
	if it, ok := q.Await(taker); !ok || string(it.Bytes) != "b" {
		t.Errorf("got %q, %v", it.Bytes, ok)
	} else {
		q.Done(it, true)
	}
	q.Await(taker)
	if left, ok := q.Withdraw(taker, time.Hour); !ok || left < time.Minute || left > time.Hour || q.Short() != -1 {
		t.Errorf("%s of an hour are left, %v, short of %d", left, ok, q.Short())
	}
	if left, ok := q.Withdraw(taker, 0); !ok || left != 0 || q.Short() != 0 {
		t.Errorf("withdrawn: %s, %v, short of %d", left, ok, q.Short())
	}
	testkit.Must(t, q.Put([]byte("c")))
	if len(got) != 1 || q.Len() != 1 {
		t.Error("a taker that was withdrawn got a message")
	}
	q.Discard()
	q.Await(taker)
	q.Close()
	q.Await(taker)
	if ended != 2 {
		t.Errorf("told of the end %d times, want 2", ended)
	}
}

// TestTakersLoseNothing: many writers and takers, each message once.
func TestTakersLoseNothing(t *testing.T) {
	const takers, writers, each = 5, 4, 2000
	q := New(0, 1<<20)
	var got atomic.Int64
	var ends sync.WaitGroup
	ends.Add(takers)
	for range takers {
		var take func(it Item, ok bool)
		taker := &Taker{}
		take = func(it Item, ok bool) {
			for ; ok; it, ok = q.Await(taker) {
				got.Add(1)
				q.Done(it, true)
			}
		}
		taker.Take = func(it Item, ok bool) {
			if !ok {
				ends.Done()
				return
			}
			take(it, ok)
		}
		if it, ok := q.Await(taker); ok {
			take(it, ok)
		}
	}
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				for q.Put([]byte("x")) != nil {
					q.Room(nil, time.Second)
				}
			}
		})
	}
	wg.Wait()
	testkit.Must(t, q.Settle(nil))
	q.Close()
	ends.Wait()
	if got.Load() != writers*each || held(q) != 0 || q.Short() != 0 {
		t.Errorf("got %d of %d, %d bytes are left", got.Load(), writers*each, held(q))
	}
}
