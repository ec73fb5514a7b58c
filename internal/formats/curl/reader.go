// Package curl reads and writes curl command lines. A line becomes the request
// that curl would send; it is built, and never was on a wire.
package curl

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"

	"github.com/buger/gor/internal/formats/message"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/stats"
)

// A Config says what lines cannot say.
type Config struct {
	Start   time.Time // of the first request; zero: 1 second after 1970, so that times do not depend on when they are read
	Agent   string    // User-Agent of requests that set none, "curl/7.88.1"; "": none
	MaxFile int64     // bytes of a file that @ names
}

// gap is how long after a request the next one goes out: a line has no time.
const gap = time.Second

// maxCommand bounds a command with its continued lines, in bytes.
const maxCommand = 16 << 20

// triedMost bounds what is read in vain to find out where one command ends when its
// quoting is none that quotes follows, in bytes: less than a second. Most such commands are refused when they end.
const triedMost = 1 << 20

// A Reader gives the requests of curl lines.
type Reader struct {
	cfg   Config
	lines *message.Lines
	text  []byte // of the command so far
	line  int64  // where it begins
	at    int64
	n     uint32

	quotes quotes // at the end of text
	tried  int    // bytes of text that were read in vain, of this command
	todo   []request
	out    []byte
	err    error
}

// New returns a reader of the lines in r.
func New(r io.Reader, cfg Config) *Reader {
	if cfg.Start.IsZero() {
		cfg.Start = time.Unix(1, 0)
	}
	if cfg.MaxFile <= 0 {
		cfg.MaxFile = maxCommand
	}
	return &Reader{cfg: cfg, lines: message.NewLines(r)}
}

// Next returns the next request with its header line. The error is io.EOF, the
// reader's, or a *message.PositionError that names what is not understood.
func (c *Reader) Next() ([]byte, error) {
	for c.err == nil {
		msg, err := c.next()
		if err != nil {
			c.err = err
			break
		}
		if msg != nil {
			return msg, nil
		}
	}
	return nil, c.err
}

