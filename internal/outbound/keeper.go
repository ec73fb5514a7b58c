package outbound

// A Keeper is who wants whole answers, and bounds what is kept of them.
type Keeper interface {
	// Keep appends a part of an answer, or reports false and appends nothing.
	Keep(answer, part []byte) (longer []byte, ok bool)

	// GiveBack returns the memory of an answer that was kept.
	GiveBack(answer []byte)
}
