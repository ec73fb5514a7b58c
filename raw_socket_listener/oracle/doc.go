// Package oracle is a second opinion on a capture, for tests. It reads packets,
// follows each direction of each connection by sequence number in the simplest
// way there is, and lists where requests start. It shares no code with the
// assembler of package rawsocket nor with internal/http1, keeps everything in
// memory, and is written to be seen through rather than to be fast.
//
// # Streams
//
// All bytes are kept, and of bytes that came twice the first. A RST ends
// nothing, and neither does time. A SYN whose number lies far from everything
// that was seen in its direction begins another stream between the same ports;
// so does data.
//
// # Strict starts
//
// A strict start is a request that a capture must find: give it, or count it
// as lost or skipped. It is a whole request line (method, target, HTTP/1.x)
//
//   - where the connection's SYN or the end of the request before it says that
//     a request begins, whatever its method is; or,
//   - where that is not known, because bytes are missing, because the
//     connection was joined, or behind something that is not HTTP/1: at the
//     first byte of a segment, with a registered method. The search is over
//     when the head there is whole and can be framed.
//
// Bytes of a body, by Content-Length or by chunks, are not starts; neither is what
// lies in a request that was given, whose start the scanner may not have seen as
// one: behind something that is not HTTP/1, either may be right. A hole
// inside of such a body is passed by arithmetic. Behind a tunnel (CONNECT or
// Upgrade, unless refused) and in TLS or HTTP/2 there are no strict starts.
//
// # Lenient starts
//
// A lenient start is one that a capture may give. It is each strict start; each
// request line with a registered method at the first byte of a segment, be it
// content that looks like a request; and what follows any of these by its
// framing. What is given at any other place nobody sent.
package oracle
