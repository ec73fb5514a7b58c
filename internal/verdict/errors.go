package verdict

import "errors"

// ErrNotKept is what Load returns for a pair that found no room.
var ErrNotKept = errors.New("the pair was not kept: the samples before it fill the room for them")
