package console

import "io"

// drawBehind is how many bytes may be pending when a bar is drawn: more means
// that nobody is looking.
const drawBehind = 4 << 10

// SetBar puts a bar below the lines, or with nil takes it away.
func (c *Console) SetBar(bar Clearer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clearBar()
	c.bar = bar
}

// Draw calls f, which draws to BarWriter, while no line is written.
func (c *Console) Draw(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

// clearBar makes way for a line; the bar is drawn again soon. Call with the
// lock held.
func (c *Console) clearBar() {
	if c.bar != nil {
		_ = c.bar.Clear()
	}
}

// BarWriter is what a bar draws to, within Draw and its Clear only. What is
// drawn while nobody looks is not a line, and missed by nobody.
func (c *Console) BarWriter() io.Writer { return barWriter{c} }

type barWriter struct{ c *Console }

func (b barWriter) Write(p []byte) (int, error) {
	if c := b.c; !c.closed && c.missing == 0 && len(c.pending)+len(p) <= drawBehind {
		c.pending = append(c.pending, p...)
		c.signal()
	}
	return len(p), nil
}
