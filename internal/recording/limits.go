package recording

import (
	"errors"

	"github.com/buger/gor/internal/queue"
)

// What of the writer keeps to Config's ChunkBytes, ChunkRecords and MaxBytes.

// errTotalWritten says that MaxBytes leaves no room.
var errTotalWritten = errors.New("the files have their size")

// limited reports whether something must be done before t can have a record of
// that size.
func (w *writer) limited(t *target, size int) bool {
	return w.passesTotal(size) || w.chunks.any() && (w.chunks.full(t, size) || w.chunks.enough(t, size))
}

// passesTotal reports whether all files, what waits for them, and that would be
// more than may be written. Compressed, it may be less.
func (w *writer) passesTotal(size int) bool {
	return w.total > 0 && w.fileBytes.Load()+uint64(w.pending)+uint64(size) > uint64(w.total)
}

// makeRoom does that: it writes what waits, and leaves a chunk that is full.
// When it returns false the message, whose record has that size, is done with.
func (w *writer) makeRoom(t *target, it queue.Item, size int) bool {
	total, full := w.passesTotal(size), w.chunks.full(t, size)
	if total {
		w.flushAll(true) // shows what it takes when compressed
	} else {
		w.flush(t, full)
	}
	if t.stuck || total && w.pending > 0 { // closing, and it cannot be written
		w.q.Done(it, false)
		return false
	}
	if w.passesTotal(size) {
		w.endRecording()
	}
	if w.over {
		w.failures.Add(failedTotal)
		w.q.Done(it, true)
		return false
	}
	if full {
		w.leave(t)
	}
	return true
}

// endRecording has everything from here on counted as failed.
func (w *writer) endRecording() {
	if !w.over {
		w.over = true
		w.logf("%s: wrote %d bytes, and one more record would pass %s; recording has ended, and what still comes is counted as failed",
			w.prefix, w.fileBytes.Load(), w.totalName)
	}
}
