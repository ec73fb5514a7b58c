package har

import (
	"encoding/json"
	"slices"

	"github.com/buger/gor/internal/formats/message"
	"github.com/buger/gor/internal/payload"
)

// Head and Tail stand before and behind the entries of an archive that a Writer
// or a Live made.
const (
	Head = `{"log":{"version":"1.2","creator":{"name":"Gor","version":"1"},"entries":[` + "\n"
	Tail = "\n]}}\n"
)

// A Live makes entries for an archive that is written while the messages come.
// What it gives goes in front of Tail, so that the file is an archive all the time.
type Live struct {
	w     *Writer // makes entries
	begun bool    // an entry is there

	// Requests wait for their responses only as long as responses come at all.
	lonely   int // requests in a row that were written without one
	answered map[string]bool
	order    []string // of answered, the oldest first
}

const (
	// lonelyMost is how many requests without responses show that there are none.
	lonelyMost = 100
	// answeredMost is how many of the last exchanges that were written a Live remembers:
	// another response for one of them is ignored.
	answeredMost = 4096
)

// NewLive returns the writer of one archive. One that goes on with an archive that
// is there writes no head; hasEntries says whether that has an entry.
func NewLive(hasEntries bool) *Live {
	return &Live{w: NewWriter(nil, ""), begun: hasEntries, answered: map[string]bool{}}
}

// Encode appends entries of a batch. A request waits for its response unless it is
// late or all is true.
func (l *Live) Encode(dst []byte, batch []message.Pending, all bool) []byte {
	if len(batch) == 0 {
		return dst
	}
	answers := map[string]int{} // by id: where in batch
	requests := map[string]bool{}
	for i := range batch {
		p := &batch[i]
		m, _, err := payload.Split(p.Msg)
		id := string(m.ID)
		switch before, known := answers[id]; {
		case err != nil:
			p.Fate = message.Unfit
		case m.Type == payload.Request:
			p.Fate = message.Waits
			requests[id] = true
		case !requests[id] && l.answered[id]:
			p.Fate = message.Ignored
		case !requests[id]:
			l.lonely = 0 // responses do come, late
			p.Fate = message.Unfit
		case known && !(batch[before].Msg[0] == payload.ReplayResponse && m.Type == payload.Response):
			p.Fate = message.Ignored
		default:
			if known {
				batch[before].Fate = message.Ignored
			}
			p.Fate = message.Waits
			answers[id] = i
		}
	}
	for i := range batch {
		p := &batch[i]
		if p.Fate != message.Waits || !payload.IsRequest(p.Msg) {
			continue
		}
		x := pending{id: string(payload.ID(p.Msg)), req: p.Msg}
		at, has := answers[x.id]
		if has {
			x.resp = batch[at].Msg
		} else if !all && !p.Late && l.lonely < lonelyMost {
			continue
		}
		fate := message.Unfit
		dst, has = l.entry(dst, &x)
		if has {
			fate = message.Written
		}
		p.Fate, p.End = fate, len(dst)
		if x.resp != nil {
			batch[at].Fate, batch[at].End = fate, len(dst)
			l.lonely = 0
			l.remember(x.id)
			delete(answers, x.id)
		} else {
			l.lonely++
		}
	}
	return dst
}

func (l *Live) entry(dst []byte, x *pending) ([]byte, bool) {
	e, ok := l.w.export(x)
	if !ok {
		return dst, false
	}
	text, err := json.Marshal(e)
	if err != nil {
		return dst, false
	}
	if l.begun {
		dst = append(dst, ",\n"...)
	} else {
		dst = append(dst, Head...)
	}
	l.begun = true
	return append(dst, text...), true
}

func (l *Live) remember(id string) {
	if l.answered[id] {
		return
	}
	if len(l.order) == answeredMost {
		delete(l.answered, l.order[0])
		l.order = slices.Delete(l.order, 0, 1)
	}
	l.answered[id] = true
	l.order = append(l.order, id)
}
