package outbound

import (
	"errors"
	"fmt"
	"syscall"
)

// A FilesError is a connection that could be neither made nor accepted because
// the process, or the system, has as many files open as it may: nothing that
// the other end could help.
type FilesError struct {
	err   error
	limit uint64 // of the process; 0: unknown
}

func (e *FilesError) Error() string {
	if e.limit == 0 || errors.Is(e.err, syscall.ENFILE) {
		return fmt.Sprintf("%v: this host has as many files open as it may", e.err)
	}
	return fmt.Sprintf("%v: this Gor may have %d files and connections open (ulimit -n, or LimitNOFILE= of its unit)", e.err, e.limit)
}
func (e *FilesError) Unwrap() error { return e.err }

// Timeout and Temporary are those of a net.Error: an http.Server goes on
// accepting after it.
func (e *FilesError) Timeout() bool   { return false }
func (e *FilesError) Temporary() bool { return true }

// ExplainFiles says of an error that it is about open files, if it is, and how
// many there may be. It wraps the error, and is a net.Error then.
func ExplainFiles(err error) error {
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
		return &FilesError{err, openFilesLimit()}
	}
	return err
}
