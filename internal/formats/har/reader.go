// Package har reads and writes HTTP Archives, version 1.2, as browsers, proxies
// and API clients export them. An entry becomes a request and, when there was
// one, its answer. Both are built: the archive has no bytes of a wire.
package har

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/buger/gor/internal/formats/message"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/stats"
)

// DefaultLimit is the largest message when nothing else is said, in bytes.
const DefaultLimit = 16 << 20

// entryGrowth is how much larger an entry is than its message, at most: control
// characters have six bytes in JSON, and there are two messages.
const entryGrowth = 4

// A Reader gives the messages of an archive. It holds one entry at a time.
type Reader struct {
	dec    *json.Decoder
	bound  *bounded
	limit  int
	begun  bool
	closed bool // the list of entries is over
	err    error

	queue [][]byte // what the present entry gives
	build message.Builder
	id    []byte

	damage  payload.Damage
	entries uint32
	unanswered, noBody, decoded, data,
	params uint64
}

// New returns a reader of the archive in r. limit bounds a message, in bytes; 0
// is DefaultLimit.
func New(r io.Reader, limit int) *Reader {
	if limit <= 0 {
		limit = DefaultLimit
	}
	in := bufio.NewReaderSize(r, 64<<10)
	if mark, _ := in.Peek(3); string(mark) == "\xef\xbb\xbf" {
		in.Discard(3)
	}
	b := &bounded{r: in, most: int64(limit) * entryGrowth}
	return &Reader{dec: json.NewDecoder(b), bound: b, limit: limit}
}

// errLarge says that an entry is larger than its bound.
var errLarge = errors.New("an entry is larger than the limit of a message allows")

// A bounded reader gives so many bytes at most between two resets, so that no
// entry fills the memory.
type bounded struct {
	r          io.Reader
	most, left int64
}

func (b *bounded) reset() { b.left = b.most }

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errLarge
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// Next returns the next message with its header line. The error is io.EOF, the
// reader's, or a *message.PositionError.
func (h *Reader) Next() ([]byte, error) {
	for len(h.queue) == 0 {
		if h.err != nil {
			return nil, h.err
		}
		h.bound.reset()
		if err := h.next(); err != nil {
			h.err = h.position(err)
		}
	}
	msg := h.queue[0]
	h.queue = h.queue[1:]
	return msg, nil
}

// position adds to an error where it is.
func (h *Reader) position(err error) error {
	at := h.dec.InputOffset()
	var syntax *json.SyntaxError
	switch {
	case err == io.EOF && h.closed:
		return err
	case errors.As(err, &syntax):
		at = max(at, syntax.Offset)
	case err == io.EOF, err == io.ErrUnexpectedEOF:
		err = &message.CutError{Text: "the archive ends in the middle"}
	}
	if h.entries > 0 {
		err = fmt.Errorf("entry %d: %w", h.entries, err)
	}
	return &message.PositionError{Offset: at, Err: err}
}

func (h *Reader) next() error {
	if !h.begun {
		if err := h.findEntries(); err != nil {
			return err
		}
		h.begun = true
	}
	if h.closed || !h.dec.More() {
		return h.finish()
	}
	h.entries++
	var e entry
	if err := h.dec.Decode(&e); err != nil {
		return err
	}
	return h.entry(&e)
}

// finish reads what stands behind the entries.
func (h *Reader) finish() error {
	if !h.closed {
		if _, err := h.dec.Token(); err != nil { // the bracket
			return err
		}
		h.closed = true
	}
	for {
		h.bound.reset()
		switch _, err := h.dec.Token(); {
		case err == io.EOF:
			return io.EOF
		case err != nil:
			h.closed = false
			return err
		}
	}
}

// findEntries goes to the list of entries: log, then entries in it. What stands
// before it is passed over.
func (h *Reader) findEntries() error {
	for _, name := range []string{"log", "entries"} {
		if err := h.open('{', "an object with "+name); err != nil {
			return err
		}
		if err := h.findKey(name); err != nil {
			return err
		}
	}
	return h.open('[', "the list of entries")
}

func (h *Reader) open(want json.Delim, what string) error {
	token, err := h.dec.Token()
	if err != nil {
		return err
	}
	if token != want {
		return fmt.Errorf("this is no HAR: want %s, and there is %.40v", what, token)
	}
	return nil
}

func (h *Reader) findKey(name string) error {
	for h.dec.More() {
		key, err := h.dec.Token()
		if err != nil {
			return err
		}
		if key == name {
			return nil
		}
		if err := h.skip(); err != nil {
			return err
		}
	}
	return fmt.Errorf("this is no HAR: there is no %q", name)
}

// skip passes over a value, however large.
func (h *Reader) skip() error {
	for depth := 0; ; {
		h.bound.reset()
		token, err := h.dec.Token()
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth <= 0 {
			return nil
		}
	}
}

// Damage returns what was too large.
func (h *Reader) Damage() payload.Damage { return h.damage }

// Format is "HAR".
func (h *Reader) Format() string { return "HAR" }

// Counts gives what the archive holds and no message has, and what is made up.
func (h *Reader) Counts() []stats.Count {
	return []stats.Count{
		{Name: "requests without an answer (status 0)", Kind: stats.Note, N: h.unanswered},
		{Name: "data: and other URLs that no request was sent for, left out", Kind: stats.Note, N: h.data},
		{Name: "answers whose body is not in the file, given without", Kind: stats.Note, N: h.noBody},
		{Name: "answers whose body is decoded, given without Content-Encoding", Kind: stats.Note, N: h.decoded},
		{Name: "bodies made of parameters", Kind: stats.Note, N: h.params},
	}
}

// parseTime reads a time of ISO 8601, in ns since 1970.
func parseTime(text string) (int64, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05.999999999"} {
		if t, err := time.Parse(layout, text); err == nil && t.Year() >= 1970 && t.Year() < 2200 {
			return max(t.UnixNano(), 1), nil
		}
	}
	return 0, fmt.Errorf("startedDateTime %.40q is not a time", text)
}