func (c *Reader) next() ([]byte, error) {
	if len(c.todo) > 0 {
		return c.message()
	}
	line, err := c.lines.Next()
	if err != nil {
		if err == io.EOF && len(bytes.TrimSpace(c.text)) > 0 {
			return nil, c.fail(&message.CutError{Text: "the command ends in the middle of a quote or a continued line"})
		}
		return nil, err
	}
	if len(c.text) == 0 {
		if trimmed := bytes.TrimSpace(line); len(trimmed) == 0 || trimmed[0] == '#' {
			return nil, nil
		}
		c.line, c.at = c.lines.Number(), c.lines.Offset()
	}
	if len(c.text)+len(line) > maxCommand {
		return nil, c.fail(errors.New("the command is longer than 16 MB"))
	}
	c.text = append(append(c.text, line...), '\n')
	if len(c.text) == len(line)+1 {
		c.quotes, c.tried = quotes{windows: isCmd(line)}, 0
	}
	c.quotes.add(c.text[len(c.text)-len(line)-1:])
	if c.quotes.windows {
		return c.cmd(line)
	}
	if bytes.HasSuffix(line, []byte(`\`)) && !c.lines.Unended() {
		return nil, nil
	}
	if c.quotes.open() && !c.lines.Unended() {
		return nil, nil
	}
	words, open, err := split(c.text)
	switch {
	case err != nil:
		return nil, c.fail(err)
	case open:
		return nil, c.open()
	}
	c.text = c.text[:0]
	if len(words) == 0 {
		return nil, nil
	}
	return c.command(words)
}

// cmd goes on with a command for cmd.exe.
func (c *Reader) cmd(line []byte) ([]byte, error) {
	goesOn := bytes.HasSuffix(line, []byte("^")) || len(line) == 0 || c.quotes.open()
	if goesOn && !c.lines.Unended() {
		return nil, nil
	}
	words, open := splitCmd(c.text)
	if open {
		return nil, c.open()
	}
	c.text = c.text[:0]
	if len(words) == 0 {
		return nil, nil
	}
	return c.command(words)
}

// open notes that the command goes on behind text, and returns an error when
// nothing comes, or too much came.
func (c *Reader) open() error {
	c.tried += len(c.text)
	switch {
	case c.lines.Unended():
		return c.fail(&message.CutError{Text: "a quote is not closed"})
	case c.tried > triedMost:
		return c.fail(errors.New("a quote is not closed for too many lines; read the body from a file: --data-binary @FILE"))
	}
	return nil
}

func (c *Reader) fail(err error) error {
	return &message.PositionError{Line: c.line, Offset: c.at, Err: err}
}

// A request is one URL of a command, with what the command says of it.
type request struct {
	*options
	url    string
	upload *[]byte // of -T; nil: nothing
}

// command gives the first request of a command's words; the others are to do.
func (c *Reader) command(words []string) ([]byte, error) {
	if base := words[0]; base != "curl" && !strings.HasSuffix(base, "/curl") && base != "curl.exe" {
		return nil, c.fail(fmt.Errorf("%.40q is not curl", base))
	}
	requests, err := parse(words[1:], c.readFile)
	if err != nil {
		return nil, c.fail(err)
	}
	c.todo = requests
	return c.message()
}

// message gives the next request that is to do.
func (c *Reader) message() ([]byte, error) {
	r := c.todo[0]
	c.todo = c.todo[1:]
	req, host, err := r.build(c.cfg.Agent)
	if err != nil {
		return nil, c.fail(err)
	}
	c.n++
	id := payload.AppendID(nil, message.Conn([]byte(host)), c.n)
	at := c.cfg.Start.Add(time.Duration(c.n-1) * gap).UnixNano()
	c.out = payload.AppendMeta(c.out[:0], payload.Meta{Type: payload.Request, ID: id, Time: at, Duration: -1, Length: int64(len(req)), Attributes: r.attributes()})
	c.out = append(c.out, req...)
	return c.out[:len(c.out):len(c.out)], nil
}

// attributes say that the request was built, and where it goes.
func (r *request) attributes() []byte {
	if strings.HasPrefix(strings.ToLower(r.url), "https:") {
		return payload.AppendAttribute(origin[:len(origin):len(origin)], payload.AttrScheme, "https")
	}
	return origin
}

var origin = payload.AppendAttribute(nil, payload.AttrOrigin, "curl")

// readFile reads what @ names.
func (c *Reader) readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, c.cfg.MaxFile+1))
	if err == nil && int64(len(b)) > c.cfg.MaxFile {
		err = fmt.Errorf("%s is larger than %d bytes", name, c.cfg.MaxFile)
	}
	return b, err
}

// split takes a command apart as a shell would. Nothing is run or looked up:
// variables and substitutions are errors. open means that it goes on in the
// next line.
func split(text []byte) (words []string, open bool, err error) {
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(bytes.NewReader(text), "")
	if err != nil {
		if syntax.IsIncomplete(err) {
			return nil, true, nil
		}
		return nil, false, fmt.Errorf("no shell command: %w", err)
	}
	words, err = wordsOf(file)
	return words, false, err
}

// wordsOf are those of a script of one plain command.
func wordsOf(file *syntax.File) (words []string, err error) {
	if len(file.Stmts) == 0 {
		return nil, nil
	}
	if len(file.Stmts) > 1 {
		return nil, errors.New("want one command a line")
	}
	stmt := file.Stmts[0]
	call, ok := stmt.Cmd.(*syntax.CallExpr)
	if !ok || len(call.Assigns) > 0 || stmt.Negated || stmt.Background {
		return nil, errors.New("want a plain curl command: no pipe, no list, no variables")
	}
	var bad error
	syntax.Walk(call, func(n syntax.Node) bool {
		switch n.(type) {
		case *syntax.ParamExp, *syntax.CmdSubst, *syntax.ArithmExp, *syntax.ProcSubst:
			bad = errors.New("no shell runs here, so that $… and `…` are not known; write the value")
		}
		return bad == nil
	})
	if bad != nil {
		return nil, bad
	}
	cfg := &expand.Config{NoUnset: true}
	for _, word := range call.Args {
		text, err := expand.Literal(cfg, word)
		if err != nil {
			return nil, err
		}
		words = append(words, text)
	}
	return words, nil
}

// Damage returns nothing: what is not understood is an error.
func (c *Reader) Damage() payload.Damage { return payload.Damage{TooLarge: c.lines.Long()} }

// Format is "curl lines".
func (c *Reader) Format() string { return "curl lines" }

// Counts says that times are made up.
func (c *Reader) Counts() []stats.Count {
	return []stats.Count{{Name: "requests of curl lines, which have no time: one second apart", Kind: stats.Note, N: uint64(c.n)}}
}
