package queue

import (
	"fmt"
	"sync"
	"testing"
)

func TestAllocates(t *testing.T) {
	for _, size := range []int{0, 100, 500, 5000, 60000} {
		q := New(100, 1<<20)
		p := make([]byte, size)
		cycle := func() {
			for range 10 {
				if err := q.Put(p); err != nil {
					t.Fatal(err)
				}
			}
			for range 10 {
				it, _ := q.Get(nil, long)
				q.Done(it, true)
			}
		}
		cycle()
		if n := testing.AllocsPerRun(100, cycle); n != 0 {
			t.Errorf("messages of %d bytes: %v allocations for ten", size, n)
		}
	}
}

// Waiting, on either side, allocates nothing.
func TestWaitAllocates(t *testing.T) {
	q := New(1, 1<<20)
	var workers sync.WaitGroup
	for range 3 {
		workers.Go(func() {
			for {
				it, ok := q.Get(nil, long)
				if !ok {
					return
				}
				q.Done(it, true)
			}
		})
	}
	p := make([]byte, 100)
	cycle := func() {
		for range 1000 {
			for q.Put(p) == ErrFull {
				q.Room(nil, long)
			}
		}
	}
	cycle()
	if n := testing.AllocsPerRun(20, cycle); n > 2 {
		t.Errorf("%v allocations for a thousand messages", n)
	}
	q.Close()
	workers.Wait()
}

// BenchmarkQueue is one Put, Get and Done for each operation.
func BenchmarkQueue(b *testing.B) {
	for _, size := range []int{500, 8000} {
		b.Run(fmt.Sprintf("alone/%dB", size), func(b *testing.B) {
			q := New(100, 1<<20)
			p := make([]byte, size)
			b.ReportAllocs()
			for b.Loop() {
				if err := q.Put(p); err != nil {
					b.Fatal(err)
				}
				it, _ := q.Get(nil, long)
				q.Done(it, true)
			}
		})
		for _, workers := range []int{1, 4, 32} {
			b.Run(fmt.Sprintf("workers=%d/%dB", workers, size), func(b *testing.B) {
				benchWorkers(b, workers, size, func(q *Queue) {
					for {
						it, ok := q.Get(nil, long)
						if !ok {
							return
						}
						q.Done(it, true)
					}
				})
			})
		}
		b.Run(fmt.Sprintf("batch/%dB", size), func(b *testing.B) {
			benchWorkers(b, 1, size, func(q *Queue) {
				dst := make([]Item, 64)
				for {
					n := q.GetBatch(dst, nil, long)
					if n == 0 {
						return
					}
					for _, it := range dst[:n] {
						q.Done(it, true)
					}
				}
			})
		})
	}
}

func benchWorkers(b *testing.B, workers, size int, work func(*Queue)) {
	q := New(100, 4<<20)
	p := make([]byte, size)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() { work(q) })
	}
	b.ReportAllocs()
	for b.Loop() {
		for q.Put(p) == ErrFull {
			q.Room(nil, long)
		}
	}
	q.Close()
	wg.Wait()
}

// BenchmarkChannel is what a plain channel of fresh copies costs.
func BenchmarkChannel(b *testing.B) {
	for _, workers := range []int{1, 4} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			c := make(chan []byte, 100)
			p := make([]byte, 500)
			var wg sync.WaitGroup
			for range workers {
				wg.Go(func() {
					for range c {
					}
				})
			}
			b.ReportAllocs()
			for b.Loop() {
				c <- append([]byte(nil), p...)
			}
			close(c)
			wg.Wait()
		})
	}
}
