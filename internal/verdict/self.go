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
	selfMemory = 8 << 20
	selfMost   = 2000
	selfBody   = 64 << 10
)

// selfNoise finds what the old version's recorded answers to one GET differ in: that
// is noise without any change of version. It keeps the newest answer to each of the
// requests that came last.
type selfNoise struct {
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

func newSelfNoise() selfNoise {
	return selfNoise{seed: maphash.MakeSeed(), byKey: make(map[uint64]*list.Element), order: list.New()}
}

// add compares the pair's recorded answer with the one before it.
func (s *selfNoise) add(e *Engine, r *routeCount, p *Pair) {
	key, ok := s.key(p.Request)
	if !ok || p.Old.Error != "" || len(p.Old.Bytes) > selfBody {
		return
	}
	if at := s.byKey[key]; at != nil {
		before := at.Value.(*recorded)
		r.self++
		for _, f := range e.compare.Compare(r.name, &before.answer, p.Old) {
			if row := e.row(r, f, e.cfg.Rules.Expected(r.name, f)); row != nil {
				row.self++
			}
		}
		s.drop(at)
	}
	a := *p.Old
	a.Bytes = bytes.Clone(a.Bytes)
	s.held += len(a.Bytes)
	s.byKey[key] = s.order.PushFront(&recorded{key, a})
	for s.held > selfMemory || s.order.Len() > selfMost {
		s.drop(s.order.Back())
	}
}

func (s *selfNoise) drop(at *list.Element) {
	old := s.order.Remove(at).(*recorded)
	s.held -= len(old.answer.Bytes)
	delete(s.byKey, old.key)
}

// key is of the target and of all headers that may choose the answer. ok is false for
// what is no GET.
func (s *selfNoise) key(request []byte) (uint64, bool) {
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
