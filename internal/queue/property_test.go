package queue

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Random writers and workers: every message that was put is got exactly once
// or discarded, no bound is passed, and every writer's order is kept in the
// queue.
func TestEveryMessageOnce(t *testing.T) {
	tests := []struct {
		name                         string
		items, bytes                 int
		writers, workers, each, size int
		discard, batch               bool
	}{
		{"one to one", 100, 1 << 20, 1, 1, 20000, 200, false, false},
		{"few places", 2, 1 << 20, 3, 3, 3000, 200, false, false},
		{"one place", 1, 1 << 20, 3, 2, 1000, 50, false, false},
		{"few bytes", 1000, 500, 3, 4, 3000, 300, false, false},
		{"large ones", 50, 2000, 2, 3, 2000, 5000, false, false},
		{"many workers", 100, 1 << 20, 4, 64, 4000, 100, false, false},
		{"batches", 100, 1 << 16, 3, 2, 8000, 100, false, true},
		{"discarded", 100, 1 << 16, 3, 3, 5000, 100, true, false},
		{"batches discarded", 100, 1 << 16, 3, 3, 5000, 100, true, true},
	}
	for seed, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bound := tt.bytes + 3*ItemOverhead
			q := New(tt.items, bound)
			seen := make([][]atomic.Int32, tt.writers)
			for i := range seen {
				seen[i] = make([]atomic.Int32, tt.each)
			}
			var got, put, largest atomic.Int64
			var writers, workers sync.WaitGroup

			check := func() {
				if n := q.Len(); n > tt.items {
					t.Errorf("Len = %d above the bound %d", n, tt.items)
				}
				if n := held(q); n > max(bound, tt.size+ItemOverhead) {
					t.Errorf("Bytes = %d above the bound %d", n, bound)
				} else if int64(n) > largest.Load() {
					largest.Store(int64(n))
				}
			}
			for w := range tt.writers {
				writers.Go(func() {
					rng := rand.New(rand.NewPCG(uint64(seed), uint64(w)))
					for i := range tt.each {
						p := make([]byte, 8+rng.IntN(tt.size-7))
						binary.BigEndian.PutUint32(p, uint32(w))
						binary.BigEndian.PutUint32(p[4:], uint32(i))
						for q.Put(p) == ErrFull {
							q.Room(nil, time.Millisecond)
						}
						put.Add(1)
						if i%64 == 0 {
							check()
						}
					}
				})
			}
			stop := make(chan struct{})
			for w := range tt.workers {
				workers.Go(func() {
					rng := rand.New(rand.NewPCG(uint64(seed), uint64(100+w)))
					dst := make([]Item, 1+rng.IntN(8))
					last := make([]int64, tt.writers)
					for i := range last {
						last[i] = -1
					}
					for {
						n := 0
						if tt.batch {
							n = q.GetBatch(dst, stop, time.Duration(rng.IntN(3))*time.Millisecond)
						} else if it, ok := q.Get(stop, time.Duration(rng.IntN(3))*time.Millisecond); ok {
							dst[0], n = it, 1
						}
						if n == 0 && (q.Drained() || IsClosed(stop)) {
							return
						}
						for _, it := range dst[:n] {
							writer := binary.BigEndian.Uint32(it.Bytes)
							i := binary.BigEndian.Uint32(it.Bytes[4:])
							if c := seen[writer][i].Add(1); c != 1 {
								t.Errorf("message %d of %d came %d times", i, writer, c)
							}
							// What one worker gets of one writer is in order.
							if int64(i) <= last[writer] {
								t.Errorf("message %d of %d came after %d", i, writer, last[writer])
							}
							last[writer] = int64(i)
							got.Add(1)
						}
						for _, i := range rng.Perm(n) {
							q.Done(dst[i], rng.IntN(2) == 0)
						}
					}
				})
			}
			var settles sync.WaitGroup
			for range 2 {
				settles.Go(func() {
					for !q.Drained() && !IsClosed(stop) {
						// What was accepted before must have been got.
						before := put.Load()
						if q.Settle(stop) != nil {
							return
						}
						if n := got.Load(); n < before {
							t.Errorf("settled with %d of %d got", n, before)
							return
						}
					}
				})
			}
			var discarded int64
			if tt.discard {
				// In the middle: nothing more is sent once half has come.
				for put.Load() < int64(tt.writers*tt.each/2) {
					runtime.Gosched()
				}
				close(stop)
				workers.Wait()
				settles.Wait()
				finished := make(chan struct{})
				go func() { writers.Wait(); close(finished) }()
				for !IsClosed(finished) {
					discarded += int64(q.Discard())
				}
				q.Close()
				discarded += int64(q.Discard())
			} else {
				writers.Wait()
				q.Close()
				workers.Wait()
				settles.Wait()
			}
			if total := int64(tt.writers * tt.each); got.Load()+discarded != total || put.Load() != total {
				t.Errorf("got %d + discarded %d != %d put", got.Load(), discarded, total)
			}
			if held(q) != 0 || q.Len() != 0 || q.heldCap != 0 || q.promised != 0 || q.waking != 0 || q.waiting != 0 || q.Short() != 0 {
				t.Errorf("left: %d bytes, %d messages, %d capacity, %d promised, %d waking, %d waiting, short of %d",
					held(q), q.Len(), q.heldCap, q.promised, q.waking, q.waiting, q.Short())
			}
			if kept := q.free.Bytes(); kept > bound+bound/2 {
				t.Errorf("%d bytes of buffers kept with a bound of %d", kept, bound)
			}
		})
	}
}

// Writers, workers that come and go, and a Close in the middle: what Put
// accepted is got or discarded, what it refused is not.
func TestCloseInTheMiddle(t *testing.T) {
	for seed := range uint64(30) {
		q := New(20, 100_000)
		var put, got atomic.Int64
		var wg, workers sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				for {
					switch err := q.Put(make([]byte, 100)); err {
					case nil:
						put.Add(1)
					case ErrFull:
						q.Room(nil, time.Second)
					case ErrClosed:
						return
					default:
						panic(fmt.Sprint(err))
					}
				}
			})
		}
		for range 4 {
			workers.Go(func() {
				for range 500 {
					it, ok := q.Get(nil, 0)
					if !ok {
						return
					}
					got.Add(1)
					q.Done(it, true)
				}
			})
		}
		for got.Load() < int64(100*seed%1500) {
			runtime.Gosched()
		}
		q.Close()
		wg.Wait()
		workers.Wait()
		if n := int64(q.Discard()); got.Load()+n != put.Load() {
			t.Fatalf("got %d + discarded %d != %d put", got.Load(), n, put.Load())
		}
	}
}
