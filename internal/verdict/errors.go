package verdict

import "errors"

// ErrNotKept is what Load returns for a pair that found no room.
var ErrNotKept = errors.New("the pair was not kept: the samples before it fill the room for them")

// A NoAnswer is a request that nobody answered, or not in HTTP.
type NoAnswer struct{ Why string }

func (e *NoAnswer) Error() string { return "no answer: " + e.Why }
