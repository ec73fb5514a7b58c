package kafka

import (
	"errors"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/buger/gor/internal/payload"
)

var errControl = errors.New("the end of a transaction")

// A partition is what is known of one that is read here.
type partition struct {
	id int32

	records []*kgo.Record // fetched, not yet taken
	bytes   int           // of their values
	paused  bool          // no more is fetched for now

	// head is what the first of records holds, valid iff known.
	head struct {
		known bool
		msg   []byte
		time  int64 // ns since 1970
		err   error // of decode: it is not to be given
	}

	// Offsets are those of the next record: that fetch, take and commit will have.
	next int64 // to take; -1 while it is not known
	end  int64 // after the last record that there is; -1 while it is not known
	stop int64 // where reading ends, -1 for never
	hole int64 // the end of what could not be fetched

	// taken are the records that were taken, in order. Those that are done with are
	// removed from the front only.
	taken     []takenRecord
	committed int64 // -1: nothing is
	revoked   bool  // it went to another member: what is taken of it is not committed any more
}

type takenRecord struct {
	offset int64
	done   bool
}

// starving reports whether there is a record that was not fetched so far, and none that
// was.
func (p *partition) starving() bool { return len(p.records) == 0 && p.next >= 0 && p.next < p.end }

// lag is how many offsets lie behind the next to take.
func (p *partition) lag() int64 {
	if p.next < 0 || p.end < p.next {
		return 0
	}
	return p.end - p.next
}

// push adds a fetched record.
func (p *partition) push(r *kgo.Record) {
	p.records = append(p.records, r)
	p.bytes += len(r.Value)
	p.end = max(p.end, r.Offset+1)
}

// passed notes that what is from offset up to next cannot be fetched.
func (p *partition) passed(offset, next int64) {
	p.hole = next
	p.overHole()
	p.end = max(p.end, next)
}

// overHole goes on behind what cannot be fetched, once nothing before it is left.
func (p *partition) overHole() {
	if len(p.records) == 0 {
		p.next = max(p.next, p.hole)
	}
}

// peek decodes the oldest fetched record. Messages are compared by their own time: that of a
// record has milliseconds only.
func (p *partition) peek(limit int) {
	if p.head.known {
		return
	}
	r := p.records[0]
	p.head.known, p.head.time = true, r.Timestamp.UnixNano()
	if r.Attrs.IsControl() { // it ends somebody's transaction
		p.head.msg, p.head.err = nil, errControl
		return
	}
	if p.head.msg, p.head.err = decode(r.Value, limit); p.head.err == nil {
		if meta, _, err := payload.Split(p.head.msg); err == nil && meta.Time > 0 {
			p.head.time = meta.Time
		}
	}
}

// before reports whether the oldest record of p goes before that of q.
func (p *partition) before(q *partition) bool {
	if p.head.time != q.head.time {
		return p.head.time < q.head.time
	}
	return p.id < q.id
}

// take removes the oldest fetched record. It has to be marked as done with later.
func (p *partition) take() *kgo.Record {
	r := p.records[0]
	p.head.known = false
	p.records[0] = nil
	p.records = p.records[1:]
	p.bytes -= len(r.Value)
	p.next = r.Offset + 1
	p.overHole()
	p.taken = append(p.taken, takenRecord{offset: r.Offset})
	return r
}

// forget drops what was fetched and not taken.
func (p *partition) forget() {
	p.records, p.bytes = nil, 0
	p.head.known, p.head.msg = false, nil
}

// doneWith marks a record that was taken.
func (p *partition) doneWith(offset int64) {
	// They come nearly in order: it is one of the first.
	for i := range p.taken {
		if p.taken[i].offset == offset {
			p.taken[i].done = true
			break
		}
	}
	n := 0
	for n < len(p.taken) && p.taken[n].done {
		n++
	}
	if n == len(p.taken) {
		p.taken = p.taken[:0]
	} else if n > 0 {
		p.taken = p.taken[n:]
	}
}

// low is the offset below which everything is done with; -1 when that is not known.
func (p *partition) low() int64 {
	if len(p.taken) > 0 {
		return p.taken[0].offset
	}
	return p.next
}
