// Package assemble makes messages of TCP segments: segments in, messages out,
// and a ledger of what was lost on the way.
//
// An Assembler puts the segments of each direction of a connection in order,
// a framer says where messages end, and complete messages go through a
// Handover to a Reader in batches. An Assembler belongs to the goroutine that
// gives it segments and takes no locks; a message that lies whole in one segment
// is copied once, from the packet into the batch.
//
// # Streams
//
// Of bytes that come twice, the first are kept. Segments that come before
// their predecessors wait in a bounded store. A hole in a stream is given up
// after 13 s, in which TCP sends again six times; after Config.Expire when its
// sender has heard from the receiver since; half a second after its receiver
// acknowledged what is missing; or when the store is full. A hole at the end of
// what was seen is known by an acknowledgement beyond it. Inside a body of known
// length, or of a chunk, a hole costs that message and no other. Elsewhere the
// stream is entered again at a segment that begins as a message can, with a
// registered method or HTTP/1: the head is followed over as many segments as it
// takes and read as it would be in order. Nothing is given of it before it is
// whole, and when it proves to be none the direction goes on looking. No
// direction is ever given up: malformed messages, whatever their number, are
// passed in the same way. What is passed over is looked through for request
// lines, which are counted (Stats.SkippedStarts).
//
// A connection that was established before the capture is entered in the same
// way: so the first request of an idle connection is whole even when it spans
// segments. A method that is also the end of a longer one is not taken where the
// byte before it was not seen.
//
// FIN and RST end a connection, and so do five minutes without a packet. A RST
// counts only exactly at the next byte and with a right checksum (RFC 5961), and
// bytes in sequence behind it show that it was not taken. A connection that is
// over stays known for two seconds, and a trace of it for two minutes, so that
// late copies are recognised. A SYN with another initial sequence number on a
// connection that lives changes nothing until something follows it. Segments
// beyond any window are counted and ignored; a second one in sequence that begins
// a message shows that another connection uses the ports.
//
// With MPTCP, a connection that others join is not understood and is counted.
//
// # Pairs
//
// With Config.TrackResponse, responses are given the connection and ordinal
// of their requests, by order. A response waits until its request is
// complete, at most Config.Expire, and a response without a request that was
// given is not given. After CONNECT and Upgrade the stream waits for the
// answer; when it is a switch of protocols, the rest of the connection is
// ignored. Without the responses that cannot be known, and the next complete
// head that begins a segment is taken, behind CONNECT only that of another
// CONNECT.
//
// # Other protocols
//
// With Config.Binary a message is what one side sends until it hears from the
// other, nothing more came for Config.Expire, or the connection ends. That a side
// heard something is read from what its own segments acknowledge, so that the
// responses are not needed; for that the kernel lets the client's bare
// acknowledgements pass. An answer that is captured ends its request at once. A
// response has the ordinal of the request of whose bytes it acknowledges the
// last. A message of Config.MaxMessage bytes is given, and what follows is the
// next one. Nobody knows where in a hole one message ends and the next begins, so
// that it may cost both of its neighbours. A connection that was established
// before the capture begins with a whole message only if it carried nothing for
// Config.Expire before. Of an address without ports the handshake says who asks.
//
// # Ledger
//
// Every message that is seen to begin ends in one count of Stats: given, lost
// for one reason, or interim. With Config.AllowIncomplete those that would be
// lost because they did not come whole are given without what is missing, and
// counted as Stats.Incomplete beside, if it is known what they are: their head
// is whole, or they have none. A hole outside of messages counts as one lost
// message, though it may have held several; Stats.MissingBytes has its size.
package assemble
