// Package accesslog makes requests of access logs: of nginx, Apache and Envoy in
// any format, of Amazon's load balancers and CloudFront, of Caddy, and of JSON
// lines. What a log does not have, no request gets: there are the request line,
// the host when it is known, and the headers that were logged.
package accesslog

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"github.com/buger/gor/internal/formats/message"
	"github.com/buger/gor/internal/payload"
)

// A Config says how a log is read. The zero value finds out what it is.
type Config struct {
	// LineFormat is a preset, or the string of a log_format, LogFormat or
	// text_format; "" is the first preset that fits.
	LineFormat string

	Host        string         // of requests whose log names none; "": none
	Zone        *time.Location // of times without one; nil: UTC
	EmptyBodies bool           // give requests whose body was not logged, with an empty one
}

// A Reader gives the requests of a log.
type Reader struct {
	cfg    Config
	lines  *message.Lines
	format *format   // valid iff not nil: the lines' format
	w3c    *columns  // likewise
	json   *jsonKeys // likewise
	name   string    // of the format

	entry   entry
	reading reading
	build   message.Builder
	spread  spread
	out     []byte
	id      []byte
	ordinal uint32
	err     error
	first   error // why the first bad line is bad

	damage payload.Damage
	given, empty, bodies, cut, binary,
	connects, spreadOver uint64
}

