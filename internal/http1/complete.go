package http1

// Complete reports whether msg is exactly one whole message by its framing,
// after empty lines if there are any. It takes msg for a response when it
// begins as one; see CompleteResponse.
func Complete(msg []byte) bool {
	if IsResponse(msg) {
		return CompleteResponse(msg)
	}
	return CompleteRequest(msg)
}

// IsResponse reports whether msg begins as a response does.
func IsResponse(msg []byte) bool {
	for len(msg) > 0 && (msg[0] == '\r' || msg[0] == '\n') {
		msg = msg[1:]
	}
	return len(msg) >= len(versionPrefix) && string(msg[:len(versionPrefix)]) == versionPrefix
}

// CompleteRequest reports whether msg is exactly one whole request.
func CompleteRequest(msg []byte) bool {
	var p Parser
	return p.exactly(msg)
}

// CompleteResponse reports whether msg is exactly one whole response to a
// request that is not known. What cannot be told without it, or at all, is
// not complete: a head without the body that it announces, which may be the
// whole response to a HEAD, and a body without a length.
func CompleteResponse(msg []byte) bool {
	var p Parser
	p.ResetResponse()
	return p.exactly(msg)
}

func (p *Parser) exactly(msg []byte) bool {
	n, done, err := p.Feed(msg)
	return err == nil && done && n == len(msg)
}
