// Package recent remembers a small value for each of the last messages' ids, so
// that a response can follow its request.
package recent

import (
	"hash/maphash"

	"github.com/buger/gor/internal/payload"
)

// IDs are the ids of the last messages with a value each. The memory is bounded:
// the oldest id goes first. It is for one goroutine at a time.
type IDs struct {
	seed   maphash.Seed
	values map[uint64]uint16
	ring   []uint64 // ids in the order they came; 0 is empty
	next   int
}

// maxIDs bounds the memory to about 2 MB: a map entry and a slot of the
// ring are 30 bytes.
const maxIDs = 64 << 10

// New returns an empty memory, which takes none before the first Put.
func New() *IDs {
	return &IDs{seed: maphash.MakeSeed()}
}

// Put remembers v for the message's id. It does nothing on a nil receiver.
func (r *IDs) Put(msg []byte, v uint16) {
	if r == nil {
		return
	}
	if r.values == nil {
		r.values = make(map[uint64]uint16)
		r.ring = make([]uint64, maxIDs)
	}
	k := maphash.Bytes(r.seed, payload.ID(msg))
	if _, known := r.values[k]; !known {
		if old := r.ring[r.next]; old != 0 {
			delete(r.values, old)
		}
		r.ring[r.next] = k
		r.next = (r.next + 1) % len(r.ring)
	}
	r.values[k] = v
}

// Get returns what was put last for the message's id; ok is false when
// nothing was, or too long ago.
func (r *IDs) Get(msg []byte) (v uint16, ok bool) {
	if r == nil || r.values == nil {
		return 0, false
	}
	v, ok = r.values[maphash.Bytes(r.seed, payload.ID(msg))]
	return v, ok
}
