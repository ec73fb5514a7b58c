package http1

// Why a stream stopped being HTTP/1. These are the values of Error.Reason;
// they are short and few so that losses can be counted by them.
const (
	ReasonHeadTooLarge    = "head too large"
	ReasonManyFields      = "too many header fields"
	ReasonRequestLine     = "malformed request line"
	ReasonStatusLine      = "malformed status line"
	ReasonVersion         = "not HTTP/1"
	ReasonContentLength   = "malformed Content-Length"
	ReasonLengthOverflow  = "Content-Length overflow"
	ReasonNotChunked      = "Transfer-Encoding does not end in chunked"
	ReasonChunkSize       = "malformed chunk size"
	ReasonChunkOverflow   = "chunk size overflow"
	ReasonChunkLine       = "chunk line too long"
	ReasonChunkEnd        = "chunk data not followed by a line end"
	ReasonTrailerTooLarge = "trailer too large"
	ReasonIncompleteHead  = "incomplete head"
	ReasonFieldName       = "invalid header name"
	ReasonFieldValue      = "invalid header value"
	ReasonTarget          = "invalid request target"
)

// Error says why bytes are not an HTTP/1 message, or why an edit was refused.
type Error struct {
	Reason string // one of the Reason constants
}

// Error is "http1: " and the reason.
func (e *Error) Error() string { return "http1: " + e.Reason }

// One value per reason: a failing stream costs no allocation.
var (
	errHeadTooLarge    = &Error{ReasonHeadTooLarge}
	errManyFields      = &Error{ReasonManyFields}
	errRequestLine     = &Error{ReasonRequestLine}
	errStatusLine      = &Error{ReasonStatusLine}
	errVersion         = &Error{ReasonVersion}
	errContentLength   = &Error{ReasonContentLength}
	errLengthOverflow  = &Error{ReasonLengthOverflow}
	errNotChunked      = &Error{ReasonNotChunked}
	errChunkSize       = &Error{ReasonChunkSize}
	errChunkOverflow   = &Error{ReasonChunkOverflow}
	errChunkLine       = &Error{ReasonChunkLine}
	errChunkEnd        = &Error{ReasonChunkEnd}
	errTrailerTooLarge = &Error{ReasonTrailerTooLarge}
	errIncompleteHead  = &Error{ReasonIncompleteHead}
	errFieldName       = &Error{ReasonFieldName}
	errFieldValue      = &Error{ReasonFieldValue}
	errTarget          = &Error{ReasonTarget}
)
