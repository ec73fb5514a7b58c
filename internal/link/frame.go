package link

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"strconv"
	"strings"

	"github.com/buger/gor/internal/payload"
)

// version is what this code speaks. packedVersion is the first that has
// kindPacked.
const (
	version       = 2
	packedVersion = 2
)

// Kinds of frames. None is the first byte of a plain record.
const (
	kindMessage = 'M'
	kindSkip    = 'S'
	kindPush    = 'P'
	kindPacked  = 'Z'
	kindAnswer  = 'A'
	kindAck     = 'K'
)

const (
	frameHead  = 1 + 4 + 8 + 4 // bytes
	summedHead = frameHead - 4

	answerBody = 1 + 8 + 4
	plainBody  = 8 + 16 // behind it

	// maxControl bounds the body of a frame from the receiver: room for what
	// later versions add to the answer.
	maxControl = 1 << 10
)

var (
	errFrame = errors.New("damaged frame")
	errHello = errors.New("malformed hello")
)

// castagnoli is the polynomial that processors compute in hardware.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// frame is the head of a frame.
type frame struct {
	kind   byte
	length int // bytes of the body
	number uint64
	sum    uint32
}

// appendHead appends the head of a frame whose body is body.
func appendHead(dst []byte, kind byte, number uint64, body []byte) []byte {
	start := len(dst)
	dst = append(dst, kind)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(body)))
	dst = binary.BigEndian.AppendUint64(dst, number)
	sum := crc32.Checksum(dst[start:], castagnoli)
	return binary.BigEndian.AppendUint32(dst, crc32.Update(sum, castagnoli, body))
}

// appendFrame appends a whole frame.
func appendFrame(dst []byte, kind byte, number uint64, body []byte) []byte {
	return append(appendHead(dst, kind, number, body), body...)
}

// parseHead reads the head of a frame at the beginning of b, which has at
// least frameHead bytes.
func parseHead(b []byte) frame {
	_ = b[frameHead-1]
	return frame{
		kind:   b[0],
		length: int(binary.BigEndian.Uint32(b[1:])),
		number: binary.BigEndian.Uint64(b[5:]),
		sum:    binary.BigEndian.Uint32(b[13:]),
	}
}

// intact reports whether f, the frame at the beginning of b, is as it was
// sent. b holds all of it.
func (f frame) intact(b []byte) bool {
	sum := crc32.Checksum(b[:summedHead], castagnoli)
	return crc32.Update(sum, castagnoli, b[frameHead:frameHead+f.length]) == f.sum
}

// An Identity names a sender over all its connections.
type Identity [16]byte

// String returns 32 hexadecimal digits.
func (id Identity) String() string { return hex.EncodeToString(id[:]) }

// ParseIdentity reads what String returned.
func ParseIdentity(s string) (id Identity, err error) {
	if len(s) != hex.EncodedLen(len(id)) {
		return id, errHello
	}
	_, err = hex.Decode(id[:], []byte(s))
	return id, err
}

const (
	helloStart = "gor "
	helloBody  = "link"

	// maxHello bounds a hello with its separator, in bytes; ours has 88.
	maxHello = 512
)

// appendHello appends the record that a sender begins with.
func appendHello(dst []byte, id Identity, version int) []byte {
	dst = append(dst, helloStart...)
	dst = hex.AppendEncode(dst, id[:])
	dst = append(dst, '-')
	dst = strconv.AppendInt(dst, int64(version), 10)
	dst = append(dst, '\n')
	dst = append(dst, helloBody...)
	return append(dst, payload.Separator...)
}

// appendProvenHello is appendHello with a token.
func appendProvenHello(dst []byte, id Identity, version int, t token) []byte {
	dst = appendHello(dst, id, version)
	dst = dst[:len(dst)-len(payload.Separator)]
	dst = hex.AppendEncode(append(dst, ' '), t[:])
	return append(dst, payload.Separator...)
}

// parseHello reads the header line of a hello, without its LF.
func parseHello(line []byte) (id Identity, version int, err error) {
	rest, ok := strings.CutPrefix(string(line), helloStart)
	digits, number, found := strings.Cut(rest, "-")
	if !ok || !found || len(digits) != hex.EncodedLen(len(id)) || len(number) > 3 {
		return Identity{}, 0, errHello
	}
	if _, err := hex.Decode(id[:], []byte(digits)); err != nil {
		return Identity{}, 0, errHello
	}
	v, err := strconv.ParseUint(number, 10, 16)
	if err != nil || v == 0 {
		return Identity{}, 0, errHello
	}
	return id, int(v), nil
}

// answer is what a receiver says to a hello.
type answer struct {
	version  int
	received uint64
	settled  uint64
	limit    int // bytes of the largest message it takes
	plain    plainTaken
	tells    bool // plain is valid
}

// plainTaken is how many records of the plain stream a receiver has read from
// a connection that began with a hello. The token of that hello names it.
type plainTaken struct {
	token   token
	records uint64
}

func (a answer) append(dst []byte) []byte {
	body := make([]byte, 0, answerBody+plainBody)
	body = append(body, byte(a.version))
	body = binary.BigEndian.AppendUint64(body, a.settled)
	body = binary.BigEndian.AppendUint32(body, uint32(a.limit))
	if a.tells {
		body = binary.BigEndian.AppendUint64(body, a.plain.records)
		body = append(body, a.plain.token[:]...)
	}
	return appendFrame(dst, kindAnswer, a.received, body)
}

func parseAnswer(f frame, body []byte) (answer, error) {
	if f.kind != kindAnswer || len(body) < answerBody || body[0] == 0 {
		return answer{}, errFrame
	}
	a := answer{
		version:  int(body[0]),
		received: f.number,
		settled:  binary.BigEndian.Uint64(body[1:]),
		limit:    int(binary.BigEndian.Uint32(body[9:])),
	}
	if a.settled > a.received {
		return answer{}, errFrame
	}
	if rest := body[answerBody:]; len(rest) >= plainBody {
		a.tells = true
		a.plain.records = binary.BigEndian.Uint64(rest)
		copy(a.plain.token[:], rest[8:])
	}
	return a, nil
}
