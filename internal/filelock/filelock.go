// Package filelock keeps processes from writing one file at the same time.
package filelock

import "errors"

// ErrLocked is what Lock returns when another process has the lock.
var ErrLocked = errors.New("locked by another process")
