package pace

const second = 1_000_000_000 // ns

// A Window lets at most N messages through in each second. The seconds are
// counted from the first message, so that a steady stream gets exactly N of
// each, and what one second left unused is not carried over. Not safe for
// concurrent use.
type Window struct {
	n     int
	start int64 // of the current second
	used  int
	begun bool
}

// NewWindow returns a Window for n messages a second.
func NewWindow(n int) Window { return Window{n: n} }

// Free reports whether another message may pass at now, in ns. A clock that
// was set back starts a new second.
func (w *Window) Free(now int64) bool {
	w.roll(now)
	return w.used < w.n
}

// Spend counts a message that passed.
func (w *Window) Spend(now int64) {
	w.roll(now)
	w.used++
}

func (w *Window) roll(now int64) {
	switch past := now - w.start; {
	case !w.begun || past < 0:
		w.start, w.used, w.begun = now, 0, true
	case past >= second:
		w.start += past - past%second
		w.used = 0
	}
}
