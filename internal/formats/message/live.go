package message

// A Fate is what became of a message that was given to be written.
type Fate uint8

// The fates.
const (
	Waits   Fate = iota // for its response: it is to be given again
	Written             // it stands in what was appended
	Ignored             // a response, which the form does not have, or has already
	Unfit               // the form cannot express it
)

// A Pending message is given to be written to a file that grows.
type Pending struct {
	Msg  []byte // "header LF payload"
	Late bool   // it waited long enough for its response

	// Set by whoever writes it:
	Fate Fate
	End  int // of what stands for it, in the bytes that were appended; valid iff Fate is Written
}

// A Buffer is an io.Writer to memory of the caller's.
type Buffer []byte

func (b *Buffer) Write(p []byte) (int, error) {
	*b = append(*b, p...)
	return len(p), nil
}
