package main

import (
	"hash/maphash"
	"sync"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/queue"
)

// fates says what a middleware did with the messages that it was given, by
// their type and id:
//
//	given + added = come back + dropped + unanswered + inside
//
// It is bounded: of too many inside, the oldest count as dropped; one that
// comes back all the same counts as added.
type fates struct {
	mu      sync.Mutex
	seed    maphash.Seed
	inside  map[uint64]insider
	ring    []uint64 // in the order in which they went in; 0 is empty
	next    int
	count   uint64 // inside
	dropped uint64
	added   uint64

	// unanswered is what was inside when the program died or was killed. Gor
	// cannot tell what of it the program had read and dropped from what it
	// never saw.
	unanswered uint64
}

// An insider is how often a message is inside, and where in the ring its last
// time stands.
type insider struct{ n, at int32 }

// fatesInside bounds the memory to about 2 MB.
const fatesInside = 64 << 10

func (f *fates) init() {
	f.seed = maphash.MakeSeed()
	f.inside = make(map[uint64]insider)
	f.ring = make([]uint64, fatesInside)
}

func (f *fates) key(msg []byte) uint64 {
	return maphash.Bytes(f.seed, payload.ID(msg))*3 + uint64(msg[0]) | 1
}

// out notes messages that are given to the program.
func (f *fates) out(items []queue.Item) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, it := range items {
		k := f.key(it.Bytes)
		if old, ok := f.inside[f.ring[f.next]]; ok && int(old.at) == f.next {
			f.dropped += uint64(old.n)
			f.count -= uint64(old.n)
			delete(f.inside, f.ring[f.next])
		}
		f.ring[f.next] = k
		f.inside[k] = insider{f.inside[k].n + 1, int32(f.next)}
		f.next = (f.next + 1) % len(f.ring)
		f.count++
	}
}

// forget takes back what out noted: the program was not given it.
func (f *fates) forget(items []queue.Item) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, it := range items {
		f.leave(f.key(it.Bytes))
	}
}

// back notes a message that came back.
func (f *fates) back(msg []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.leave(f.key(msg)) {
		f.added++
	}
}

// leave reports false when there is none.
func (f *fates) leave(k uint64) bool {
	in, ok := f.inside[k]
	if !ok {
		return false
	}
	f.count--
	if in.n--; in.n == 0 {
		delete(f.inside, k)
	} else {
		f.inside[k] = in
	}
	return true
}

// over ends the account: nothing comes back any more. What is inside was
// dropped, unless the program died before it had read to the end.
func (f *fates) over(died bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if died {
		f.unanswered += f.count
	} else {
		f.dropped += f.count
	}
	f.count = 0
	clear(f.inside)
}

// lost is how many messages a program that died left unanswered.
func (f *fates) lost() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.unanswered
}

func (f *fates) counts() (dropped, added, inside uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.dropped, f.added, f.count
}
