package payload

import (
	"hash/maphash"
	"sync"
)

// An AttributeMemory keeps the attributes of messages that pass through a program which is given only four
// fields of their headers, so that what comes back gets them again. It is bounded: the oldest go first. All
// methods are safe for concurrent use.
type AttributeMemory struct {
	mu      sync.Mutex
	seed    maphash.Seed
	slots   map[uint64]int32 // of a hash of type and id, and of one of type, id and time
	ring    []remembered
	next    int32
	scratch []byte
}

type remembered struct {
	byID, byTime uint64
	attributes   []byte
}

// memorySlots bounds the memory: 4096 lists of at most 512 bytes are 2 MiB. A program that holds more messages
// than that is far behind, and attributes are rare.
const memorySlots = 4096

// NewAttributeMemory returns an empty memory. It takes up room only when there is something to remember.
func NewAttributeMemory() *AttributeMemory {
	return &AttributeMemory{seed: maphash.MakeSeed()}
}

// keys returns a hash of type and id, and one of the time too: several targets answer one request, each at a
// time of its own.
func (a *AttributeMemory) keys(m *Meta) (byID, byTime uint64) {
	var h maphash.Hash
	h.SetSeed(a.seed)
	h.WriteByte(m.Type)
	h.Write(m.ID)
	byID = h.Sum64()
	h.WriteByte(' ')
	for shift := 0; shift < 64; shift += 8 {
		h.WriteByte(byte(m.Time >> shift))
	}
	return byID, h.Sum64()
}

// Put remembers the attributes of msg.
func (a *AttributeMemory) Put(msg []byte) {
	attributes := attributesOf(msg)
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(attributes) == 0 && len(a.slots) == 0 {
		return // nearly all messages
	}
	m, _, err := Split(msg)
	if err != nil {
		return
	}
	byID, byTime := a.keys(&m)
	if len(attributes) == 0 {
		// The id has come again, in a recording that is replayed twice perhaps, and had some before.
		delete(a.slots, byID)
		delete(a.slots, byTime)
		return
	}
	if a.slots == nil {
		a.slots = make(map[uint64]int32)
		a.ring = make([]remembered, memorySlots)
	}
	r := &a.ring[a.next]
	a.forget(r.byID, a.next)
	a.forget(r.byTime, a.next)
	r.byID, r.byTime, r.attributes = byID, byTime, append(r.attributes[:0], attributes...)
	a.slots[byID], a.slots[byTime] = a.next, a.next
	a.next = (a.next + 1) % memorySlots
}

// forget takes a key off that still stands for slot.
func (a *AttributeMemory) forget(key uint64, slot int32) {
	if at, ok := a.slots[key]; ok && at == slot {
		delete(a.slots, key)
	}
}

// Restore returns msg with the attributes that were put for its type and id, of several the ones that had its
// time too. Attributes that msg has itself stay, and come first. The result is msg itself when there are none,
// and otherwise valid until the next call.
func (a *AttributeMemory) Restore(msg []byte) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.slots) == 0 {
		return msg
	}
	m, body, err := Split(msg)
	if err != nil {
		return msg
	}
	byID, byTime := a.keys(&m)
	slot, ok := a.slots[byTime]
	if !ok {
		slot, ok = a.slots[byID]
		if !ok {
			return msg
		}
	}
	var room [2 * maxHeader]byte
	list := append(room[:0], m.Attributes...)
	for field, rest := cutField(a.ring[slot].attributes); len(field) > 0; field, rest = cutField(rest) {
		if _, has := m.Attribute(string(keyOf(field))); has {
			continue
		}
		if len(list) > 0 {
			list = append(list, ' ')
		}
		list = append(list, field...)
	}
	m.Attributes, m.Length = list, int64(len(body))
	if cap(a.scratch) > memoryKeep {
		a.scratch = nil
	}
	a.scratch = append(AppendMeta(a.scratch[:0], m), body...)
	return a.scratch
}

// memoryKeep is from which size on the room of one large message is given back.
const memoryKeep = 1 << 20
