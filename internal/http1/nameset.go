package http1

// A nameSet tells that a name is not among those that were added to it, without a
// look at each: most headers that are asked for are not there. A name that is not
// in it may seem to be.
type nameSet uint64

// bitOf is the same for all spellings of a name.
func bitOf[T string | []byte](name T) nameSet {
	if len(name) == 0 {
		return 0
	}
	return 1 << ((uint(lower(name[0])) + 7*uint(len(name))) % 64)
}
