package loadgen

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"strconv"
)

// Body sizes in bytes.
const (
	post1kBody  = 1 << 10
	post64kBody = 64 << 10
	chunkedBody = 1 << 20
	mostChunk   = 100_000
)

// The target of a request is its kind, the run and its number: numbers have
// fixed widths, so that all requests of a kind without chunks are equally long.
const (
	runDigits    = 16
	numberDigits = 8
	targetDigits = runDigits + 1 + numberDigits + 1 + numberDigits
)

// headLines follow the request line. Nothing in them may be changed on the way:
// neither case nor spacing.
const headLines = "Host: loadgen\r\nuser-agent:  gor loadgen\r\nAccept: */*\r\n"

// Append appends the bytes of request n.
func (t *Traffic) Append(dst []byte, n Number) []byte { return t.append(dst, n, t.kind(n)) }

func (t *Traffic) append(dst []byte, n Number, kind Case) []byte {
	draw := t.mix(n)
	switch kind {
	case Get:
		dst = append(dst, "GET /get/"...)
		dst = t.appendTarget(dst, n)
		dst = append(dst, " HTTP/1.1\r\n"+headLines+"\r\n"...)
	case Post1k, Post64k:
		size := post1kBody
		if kind == Post64k {
			size = post64kBody
		}
		dst = append(dst, "POST /post/"...)
		dst = t.appendTarget(dst, n)
		dst = append(dst, " HTTP/1.1\r\n"+headLines+"Content-Length: "...)
		dst = strconv.AppendInt(dst, int64(size), 10)
		dst = append(dst, "\r\n\r\n"...)
		dst = append(dst, t.body.window(draw, size)...)
	case Chunked1m:
		dst = append(dst, "PUT /chunked/"...)
		dst = t.appendTarget(dst, n)
		dst = append(dst, " HTTP/1.1\r\n"+headLines+"Transfer-Encoding: chunked\r\n\r\n"...)
		dst = t.appendChunks(dst, n, draw)
	}
	return dst
}

func (t *Traffic) appendTarget(dst []byte, n Number) []byte {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], t.Run)
	dst = hex.AppendEncode(dst, b[:])
	for _, v := range [...]uint32{n.Conn, n.Seq} {
		binary.BigEndian.PutUint32(b[:], v)
		dst = append(dst, '/')
		dst = hex.AppendEncode(dst, b[:4])
	}
	return dst
}

func (t *Traffic) appendChunks(dst []byte, n Number, draw uint64) []byte {
	for left := chunkedBody; left > 0; {
		draw = draw*6364136223846793005 + 1442695040888963407 // Knuth's MMIX generator
		size := min(left, 1+int(draw>>33)%mostChunk)
		dst = strconv.AppendInt(dst, int64(size), 16)
		if left == chunkedBody {
			dst = append(dst, ";first=yes"...)
		}
		dst = append(dst, "\r\n"...)
		dst = append(dst, t.body.window(draw, size)...)
		dst = append(dst, "\r\n"...)
		left -= size
	}
	dst = append(dst, "0\r\nX-Number: "...)
	dst = t.appendTarget(dst, n)
	return append(dst, "\r\n\r\n"...)
}

// number finds the number of a request of this run in its request line,
// whatever else is wrong with the request.
func (t *Traffic) number(raw []byte) (n Number, ok bool) {
	const longestMethod = 16 // and the first part of the target
	_, rest, _ := bytes.Cut(raw[:min(len(raw), longestMethod)], []byte(" /"))
	slash := bytes.IndexByte(rest, '/')
	if slash < 0 {
		return n, false
	}
	at := min(len(raw), longestMethod) - len(rest) + slash + 1
	if len(raw)-at < targetDigits {
		return n, false
	}
	digits := raw[at:][:targetDigits]
	var b [8]byte
	if _, err := hex.Decode(b[:], digits[:runDigits]); err != nil || binary.BigEndian.Uint64(b[:]) != t.Run {
		return n, false
	}
	digits = digits[runDigits:]
	for _, v := range [...]*uint32{&n.Conn, &n.Seq} {
		if _, err := hex.Decode(b[:4], digits[1:][:numberDigits]); err != nil || digits[0] != '/' {
			return n, false
		}
		*v = binary.BigEndian.Uint32(b[:])
		digits = digits[1+numberDigits:]
	}
	return n, true
}
