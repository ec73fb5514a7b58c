package verdict

import (
	"bytes"
	"container/list"
	"hash/maphash"

	"github.com/buger/gor/internal/http1"
)

const (
	// selfMemory bounds the recorded answers that are kept to be compared with later
	// ones to the same request, in bytes, and selfMost how many. selfBody is the
	// longest that is kept.
	selfMemory = 4 << 20
	selfMost   = 2000
	selfBody   = 64 << 10
)

// A Recorded remembers what the old version was recorded to answer to a GET, for the
// next time that the same request was recorded: what the two answers differ in is noise
// without any change of version. It keeps the newest answer to each of the requests that
// came last. It serves one goroutine.
type Recorded struct {
	seed  maphash.Seed
	byKey map[uint64]*list.Element
	order *list.List // of *recorded, the newest first
	held  int
	req   http1.Request
}

type recorded struct {
	key    uint64
	answer Answer
}

// NewRecorded returns a Recorded without an answer.
func NewRecorded() *Recorded {
	return &Recorded{seed: maphash.MakeSeed(), byKey: make(map[uint64]*list.Element), order: list.New()}
}

// Before returns what the old version answered to the pair's request the last time, nil
// when it is not known, and remembers what it answers now.
func (s *Recorded) Before(p *Pair) (before *Answer) {
	if p.Old == nil || p.Old.Error != "" || len(p.Old.Bytes) > selfBody {
		return nil
	}
	key, ok := s.key(p.Request)
	if !ok {
		return nil
	}
	if at := s.byKey[key]; at != nil {
		before = &at.Value.(*recorded).answer
		s.drop(at)
	}
	a := *p.Old
	a.Bytes = bytes.Clone(a.Bytes)
	s.held += len(a.Bytes)
	s.byKey[key] = s.order.PushFront(&recorded{key, a})
	for s.held > selfMemory || s.order.Len() > selfMost {
		s.drop(s.order.Back())
	}
	return before
}

func (s *Recorded) drop(at *list.Element) {
	old := s.order.Remove(at).(*recorded)
	s.held -= len(old.answer.Bytes)
	delete(s.byKey, old.key)
}

// key is of the target and of all headers that may choose the answer. ok is false for
// what is no GET.
func (s *Recorded) key(request []byte) (uint64, bool) {
	if !bytes.HasPrefix(request, []byte("GET ")) || s.req.Parse(request) != nil {
		return 0, false
	}
	var h maphash.Hash
	h.SetSeed(s.seed)
	h.Write(s.req.Target())
	for _, name := range [...]string{"Host", "Authorization", "Cookie", "Accept", "Accept-Language", "Accept-Encoding", "Range", "If-None-Match", "If-Modified-Since"} {
		v, _ := s.req.Header(name)
		h.WriteByte('\n')
		h.Write(v)
	}
	return h.Sum64(), true
}
