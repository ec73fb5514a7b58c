package plugin

import "io"

// A Held is a message that an input has until a Read takes it; nil is none. The
// memory is that of whoever made it.
type Held []byte

// Give copies the message to p and lets go of it. When p is too small it keeps
// the message and returns io.ErrShortBuffer, as Read has to.
func (h *Held) Give(p []byte) (int, error) {
	if len(p) < len(*h) {
		return 0, io.ErrShortBuffer
	}
	n := copy(p, *h)
	*h = nil
	return n, nil
}
