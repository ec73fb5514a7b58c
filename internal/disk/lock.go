package disk

import "errors"

// ErrLocked is what Lock returns when another process has the lock.
var ErrLocked = errors.New("locked by another process")
