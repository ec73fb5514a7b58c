package queue

import "io"

// A Reader gives a Queue's messages in the words of package io, one for each
// Read. It is for one goroutine.
type Reader struct {
	Queue *Queue

	item Item // valid iff held
	held bool // item is taken and not yet given: the last Read's buffer was short
}

// Read copies the oldest message into p, and waits for one. It returns
// io.ErrShortBuffer, and keeps the message for the next call, when p is too
// small, and io.EOF when the Queue is closed and empty.
func (r *Reader) Read(p []byte) (int, error) {
	if !r.held {
		r.item, r.held = r.Queue.Get(nil, 0)
		if !r.held {
			return 0, io.EOF
		}
	}
	if len(p) < len(r.item.Bytes) {
		return 0, io.ErrShortBuffer
	}
	n := copy(p, r.item.Bytes)
	r.Queue.Done(r.item, true)
	r.item, r.held = Item{}, false
	return n, nil
}