// New returns a reader of the log in r. It fails when the format of cfg cannot
// be understood.
func New(r io.Reader, cfg Config) (*Reader, error) {
	if cfg.Zone == nil {
		cfg.Zone = time.UTC
	}
	l := &Reader{cfg: cfg, lines: message.NewLines(r)}
	l.reading.stamps.zone = cfg.Zone
	if cfg.LineFormat != "" {
		if err := l.use(cfg.LineFormat); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// Check says what is wrong with a LineFormat.
func Check(lineFormat string) error { return new(Reader).use(lineFormat) }

// Fits reports whether the first of the whole lines in head, or one after it, is of a
// log in a format that is known.
func Fits(head []byte) bool {
	if end := bytes.LastIndexByte(head, '\n'); end >= 0 {
		head = head[:end]
	}
	l, err := New(bytes.NewReader(head), Config{EmptyBodies: true})
	for n := 0; err == nil && n < 3; n++ {
		if _, err = l.Next(); l.given+l.cut+l.binary+l.connects > 0 && l.damage.Damaged == 0 {
			return true
		}
	}
	return false
}

func (l *Reader) use(text string) error {
	switch text {
	case "cloudfront", "w3c", "iis":
		l.w3c, l.name = &columns{}, text
		return nil
	case "caddy", "nginx-json", "json":
		l.json, l.name = newJSONKeys(), text
		return nil
	}
	f, err := compile(text)
	if err != nil {
		return err
	}
	l.format, l.name = f, f.name
	return nil
}

// badStart is how many lines may be bad before the first good one: then the
// format is not the log's.
const badStart = 100

// Next returns the next request with its header line, valid until the next
// call. The error is io.EOF, the reader's, or a *message.PositionError.
func (l *Reader) Next() ([]byte, error) {
	for {
		if req, at, it, ok := l.spread.next(); ok {
			return l.message(req, at, it), nil
		}
		if l.err != nil {
			return nil, l.err
		}
		line, err := l.lines.Next()
		if err != nil {
			l.end(err)
			continue
		}
		l.ordinal++
		if len(bytes.TrimSpace(line)) == 0 {
			l.ordinal--
			continue
		}
		if msg := l.line(line); msg != nil {
			return msg, nil
		}
	}
}

// end keeps why there are no more lines.
func (l *Reader) end(err error) {
	l.spread.finish()
	l.damage.TooLarge = l.lines.Long()
	l.err = err
	if err == io.EOF && l.given == 0 && l.first != nil {
		l.err = l.first
	}
}

// line reads a line. It returns a message, or nil when there is none, or when
// it waits for the end of its second.
func (l *Reader) line(line []byte) []byte {
	if isDirective(line) {
		if l.w3c == nil && l.format == nil && l.json == nil && (bytes.HasPrefix(line, []byte("#Fields:")) || bytes.HasPrefix(line, []byte("#Software:"))) {
			l.w3c, l.name = &columns{}, "w3c"
		}
		if l.w3c != nil {
			l.w3c.directive(line)
		}
		l.ordinal--
		return nil
	}
	e := &l.entry
	var bad *parseError
	switch {
	case l.format == nil && l.w3c == nil && l.json == nil:
		bad = l.detect(line)
	default:
		bad = l.parse(line)
	}
	if bad != nil {
		l.bad(bad)
		return nil
	}
	req, reason := l.request(e)
	if reason != nil {
		*reason++
		return nil
	}
	l.given++
	return l.timed(e, req)
}

func (l *Reader) parse(line []byte) *parseError {
	l.entry.reset()
	l.reading.scratch = l.reading.scratch[:0]
	switch {
	case l.w3c != nil:
		return l.w3c.parse(line, &l.entry, &l.reading)
	case l.json != nil:
		return l.json.parse(line, &l.entry, &l.reading)
	}
	return l.format.parse(line, &l.entry, &l.reading)
}

// detect finds the preset that fits a line.
func (l *Reader) detect(line []byte) *parseError {
	if looksJSON(line) {
		l.json, l.name = newJSONKeys(), "json"
		if bad := l.parse(line); bad != nil {
			l.json = nil
			return bad
		}
		return nil
	}
	for _, name := range Presets() {
		l.format = preset(name)
		if l.format == nil {
			continue
		}
		if l.parse(line) == nil {
			l.name = name
			return nil
		}
	}
	l.format = nil
	return &parseError{1, "the line fits no known format; give the log_format, LogFormat or text_format that it was written by"}
}

// bad counts a line that does not fit.
func (l *Reader) bad(why *parseError) {
	if l.lines.Unended() && l.given > 0 {
		l.damage.Torn++
	} else {
		l.damage.Damaged++
	}
	if len(l.damage.Spots) < 16 {
		l.damage.Spots = append(l.damage.Spots, payload.Spot{Reason: payload.Damaged, Offset: l.lines.Offset()})
	}
	if l.first == nil {
		l.first = l.lines.Fail(fmt.Errorf("no line of the %s: %w", l.formatName(), why))
	}
	if l.given == 0 && l.damage.Damaged >= badStart {
		l.err = fmt.Errorf("%w (and %d lines after it fit no better)", l.first, badStart-1)
	}
}

func (l *Reader) formatName() string {
	if l.name == "" {
		return "access logs that are known"
	}
	return l.name + " format"
}

// timed gives a request its time, or has it wait for the end of its second.
func (l *Reader) timed(e *entry, req []byte) []byte {
	at, step, before := e.start, e.startStep, int64(0)
	if at == 0 || e.end != 0 && e.duration >= 0 && e.endStep < step {
		at, step = e.end, e.endStep
		before = max(e.duration, 0)
	}
	it := item{conn: message.Conn(e.client, e.user, e.agent()), ordinal: l.ordinal, before: before}
	if step < int64(time.Second) {
		return l.message(req, at-before, it)
	}
	l.spreadOver++
	l.spread.add(at, req, it)
	return nil
}

func (l *Reader) message(req []byte, at int64, it item) []byte {
	l.id = payload.AppendID(l.id[:0], it.conn, it.ordinal)
	l.out = payload.AppendMeta(l.out[:0], payload.Meta{
		Type: payload.Request, ID: l.id, Time: max(at, 1), Duration: -1, Length: int64(len(req)), Attributes: origin,
	})
	l.out = append(l.out, req...)
	return l.out[:len(l.out):len(l.out)]
}

var origin = payload.AppendAttribute(nil, payload.AttrOrigin, "log")
