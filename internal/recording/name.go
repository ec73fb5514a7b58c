package recording

import (
	"encoding/hex"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/buger/gor/internal/disk"
	"github.com/buger/gor/internal/payload"
)

// names expands what stands in a recording's name for something else:
//
//	%Y %m %d %H %M %S  the local time
//	%NS                its nanoseconds
//	%r %t              the message's id and type
//	%i                 a random word, the same as long as the output lives
//
// Anything else stays as it is.
type names struct {
	parts      []namePart
	perMessage bool // has %r, %t or %NS: any message may have another name
	perSecond  bool
	second     int64  // for which buf holds, unless perMessage
	buf        []byte // the name that at returned last
}

// A namePart is a letter (one of "YmdHMSNrt", N for %NS), or text when the
// letter is 0.
type namePart struct {
	letter byte
	text   string
}

func newNames(pattern string) *names {
	n := &names{}
	word := randomWord()
	text := strings.Builder{}
	for pattern != "" {
		letter, size := directive(pattern)
		if letter == 0 || letter == 'i' {
			if letter == 'i' {
				text.WriteString(word)
			} else {
				text.WriteString(pattern[:size])
			}
			pattern = pattern[size:]
			continue
		}
		if text.Len() > 0 {
			n.parts = append(n.parts, namePart{text: text.String()})
			text.Reset()
		}
		n.parts = append(n.parts, namePart{letter: letter})
		if ofMessage(letter) {
			n.perMessage = true
		} else {
			n.perSecond = true
		}
		pattern = pattern[size:]
	}
	if text.Len() > 0 {
		n.parts = append(n.parts, namePart{text: text.String()})
	}
	n.buf = n.expand(n.buf, time.Time{}, nil)
	return n
}

// directive returns the letter at the beginning of a pattern and its size, or
// 0 and the size of what stands there for itself.
func directive(pattern string) (letter byte, size int) {
	switch {
	case pattern[0] != '%' || len(pattern) == 1:
		return 0, 1
	case strings.HasPrefix(pattern, "%NS"):
		return 'N', 3
	case strings.IndexByte("YmdHMSrti", pattern[1]) >= 0:
		return pattern[1], 2
	}
	return 0, 1
}

func ofMessage(letter byte) bool { return letter == 'r' || letter == 't' || letter == 'N' }

func randomWord() string {
	var b [4]byte
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return hex.EncodeToString(b[:])
}

// varies reports whether the name is not the same for all messages.
func (n *names) varies() bool { return n.perMessage || n.perSecond }

// at returns the name for a message that is recorded at now. It is valid until
// the next call.
func (n *names) at(now time.Time, msg []byte) []byte {
	if n.perMessage || n.perSecond && now.Unix() != n.second {
		n.second = now.Unix()
		n.buf = n.expand(n.buf[:0], now, msg)
	}
	return n.buf
}

// folder returns the folder of the name at now, up to the first part that only
// a message can tell.
func (n *names) folder(now time.Time) string {
	known := &names{}
	for _, p := range n.parts {
		if ofMessage(p.letter) {
			break
		}
		known.parts = append(known.parts, p)
	}
	return filepath.Dir(string(known.expand(nil, now, nil)) + "x")
}

func (n *names) expand(dst []byte, now time.Time, msg []byte) []byte {
	for _, p := range n.parts {
		switch p.letter {
		case 0:
			dst = append(dst, p.text...)
		case 'Y':
			dst = now.AppendFormat(dst, "2006")
		case 'm':
			dst = now.AppendFormat(dst, "01")
		case 'd':
			dst = now.AppendFormat(dst, "02")
		case 'H':
			dst = now.AppendFormat(dst, "15")
		case 'M':
			dst = now.AppendFormat(dst, "04")
		case 'S':
			dst = now.AppendFormat(dst, "05")
		case 'N':
			dst = strconv.AppendInt(dst, int64(now.Nanosecond()), 10)
		case 'r':
			dst = disk.AppendSafe(dst, payload.ID(msg))
		case 't':
			dst = disk.AppendSafe(dst, msg[:min(len(msg), 1)])
		}
	}
	return dst
}
