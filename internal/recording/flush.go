package recording

import (
	"errors"
	"time"

	"github.com/buger/gor/internal/disk"
	"github.com/buger/gor/internal/queue"
)

// What of the writer touches the disk, and what it does when that fails.

const (
	// retryFirst and retryMost bound the wait between attempts to write.
	retryFirst = 100 * time.Millisecond
	retryMost  = 5 * time.Second

	// nameAttempts is how often a name made from a message is tried. What
	// is wrong may be that name alone, and must not hold up the others.
	nameAttempts = 4
)

// tryOpen finds out what would fail, so that it is said at the start and not
// at the first request. A file whose name will be known later leaves its
// folder to look at.
func (w *writer) tryOpen(now time.Time) error {
	place := w.names.folder(now)
	if w.names.varies() {
		if err := makeFolder(place); err != nil {
			return err
		}
	} else {
		t := w.target(w.names.at(now, nil))
		if err := w.open(t); err != nil {
			return err
		}
		place = t.file.name
		if !t.file.regular {
			return nil
		}
	}
	if err := w.room(place); err != nil {
		w.say(err)
	}
	return nil
}

// flushAll writes what all targets hold back; see flush.
func (w *writer) flushAll(all bool) {
	for _, t := range w.targets {
		w.flush(t, all)
	}
	if w.pending > 0 {
		w.oldest = time.Now() // what waits for a response is looked at again
	}
}

// flush writes what t holds back. While that fails it tries again, less and
// less often, until closing: the queue fills up meanwhile, and who feeds it
// sheds. Without all, requests may wait for their responses where these stand beside
// them.
func (w *writer) flush(t *target, all bool) {
	wait := time.Duration(0)
	t.stuck = false
	for attempt := 1; len(t.held) > 0; attempt++ {
		err := w.write(t, all)
		if err == nil {
			if w.wrote(t) {
				continue // in the next chunk
			}
			return
		}
		if errors.Is(err, errTotalWritten) {
			w.endRecording()
			w.failures.AddN(failedTotal, uint64(len(t.held)))
			w.done(t, true)
			return
		}
		w.say(err)
		if w.names.perMessage && attempt >= nameAttempts && !errors.As(err, new(*disk.LowError)) {
			w.failures.AddN(failedWrite, uint64(len(t.held)))
			w.done(t, false)
			return
		}
		wait = min(max(2*wait, retryFirst), retryMost)
		if !queue.Sleep(w.closing, wait) {
			t.stuck = true
			return // end writes once more
		}
	}
}

// say reports a failure, once however often it is met.
func (w *writer) say(err error) {
	text := err.Error()
	if errors.As(err, new(*disk.LowError)) {
		text = "low disk" // what is left there changes all the time
	}
	if text == w.said {
		return
	}
	if w.said == "" {
		w.stopped = time.Now()
		w.stops.Add(1)
	}
	w.said = text
	w.logf("%s: %v; trying again, and nothing is recorded until that works", w.prefix, err)
}

// resume ends what say began.
func (w *writer) resume() {
	w.said = ""
	w.stoppedFor.Add(int64(time.Since(w.stopped)))
}

// write opens t if need be and writes its records.
func (w *writer) write(t *target, all bool) error {
	if w.over {
		return errTotalWritten
	}
	if t.file != nil {
		why, err := t.file.check()
		if err != nil {
			return err
		}
		if why != "" {
			w.logf("%s: %s %s; opening that name again", w.prefix, t.file.name, why)
			w.leave(t)
		}
	}
	if t.file == nil {
		if err := w.open(t); err != nil {
			return err
		}
	}
	if t.file.regular {
		if err := w.room(t.file.name); err != nil {
			return err
		}
	}
	if t.form != nil {
		return w.writeFormed(t, all)
	}
	out, err := w.pack.pack(t.file.kind, t.records)
	if err != nil {
		return err
	}
	if w.total > 0 && w.fileBytes.Load()+uint64(len(out)) > uint64(w.total) {
		return errTotalWritten
	}
	if w.chunks.passed(t.file, len(out)) {
		w.leave(t)
		if err := w.open(t); err != nil {
			return err
		}
	}
	return t.file.append(out)
}

// open opens the file of t, or makes its next chunk.
func (w *writer) open(t *target) (err error) {
	if w.chunks.any() {
		t.file, t.chunk, err = openChunk(t.name, w.spec(), t.chunk)
	} else {
		t.file, err = openFile(t.name, w.spec(), w.leftAlone)
	}
	if err != nil {
		return err
	}
	file := t.file
	if w.opened.Add(1) == 1 && file.held > 0 {
		w.logf("%s: appending to %s: %s", w.kind, file.name, file.contents())
	}
	w.current.Store(&file.name)
	return nil
}

func (w *writer) spec() fileSpec { return fileSpec{w.mode, w.readLimit, w.form} }

// wrote accounts for the records of t that are in the file now. It returns true when
// more of them belong to the next chunk.
func (w *writer) wrote(t *target) (more bool) {
	if w.said != "" {
		w.resume()
		w.logf("%s: recording again", w.prefix)
	}
	if t.form != nil {
		return w.wroteFormed(t)
	}
	w.delivered.Add(uint64(len(t.held)))
	w.recordBytes.Add(uint64(len(t.records)))
	w.fileBytes.Add(uint64(t.file.last))
	t.file.count += len(t.held)
	w.done(t, true)
	return false
}

// done lets go of what t held back.
func (w *writer) done(t *target, progressed bool) {
	w.pending -= t.size()
	w.q.DoneBatch(t.held, progressed)
	t.held, t.records = t.held[:0], t.records[:0]
	if t.form != nil {
		t.form.most = 0
		w.leave(t) // what was formed is not in it, and would be missed there
	}
	if cap(t.records) > keptBuffers/len(w.targets) {
		t.records = nil // neither a large message nor many files cost their size for ever
	}
}

// leave closes the file of t.
func (w *writer) leave(t *target) {
	if t.file != nil {
		if err := t.file.finish(); err != nil {
			w.logf("%s: end %s: %v", w.prefix, t.file.name, err)
		}
		t.file.close()
		t.file = nil
	}
	if t.form != nil {
		t.form.ready = false
	}
}
