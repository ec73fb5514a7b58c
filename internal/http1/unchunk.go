package http1

// AppendUnchunked appends the data of a chunked body, without sizes,
// extensions and trailers, to dst and returns the extended slice. ok is false,
// and nothing is appended, when body is not exactly one whole chunked body.
// dst must not overlap body.
func AppendUnchunked(dst, body []byte) (out []byte, ok bool) {
	p := Parser{state: inChunkSize}
	out = dst
	for len(body) > 0 && p.state != isDone {
		data := p.state == inChunkData
		n := p.step(body)
		if p.err != nil {
			return dst, false
		}
		if data {
			out = append(out, body[:n]...)
		}
		body = body[n:]
	}
	if p.state != isDone || len(body) > 0 {
		return dst, false
	}
	return out, true
}
