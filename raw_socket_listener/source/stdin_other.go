//go:build !linux

package source

import "io"

// interruptible gives a reader of r whose Close ends a Read that waits, where
// r can do that.
func interruptible(r io.Reader) (io.ReadCloser, error) {
	if rc, ok := r.(io.ReadCloser); ok {
		return rc, nil
	}
	return io.NopCloser(r), nil
}
