// Package message is what the readers of other formats share: lines of bounded
// length, errors with a position, and the building of requests and responses
// from their parts. What is built here is marked so (payload.AttrOrigin): nobody
// saw these bytes on a wire.
package message

import (
	"fmt"
	"io"
)

// A PositionError says where in a file something is wrong.
type PositionError struct {
	Line   int64 // from 1; 0: not known
	Offset int64 // bytes from the beginning of the file, after decompression
	Err    error
}

func (e *PositionError) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("line %d (byte %d): %v", e.Line, e.Offset, e.Err)
	}
	return fmt.Sprintf("byte %d: %v", e.Offset, e.Err)
}

func (e *PositionError) Unwrap() error { return e.Err }

// A CutError says that a file ends before what it begins is whole, as that of a
// program that was stopped does. It is an io.ErrUnexpectedEOF.
type CutError struct{ Text string }

func (e *CutError) Error() string { return e.Text }
func (e *CutError) Unwrap() error { return io.ErrUnexpectedEOF }
