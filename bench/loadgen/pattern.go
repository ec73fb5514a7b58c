package loadgen

import (
	"math/rand/v2"

	"github.com/buger/gor/internal/payload"
)

// A pattern is what bodies are made of: each is a window of it, whose place
// its number decides. That costs a copy, where random bytes for each body would
// cost the generator more than the server spends.
type pattern struct{ bytes []byte }

const (
	// patternPlaces is how many windows of one size differ.
	patternPlaces = 1 << 20
	// trapEvery is how far apart the pattern has what a body must not be
	// mistaken for: a longer one has them all.
	trapEvery = 4 << 10
)

// traps lists, in turn, what a careless reader would take for something else.
func traps() []string {
	return []string{
		string(make([]byte, 64)), // a segment of zeros was once dropped as padding
		payload.Separator + "1 forged 1 1 1\n",
		"\r\n\r\nGET /trap HTTP/1.1\r\nHost: in a body\r\n",
		"\r\n0\r\n\r\nPOST /trap HTTP/1.1\r\nContent-Length: 5\r\n",
	}
}

func newPattern() *pattern {
	p := &pattern{bytes: make([]byte, patternPlaces+mostChunk)}
	rand.NewChaCha8([32]byte{}).Read(p.bytes)
	list := traps()
	for i, at := 0, trapEvery; at+trapEvery < len(p.bytes); i, at = i+1, at+trapEvery {
		copy(p.bytes[at:], list[i%len(list)])
	}
	return p
}

// window returns size bytes from the place that draw chooses. They belong to
// the pattern.
func (p *pattern) window(draw uint64, size int) []byte {
	return p.bytes[draw%patternPlaces:][:size]
}
