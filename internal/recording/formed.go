package recording

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

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

// begin makes the live form of a file that holds so many bytes before compression.
func (r *file) begin(holds int64) {
	if r.form != formats.Recording {
		r.live = formats.NewLive(r.form, holds)
	}
}

// endBytes is what stands behind all messages of the file, as it stands there: in a
// compressed file it is a gzip member or zstd frame of its own.
func (r *file) endBytes() ([]byte, error) {
	var p packers
	text := r.form.Tail()
	if text == "" {
		return nil, nil
	}
	return p.pack(r.kind, []byte(text))
}

// appendFormed is append for what is in front of the file's end, such as the
// brackets of a HAR: it replaces the end that is there, and writes it again, so that
// the file is whole all the time.
func (r *file) appendFormed(out []byte) error {
	if r.form.Tail() == "" || !r.regular {
		return r.append(out)
	}
	end, err := r.endBytes()
	if err != nil {
		return err
	}
	before := r.tail
	if before > 0 {
		if err := r.f.Truncate(r.size - int64(before)); err != nil {
			return err
		}
		r.size, r.tail = r.size-int64(before), 0
	}
	if err := r.append(append(out[:len(out):len(out)], end...)); err != nil {
		if before > 0 { // there was room for it
			if n, werr := r.f.Write(end); werr == nil {
				r.size, r.tail = r.size+int64(n), n
			}
		}
		return err
	}
	r.tail = len(end)
	r.last -= before
	return nil
}

// finish ends a file that is left: one without any message gets what makes it one of
// its kind, and a pipe its end.
func (r *file) finish() error {
	if r.live == nil {
		return nil
	}
	var p packers
	out, err := p.pack(r.kind, r.live.Head())
	if err != nil {
		return err
	}
	switch {
	case !r.regular:
		end, err := r.endBytes()
		if err != nil {
			return err
		}
		_, err = r.f.Write(append(out[:len(out):len(out)], end...))
		return err
	case r.size == 0 && len(out) > 0:
		return r.appendFormed(out)
	}
	return nil
}

// inspectForm finds out whether the file, which is not empty, can be continued.
func (r *file) inspectForm() error {
	section := io.NewSectionReader(r.f, 0, r.size)
	if r.kind == packNone {
		if r.form == formats.Pcap {
			if r.size > checkPlainMost {
				return &leftAlone{"is too large to look for a torn end"}
			}
			return r.mayContinue(formats.ContinueCapture(section), r.size)
		}
		head, tail := make([]byte, min(r.size, formats.ContinueHead)), make([]byte, min(r.size, formats.ContinueHead))
		if _, err := r.f.ReadAt(head, 0); err != nil {
			return err
		}
		if _, err := r.f.ReadAt(tail, r.size-int64(len(tail))); err != nil {
			return err
		}
		r.tail = len(r.form.Tail())
		return r.mayContinue(r.form.CanContinue(head, tail, r.size), r.size)
	}
	end, err := r.endBytes()
	if err != nil {
		return err
	}
	if len(end) > 0 {
		have := make([]byte, min(r.size, int64(len(end))))
		if _, err := r.f.ReadAt(have, r.size-int64(len(have))); err != nil {
			return err
		}
		if string(have) != string(end) {
			return &leftAlone{fmt.Sprintf("is %v that was cut, or that Gor did not write", r.form)}
		}
		r.tail = len(end)
	}
	var plain io.Reader
	if r.kind == packGzip {
		plain, err = gzip.NewReader(section)
	} else {
		var z *zstd.Decoder
		if z, err = zstd.NewReader(section, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(8<<20)); err == nil {
			defer z.Close()
			plain = z
		}
	}
	if err != nil {
		return &leftAlone{fmt.Sprintf("cannot be read (%v)", err)}
	}
	count := &ends{}
	if r.form == formats.Pcap {
		err = formats.ContinueCapture(io.TeeReader(plain, count))
	} else if _, err = io.Copy(count, plain); err == nil {
		err = r.form.CanContinue(count.head, count.tail, count.size)
	}
	return r.mayContinue(err, count.size)
}

// mayContinue begins to continue a file unless there is a reason against it.
func (r *file) mayContinue(reason error, holds int64) error {
	if reason == nil {
		r.begin(holds)
		return nil
	}
	if errors.Is(reason, io.ErrUnexpectedEOF) {
		return &leftAlone{"is torn or damaged"}
	}
	return &leftAlone{reason.Error()}
}

// ends keeps the first and last bytes of what is written to it.
type ends struct {
	head, tail []byte
	size       int64
}

func (e *ends) Write(p []byte) (int, error) {
	e.size += int64(len(p))
	if room := formats.ContinueHead - len(e.head); room > 0 {
		e.head = append(e.head, p[:min(room, len(p))]...)
	}
	e.tail = append(e.tail, p[max(len(p)-formats.ContinueHead, 0):]...)
	if over := len(e.tail) - formats.ContinueHead; over > 0 {
		e.tail = append(e.tail[:0], e.tail[over:]...)
	}
	return len(p), nil
}
