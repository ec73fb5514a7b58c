package http1

// Head is what framing needs to know of one message head. A Parser fills it
// when it has seen the head whole.
//
// A client that sent Expect: 100-continue may leave the body out when it gets
// a final response first. That shows only in the other direction: framing
// takes what follows for the body. Who sees both directions resets the Parser
// when such a response comes before the first byte of the body.
type Head struct {
	IsHead    bool // request method HEAD
	IsConnect bool // request method CONNECT
	Status    int  // response status, 100 to 999; 0 in a request

	Major, Minor int // of the HTTP version; Major is 1

	HeadLen int   // bytes, with the blank line, without leading empty lines
	Fields  int   // header fields, a folded one counts once; see MaxFields
	Length  int64 // Content-Length, the first when there are several; -1 none

	Chunked    bool // the body is chunked
	UntilClose bool // the body ends where the stream ends
	Upgrade    bool // Upgrade header, and "upgrade" in Connection
	Expect100  bool // Expect: 100-continue
	CloseAfter bool // the sender closes the connection after this message

	// Flags name what could be read in two ways. A chunked body may add to
	// them until its end.
	Flags Flags
}

// Interim reports a 1xx response other than 101: the final response to the
// same request follows as a message of its own.
func (h *Head) Interim() bool {
	return h.Status >= 100 && h.Status < 200 && h.Status != 101
}

// Flags is a set of ambiguities seen in one message.
type Flags uint16

// The package documentation says which reading was taken.
const (
	BothLengths       Flags = 1 << iota // Content-Length and Transfer-Encoding
	RepeatedLength                      // Content-Length more than once, equal
	ConflictingLength                   // Content-Length more than once, different
	ChunkedTwice                        // chunked applied more than once
	ChunkedIn10                         // Transfer-Encoding in HTTP/1.0
	OtherCoding                         // response with a last coding other than chunked
	BareLF                              // a line that ends in LF without CR
	BareCR                              // a CR in the head that ends no line
	ObsFold                             // a header value over several lines
	SpaceBeforeColon                    // between the name of a framing header and its colon
	OddSpacing                          // in the start line
	LengthWithoutBody                   // a length in a 1xx or 204 response, which have no body (RFC 9110 section 8.6)
)

// Ambiguous is the flags that capture counts as ambiguous framing: two readers
// may disagree about where the message ends. The others are merely odd to a
// reader that sees all bytes; RequestAmbiguity, for what is sent to a reader
// that we do not know, is stricter.
const Ambiguous = BothLengths | ConflictingLength | ChunkedTwice | ChunkedIn10 | SpaceBeforeColon
