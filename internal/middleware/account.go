package middleware

import (
	"hash/maphash"
	"sync"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/queue"
)

// An account says what a middleware did with the messages that it was given, by
// their type and id:
//
//	given + added = come back + dropped + unanswered + inside
//
// It is bounded: of too many inside, the oldest count as dropped; one that
// comes back all the same counts as added.
type account struct {
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

// accountInside bounds the memory to about 2 MB.
const accountInside = 64 << 10

func (a *account) init() {
	a.seed = maphash.MakeSeed()
	a.inside = make(map[uint64]insider)
	a.ring = make([]uint64, accountInside)
}

func (a *account) key(msg []byte) uint64 {
	return maphash.Bytes(a.seed, payload.ID(msg))*3 + uint64(msg[0]) | 1
}

// out notes messages that are given to the program.
func (a *account) out(items []queue.Item) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, it := range items {
		k := a.key(it.Bytes)
		if old, ok := a.inside[a.ring[a.next]]; ok && int(old.at) == a.next {
			a.dropped += uint64(old.n)
			a.count -= uint64(old.n)
			delete(a.inside, a.ring[a.next])
		}
		a.ring[a.next] = k
		a.inside[k] = insider{a.inside[k].n + 1, int32(a.next)}
		a.next = (a.next + 1) % len(a.ring)
		a.count++
	}
}

// forget takes back what out noted: the program was not given it.
func (a *account) forget(items []queue.Item) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, it := range items {
		a.leave(a.key(it.Bytes))
	}
}

// back notes a message that came back.
func (a *account) back(msg []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.leave(a.key(msg)) {
		a.added++
	}
}

// leave reports false when there is none.
func (a *account) leave(k uint64) bool {
	in, ok := a.inside[k]
	if !ok {
		return false
	}
	a.count--
	in.n--
	if in.n == 0 {
		delete(a.inside, k)
	} else {
		a.inside[k] = in
	}
	return true
}

// over ends the account: nothing comes back any more. What is inside was
// dropped, unless the program died before it had read to the end.
func (a *account) over(died bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if died {
		a.unanswered += a.count
	} else {
		a.dropped += a.count
	}
	a.count = 0
	clear(a.inside)
}

// lost is how many messages a program that died left unanswered.
func (a *account) lost() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.unanswered
}

func (a *account) counts() (dropped, added, inside uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.dropped, a.added, a.count
}
