package recording

import (
	"slices"

	"github.com/buger/gor/internal/formats"
	"github.com/buger/gor/internal/queue"
)

// A target is a name that is written to and the records that are held
// back.
type target struct {
	name    string
	file    *file // nil: not open
	records []byte
	held    []queue.Item // the messages of records
	chunk   int          // index of the last one, below zero when none is known
	form    *formed      // nil: records
	stuck   bool         // flush gave up, as closing does
}

// size is how many bytes the messages that t holds back take in a file, at most
// when they are not records.
func (t *target) size() int {
	if t.form != nil {
		return t.form.most
	}
	return len(t.records)
}

// openFiles is how many files are open when their names depend on the
// messages: %t needs three, for %r there is no number that would do.
const openFiles = 16

// waitingFiles is the same for HAR, where a file of its own for each id waits for the
// response: a quarter of the files that a process may have open on most systems.
const waitingFiles = 256

// target returns the target of that name, and makes room for it.
func (w *writer) target(name []byte) *target {
	for i, t := range w.targets {
		if t.name != string(name) {
			continue
		}
		if i > 0 {
			copy(w.targets[1:i+1], w.targets[:i])
			w.targets[0] = t
		}
		return t
	}
	if len(w.targets) >= w.most {
		last := w.spare()
		w.flush(w.targets[last], true)
		w.done(w.targets[last], false) // nothing, unless closing
		w.leave(w.targets[last])
		w.targets = slices.Delete(w.targets, last, last+1)
	}
	t := &target{name: string(name), chunk: -1}
	if w.form != formats.Recording {
		t.form = &formed{kind: w.form}
	}
	w.targets = slices.Insert(w.targets, 0, t)
	return t
}

// spare is the index of the target that others need least: the one that was used
// longest ago of those in which no single message waits for another, or of all.
func (w *writer) spare() int {
	for i := len(w.targets) - 1; i >= 0; i-- {
		if len(w.targets[i].held) != 1 {
			return i
		}
	}
	return len(w.targets) - 1
}

func (w *writer) closeAll() {
	for _, t := range w.targets {
		w.leave(t)
	}
}
