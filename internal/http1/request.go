package http1

// A Request is the index of one request's head and a set of edits to it. It
// is used again and again by Parse, without allocating in steady state, and
// serves one goroutine. Lookups stay inside the head and see the edits.
//
// Heads are read with the leniency of Parser. Header lines without a name are
// passed through and never found.
type Request struct {
	message
	line   requestLine
	strict strictHead
	why    Ambiguity // of the head
}

// Parse indexes the head of msg, which must be complete, and forgets the
// edits. What the other methods return refers to msg: the caller leaves it as
// it is until the next Parse. Parse returns an *Error when msg does not begin
// with the head of an HTTP/1 request; the Request is then empty.
func (r *Request) Parse(msg []byte) error {
	if r.parsePlain(msg) {
		return nil
	}
	line, pos, err := r.startLine(msg)
	if err == nil {
		r.line, err = splitRequestLine(line)
	}
	if err == nil {
		err = r.index(pos)
	}
	if err != nil {
		r.reset(nil)
		r.line = requestLine{}
		return err
	}
	return nil
}

// parsePlain is Parse for a head that has one reading, as nearly all have: the
// one look at its bytes that tells so finds the fields too.
func (r *Request) parsePlain(msg []byte) bool {
	r.reset(msg)
	r.strict = strictHead{}
	n, why := r.strict.read(msg, &r.message)
	r.why = why
	if why != Plain || n > MaxHead {
		return false
	}
	r.blank, r.body = n-2, n
	version := r.strict.target + 1
	r.line = requestLine{
		methodEnd: r.strict.method, targetStart: r.strict.method + 1, targetEnd: r.strict.target,
		protoStart: version, protoEnd: version + versionLen,
	}
	return true
}

// Ambiguity is RequestAmbiguity of the message as it was parsed, without a
// second look at its head.
func (r *Request) Ambiguity() Ambiguity {
	if r.why != Plain {
		return r.why
	}
	return r.strict.bodyAmbiguity(r.Body())
}

// Method returns the method as it stands in the message.
func (r *Request) Method() []byte { return r.msg[r.lead:][:r.line.methodEnd] }

// Proto returns the version as it stands in the message, "HTTP/1.1".
func (r *Request) Proto() []byte {
	return r.msg[r.lead:][r.line.protoStart:r.line.protoEnd]
}

// Target returns the request target, edited or as it stands in the message: a
// path with query, in requests to a proxy a URL or an authority, or "*".
func (r *Request) Target() []byte {
	if r.start.text != nil {
		return r.start.text
	}
	return r.msg[r.lead:][r.line.targetStart:r.line.targetEnd]
}

// SetTarget replaces the request target by a copy of t. It returns an *Error
// and changes nothing when t could not stand in a request line. Spaces are
// refused unless the target of the message has some itself.
func (r *Request) SetTarget(t []byte) error {
	recorded := r.msg[r.lead:][r.line.targetStart:r.line.targetEnd]
	if !ValidTarget(t) && !(hasBlank(recorded) && validOddTarget(t)) {
		return errTarget
	}
	from := len(r.text)
	r.text = append(r.text, t...)
	r.start = edit{r.line.targetStart, r.line.targetEnd, r.text[from:len(r.text):len(r.text)]}
	r.edited = true
	return nil
}

// validOddTarget reports whether splitRequestLine would find t again between
// a method and a version.
func validOddTarget(t []byte) bool {
	return len(t) > 0 && !isBlank(t[0]) && !isBlank(t[len(t)-1]) && ValidHeaderValue(t)
}

// A Response is to a response what Request is to a request.
type Response struct {
	message
	status int
}

// Parse is as Request.Parse, for the head of an HTTP/1 response.
func (r *Response) Parse(msg []byte) error {
	var h Head
	line, pos, err := r.startLine(msg)
	if err == nil {
		err = h.statusLine(line)
	}
	if err == nil {
		err = r.index(pos)
	}
	r.status = h.Status
	if err != nil {
		r.reset(nil)
		r.status = 0
		return err
	}
	return nil
}

// Status returns the status code, 100 to 999.
func (r *Response) Status() int { return r.status }
