package main

import (
	"net"
	"sync"
	"sync/atomic"
)

// workers are the goroutines of an HTTP output. Their number follows the
// queue, as Gor's FAQ has it, unless --output-http-workers fixes it.
type workers struct {
	least, most int64
	work        func()

	wg          sync.WaitGroup
	running     atomic.Int64
	starting    atomic.Int64 // of those, not yet at their first message
	connections atomic.Uint64

	mu     sync.Mutex
	conns  map[net.Conn]struct{} // of all workers, for closeAll
	closed bool
}

// growAbove is the length of the queue from which more workers start: as
// many as it is long (the seed's FAQ).
const growAbove = 10

// workerBounds are the fewest and the most workers. --output-http-workers
// fixes both, unless --output-http-workers-min says more than its default.
func workerBounds(s *Settings) (least, most int64) {
	least, most = int64(max(s.HTTPWorkersMin, 1)), int64(s.HTTPWorkers)
	switch {
	case most <= 0:
		return least, max(least, maxHTTPWorkers)
	case least == 1:
		return most, most
	}
	return min(least, most), most
}

// grow starts workers when a queue of that length wants them: the fewest at
// the first message, later as many as the queue is long, but none while some
// that were started have not come to a message. It is called after each write.
func (w *workers) grow(waiting int) {
	if running := w.running.Load(); running >= w.least && (waiting <= growAbove || running >= w.most || w.starting.Load() > 0) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	running := w.running.Load()
	n := w.least - running
	if waiting > growAbove && w.starting.Load() == 0 {
		n = max(n, min(int64(waiting), w.most-running))
	}
	if n <= 0 || w.closed {
		return
	}
	w.running.Add(n)
	w.starting.Add(n)
	for range n {
		w.wg.Go(w.work)
	}
}

// started notes that a worker has come to its first message, or to its end.
func (w *workers) started() { w.starting.Add(-1) }

// mayEnd reports whether a worker that found nothing to do may end, and takes
// it off the count if so.
func (w *workers) mayEnd() bool {
	for {
		n := w.running.Load()
		if n <= w.least {
			return false
		}
		if w.running.CompareAndSwap(n, n-1) {
			return true
		}
	}
}

// watch makes closeAll end the connection.
func (w *workers) watch(conn net.Conn) {
	w.connections.Add(1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		conn.Close() // the next write says so
		return
	}
	if w.conns == nil {
		w.conns = make(map[net.Conn]struct{})
	}
	w.conns[conn] = struct{}{}
}

func (w *workers) unwatch(conn net.Conn) {
	w.mu.Lock()
	delete(w.conns, conn)
	w.mu.Unlock()
}

// closeAll ends all connections and lets no worker start any more. Each worker
// counts what it had in flight.
func (w *workers) closeAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for conn := range w.conns {
		conn.Close()
	}
}
