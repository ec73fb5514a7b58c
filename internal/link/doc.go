// Package link carries messages between two Gor processes, from an
// --output-tcp to an --input-tcp.
//
// # The plain stream
//
// What Gor 0.10 and GoReplay 1.x speak: records with at most four header
// fields and the separator, one after another, over TCP. There is no
// handshake and the receiver never writes. Whatever a break of the connection
// swallows is lost without either end knowing how much.
//
// # The acknowledged link
//
// The sender's first record is a hello, whose header has two fields:
//
//	hello    = "gor" SP identity "-" version LF "link" [SP token] separator
//	identity = 32HEXDIG     ; of the sender: its messages are numbered from 1
//	version  = 1*3DIGIT     ; the highest that the sender speaks
//	token    = 32HEXDIG     ; the first half of its SHA-256 is an earlier hello's
//
// GoReplay skips records of fewer than three fields and stays silent. Our
// receiver answers, and from then on both directions are frames:
//
//	frame  = kind length number sum body
//	kind   = OCTET          ; below
//	length = 4OCTET         ; bytes of body, big endian
//	number = 8OCTET         ; big endian
//	sum    = 4OCTET         ; CRC-32C of the thirteen bytes before it and body
//
//	kind  from      number                     body
//	"M"   sender    the message's              the message, header LF payload
//	"S"   sender    the message's              empty: it was left out, see limit
//	"P"   sender    of the last message        empty: please acknowledge soon
//	"Z"   sender    the first message's        messages, compressed; version 2
//	"A"   receiver  highest it has received    version, settled (8), limit (4),
//	                                           records (8), token (16)
//	"K"   receiver  highest that is settled    empty
//
// The numbers on one connection follow each other without a gap. Settled means
// that every output of the receiving process has done with the message and
// with all before it. Received ones may still be lost if the receiver dies, so
// that the sender keeps every message until it is settled; after a reconnect
// it goes on behind the received ones, and the receiver drops what it had
// already, by the highest number of each identity. A receiver that was started
// anew knows no identity and is sent all that was not settled.
//
// limit is the largest message that the receiver takes; a larger one would
// cost the connection again and again and is left out by the sender. A body
// longer than described belongs to a later version and is read as far as it is
// known.
//
// From version 2 on a sender may compress runs of messages. It does so when it
// was asked to and the answer's version, which is the lower one of both ends,
// is 2 at least:
//
//	Z body = length zstd    ; RFC 8878, of what follows
//	run    = 1*(length message)
//	length = 4OCTET         ; bytes of the run, and of each message; big endian
//
// The messages of a run have consecutive numbers, none is empty, and none is
// larger than limit. A run of several has 128 KiB at most. What is
// decompressed never takes more memory than its length says, which is checked
// first.
//
// An answer that comes too late finds the sender on the plain stream; no kind
// is a digit, so that the receiver can tell a plain record from a frame and
// goes along. The sender then ends the connection in good order and opens
// another. The receiver reads the older connection to its end before it answers
// on the newer one, so that the order stays, and its answer says how many plain
// records it has read from the connection whose hello had that token. The
// sender keeps what it wrote there until it hears this, and sends the rest
// again: also what a break swallowed. Receivers of earlier versions do not say
// it.
package link
