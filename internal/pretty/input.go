package pretty

import (
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/plugin"
)

// input takes the codings off the bodies of an input, where that can be done.
type input struct {
	plugin.Input
	decoder *Decoder
	held    plugin.Held
}

// Wrap returns an Input that gives the messages of in with plain bodies. What
// cannot be decoded, or would have more than limit bytes, stays as it is.
func Wrap(in plugin.Input, limit int) plugin.Input {
	return &input{Input: in, decoder: New(limit)}
}

func (i *input) Read(p []byte) (int, error) {
	if i.held != nil {
		return i.held.Give(p)
	}
	n, err := i.Input.Read(p)
	if err != nil {
		return n, err
	}
	msg := p[:n]
	plain, ok := i.decoder.Decode(payload.Header(msg), payload.Body(msg), !payload.IsRequest(msg))
	if !ok {
		return n, nil
	}
	i.held = plain
	return i.held.Give(p)
}
