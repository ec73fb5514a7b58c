package assemble

import "github.com/buger/gor/internal/buffers"

// A Writer fills batches on the assembler's side of a handover.
type Writer struct {
	to  *Handover
	cur *batch

	// mustShed says that the source must not be kept waiting any longer: its
	// ring is about to overflow. Nil for a source that can wait.
	mustShed func() bool
}

// NewWriter returns a writer for one assembler. mustShed says that waiting for the
// reader would lose packets; nil for a source that can wait.
func NewWriter(to *Handover, mustShed func() bool) *Writer {
	to.mu.Lock()
	to.writers++
	to.mu.Unlock()
	return &Writer{to: to, cur: &batch{}, mustShed: mustShed}
}

// room returns the batch that takes a message of n bytes, nil when nothing
// takes it because Next is called too slowly. What the batch holds already is
// kept in any case.
func (w *Writer) room(n int) *batch {
	if len(w.cur.entries) > 0 && w.cur.cost()+n+messageOverhead > batchBytes {
		w.flush()
		if len(w.cur.entries) > 0 {
			return nil
		}
	}
	if len(w.cur.entries) == 0 && cap(w.cur.arena) < n || w.cur.arena == nil {
		w.cur.block.Free()
		// At once, not by doubling, and with room for one that is a little larger.
		w.cur.block = buffers.NewKept((n + batchBytes - 1) / batchBytes * batchBytes)
		w.cur.arena = w.cur.block.Bytes[:0]
	}
	return w.cur
}

// flush hands over what there is, if there is room for it.
func (w *Writer) flush() {
	if len(w.cur.entries) > 0 {
		w.cur, _ = w.to.put(w.cur, w.mustShed)
	}
}

// end hands over the rest and says that it is the last.
func (w *Writer) end() {
	w.to.last(w.cur)
	w.cur = &batch{}
}

// next appends an entry.
func (b *batch) next() *entry {
	b.entries = append(b.entries, entry{})
	return &b.entries[len(b.entries)-1]
}
