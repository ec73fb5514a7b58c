// Package rawsocket captures HTTP/1 messages from network interfaces or from
// capture files: packets in, messages out, and a ledger of what was lost on
// the way.
//
// A source decodes packets to TCP segments. The assembler puts the segments
// of each direction of a connection in order, internal/http1 says where
// messages end, and complete messages go to Listener.Next in batches. All of
// that runs in the source's goroutine without locks; a message that lies
// whole in one segment is copied once, from the packet ring into the batch.
//
// # Streams
//
// Of bytes that come twice, the first are kept. Segments that come before
// their predecessors wait in a bounded store. A hole in a stream is given up
// when its receiver acknowledged what is missing and 50 ms have passed, when
// Config.Expire has passed, or when the store is full. Inside a body of known
// length, or of a chunk, a hole costs that message and no other. Elsewhere
// the stream is entered again at a segment that begins with a complete, valid
// head, so that the content of an upload is not taken for a request.
//
// A connection that was established before the capture is entered at a
// segment that begins with what may be a head, complete or not: so the first
// request of an idle connection is whole even when it spans segments.
//
// FIN and RST end a connection, and so do five minutes without a packet. It
// stays known for two seconds, so that late copies are recognised. A SYN with
// another initial sequence number ends the connection that had its ports.
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
package rawsocket
