// Package http1 says where HTTP/1 messages end, and gives views and edits of
// their heads, on plain byte slices. It never changes a byte that it was not
// asked to change, and it builds no request or response value: what goes in as
// bytes is framed, matched and passed on as bytes.
//
// # Framing
//
// A Parser is fed a byte stream in whatever pieces it arrives and says which
// bytes belong to the current message. It implements RFC 9112 section 6.3 and
// is lenient where that does not move the end of a message: bare LF as a line
// end, obsolete line folding, odd spacing in the start line, space before a
// colon, leading empty lines, header lines without a colon. What could be
// read in two ways is framed by a fixed rule and marked in Head.Flags, so
// that it can be counted:
//
//   - both Content-Length and Transfer-Encoding: Transfer-Encoding wins;
//   - several Content-Length values that differ: the first wins;
//   - space before the colon of a framing header: the header counts;
//   - chunked in an HTTP/1.0 message: it counts;
//   - CONNECT requests end with their head, whatever lengths they announce.
//
// The thread through these rules is that the bytes were written by a sender
// who meant something, and the reading chosen is the one under which the
// sender's next message starts where the sender began it.
//
// Lines end at LF everywhere, also within a quoted chunk extension.
//
// # Strict matching
//
// A stream that was joined in the middle, or that lost bytes, can only be
// entered again at a head. CompleteHead and LooksLikeHead decide that, and are
// as strict as the Parser is lenient, because the content of an upload must
// not pass for a request.
//
// # Heads
//
// Request and Response index a head once and then answer lookups and take
// edits without allocating; AppendTo writes the message with the edits and
// every other byte as it was.
package http1
