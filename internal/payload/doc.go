// Package payload reads and writes records: the form that an HTTP message has in recordings, on the link
// between two Gor processes, and in middleware.
//
//	record    = header LF payload separator
//	header    = type SP id SP time [SP duration [SP length *(SP attribute)]] ; at most 512 bytes
//	separator = LF %xF0.9F.90.B5 %xF0.9F.99.88 %xF0.9F.99.89 LF   ; "\n🐵🙈🙉\n", 14 bytes, after the last record too
//	type      = "1"            ; request
//	          / "2"            ; response of the original server
//	          / "3"            ; response of the replay target
//	          / %x34-39        ; of newer versions
//	id        = 1*128(%x21-7E / %x80-FF) ; shared by a request and its responses
//	time      = 1*19DIGIT      ; ns since 1970: first packet of a request or response, or when a replay sent it
//	duration  = 1*19DIGIT      ; ns the message took on the wire, for type 3 the round trip
//	          / "-1"           ; unknown
//	length    = 1*19DIGIT      ; bytes of payload
//	attribute = key "=" value
//	key       = 1*8(%x61-7A)
//	value     = *(%x21-24 / %x26-FF / "%" 2HEXDIG)
//	payload   = *OCTET         ; the message as it was on the wire
//	LF        = %x0A
//	SP        = %x20
//
// The length is ours alone: every other reader splits the header at its spaces and ignores a fifth field.
// With it a record is unambiguous whatever its payload holds. Without it the payload ends at the first
// separator, so that a body which contains the separator ends its record early and what follows may pass
// for a record of its own. That is why recordings and our own link carry five fields, and why only what
// older programs read gets four.
//
// Attributes are ours alone too; docs/recordings.md says what they mean. What is behind the length and has another
// form is treated as an attribute that is not known: kept, and counted as of a newer version. Records of a type that is
// not known are left out, and counted so too.
//
// People edit recordings. Blanks or a CR at the end of a header line, blank lines between records and a byte-order
// mark are passed over without a word.
//
// A message, as it travels inside Gor, is "header LF payload" with no separator: four fields, or five and the
// attributes. A length in it only holds the attributes' place, and is made right when a record is written.
//
// Ids made here have 24 hexadecimal digits: 16 that name the connection, 8 for the ordinal of the exchange
// in it. Ids of any other length are read and passed on as they are.
//
// Older recordings differ in small ways. Text of 0.10 to 0.14 gives responses a duration where the time
// belongs and no time, and 0.15 swaps time and duration of type 3; a number of at least 10^17 is a time
// (1973), a smaller one is a duration. Gor 0.8 to 0.9.8 wrote one encoding/gob stream of
//
//	struct RawRequest { Timestamp int64; Request []byte }
//
// which [Open] recognises by its first bytes, as it does gzip and zstd around either.
//
// Nothing here gives up a whole recording for one bad record: what cannot be read is skipped up to the next
// record and counted in [Damage].
package payload
