package recording

import (
	"time"

	"github.com/buger/gor/internal/formats"
	"github.com/buger/gor/internal/formats/message"
	"github.com/buger/gor/internal/queue"
)

// This file is the part of the writer for files that do not hold records: HAR, curl
// lines, JSON lines, packets. Messages are kept as they came, and are encoded when they
// are written, for the file that they go to.
// formed is what a target needs for such files.
type formed struct {
	kind  formats.Kind
	most  int // bytes that the messages held back take in a file, at most
	batch []message.Pending
	out   []byte // what was formed of batch
	take  int    // bytes of out that belong to the file that is open
	ready bool   // out was encoded for the file that is open
}

const (
	// answerWait is how long a request waits for its response, to stand beside it in a
	// HAR: longer than all but broken exchanges take, and short enough for a reader
	// who follows the file.
	answerWait = 5 * time.Second
	// waitingMost bounds the requests that wait, as they are looked at with each flush.
	waitingMost = 1000
	// formedBuffer is how much may be held back, as Kind.Most counts it: some 256 KiB
	// of messages, and for a HAR those that wait.
	formedBuffer = 2 << 20
)

// addFormed puts a message among those of its file.
func (w *writer) addFormed(t *target, it queue.Item, now time.Time) {
	most := t.form.kind.Most(it.Bytes)
	if w.limited(t, most) && !w.makeRoom(t, it, most) {
		return
	}
	t.form.most += most
	t.form.ready = false
	w.hold(t, it, most, now)
}

// formBatch encodes the messages that t holds back, for its open file.
func (w *writer) formBatch(t *target, all bool) {
	f := t.form
	if f.ready {
		return // it could not be written before
	}
	f.batch = f.batch[:0]
	spare := len(t.held) - waitingMost            // so many of the oldest have waited long enough
	bytes := f.most - w.buffer/(2*len(w.targets)) // half of the buffer is free then, whichever files the messages are for
	for i := range t.held {
		it := &t.held[i]
		late := i < spare || bytes > 0 || w.q.Age(*it) >= w.wait
		bytes -= f.kind.Most(it.Bytes)
		f.batch = append(f.batch, message.Pending{Msg: it.Bytes, Late: late})
	}
	f.out = t.file.live.Encode(f.out[:0], f.batch, all)
	f.take, f.ready = len(f.out), true
}

// cut returns how many bytes of what was encoded fit the chunk of t, in whole
// messages. What is too large for any chunk has one to itself.
func (w *writer) cut(t *target) int {
	f := t.form
	room := int64(w.chunks.bytes - len(f.kind.Tail()))
	if t.exactFile() {
		room -= t.file.size - int64(t.file.tail)
	} else {
		room -= int64(packOverhead(w.chunks.bytes)) // whether it fits behind what is there already, passed tells
	}
	if w.chunks.bytes == 0 || int64(len(f.out)) <= room {
		return len(f.out)
	}
	most, first := 0, len(f.out)
	for i := range f.batch {
		if p := &f.batch[i]; p.Fate == message.Written {
			first = min(first, p.End)
			if int64(p.End) <= room {
				most = max(most, p.End)
			}
		}
	}
	if most == 0 && (t.file.count == 0 || !t.exactFile()) {
		return first
	}
	return most
}

// exactFile reports whether the file of t gets what is formed for it as it is.
func (t *target) exactFile() bool { return t.file.kind == packNone }

// writeFormed writes what the open file of t gets of the messages.
func (w *writer) writeFormed(t *target, all bool) error {
	f := t.form
	for range 2 { // the second time in a new chunk
		if t.file.full {
			w.leave(t)
			if err := w.open(t); err != nil {
				return err
			}
		}
		w.formBatch(t, all)
		if len(f.out) == 0 {
			return nil
		}
		f.take = w.cut(t)
		if f.take > 0 {
			break
		}
		t.file.full = true
	}
	out, err := w.pack.pack(t.file.kind, f.out[:f.take])
	if err != nil {
		return err
	}
	if w.total > 0 && w.fileBytes.Load()+uint64(len(out)) > uint64(w.total) {
		return errTotalWritten
	}
	if t.file.kind != packNone && w.chunks.passed(t.file, len(out)) {
		w.leave(t)
		if err := w.open(t); err != nil {
			return err
		}
		w.formBatch(t, all)
		f.take = w.cut(t)
		if out, err = w.pack.pack(t.file.kind, f.out[:f.take]); err != nil {
			return err
		}
	}
	return t.file.appendFormed(out)
}

// wroteFormed accounts for what writeFormed wrote, and keeps what waits. It returns
// true when more belongs to the next chunk.
func (w *writer) wroteFormed(t *target) (more bool) {
	f := t.form
	delivered, ignored, unfit := 0, 0, 0
	kept, done := t.held[:0], w.doneItems[:0]
	most := 0
	for i, it := range t.held {
		switch p := &f.batch[i]; {
		case p.Fate == message.Waits, p.Fate == message.Written && p.End > f.take:
			more = more || p.Fate == message.Written
			kept = append(kept, it)
			most += f.kind.Most(it.Bytes)
			continue
		case p.Fate == message.Written:
			delivered++
		case p.Fate == message.Ignored:
			ignored++
		default:
			unfit++
		}
		done = append(done, it)
	}
	w.delivered.Add(uint64(delivered))
	w.ignored.Add(uint64(ignored))
	w.failures.AddN(failedForm, uint64(unfit))
	if len(f.out) > 0 {
		w.recordBytes.Add(uint64(f.take))
		w.fileBytes.Add(uint64(t.file.last))
	}
	t.file.count += delivered
	t.file.full = more && t.exactFile()
	w.q.DoneBatch(done, true)
	clear(done)
	clear(t.held[len(kept):])
	w.pending += most - f.most
	t.held, f.most, f.ready = kept, most, false
	clear(f.batch)
	w.doneItems = done[:0]
	if cap(done) > waitingMost {
		w.doneItems = nil
	}
	if cap(f.out) > keptBuffers/len(w.targets) {
		f.out = nil
	}
	return more
}
