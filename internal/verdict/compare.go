package verdict

import (
	"bytes"
	"strconv"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/verdict/body"
	"github.com/buger/gor/internal/verdict/finding"
	"github.com/buger/gor/internal/verdict/header"
	"github.com/buger/gor/internal/verdict/jsondiff"
	"github.com/buger/gor/internal/verdict/rules"
)

// MostFindings bounds the findings of one pair, each with a severity and a path that
// no other has. Further ones are left out: whoever has looked at a thousand knows.
const MostFindings = 1000

// A Comparer compares two answers. It serves one goroutine.
type Comparer struct {
	rules *rules.Set
	diff  *body.Differ
	sides [2]side

	seen     map[findingKey]bool // of the answers under comparison
	findings []Finding
	ignored  uint64
	route    string
}

type findingKey struct {
	severity Severity
	path     string
}

// A side is one answer taken apart.
type side struct {
	msg    http1.Response
	fields header.Fields
	reader *body.Reader
	body   body.Content
}

// NewComparer returns a Comparer. Bodies are decoded up to most bytes; set may be nil.
func NewComparer(set *rules.Set, most int) *Comparer {
	c := &Comparer{rules: set, diff: body.New(), seen: make(map[findingKey]bool)}
	for i := range c.sides {
		c.sides[i].reader = body.NewReader(most)
	}
	if set.HasTolerance() {
		c.diff.JSON.Rules.Tolerance = func(path string) jsondiff.Tolerance { return set.Tolerance(c.route, path) }
	}
	if set.HasUnordered() {
		c.diff.JSON.Rules.Unordered = func(path string) (string, bool) { return set.Unordered(c.route, path) }
	}
	return c
}

// Compare returns what differs between two answers to a request of that route, the
// first finding of each severity and path. Heads and bodies of different classes of
// status are not compared: an error page differs in everything, and its status says
// so. The result is valid until the next call.
func (c *Comparer) Compare(route string, old, new *Answer) []Finding {
	clear(c.seen)
	c.findings, c.route = c.findings[:0], route
	if answered(c, old, new) {
		c.answers(old, new)
	}
	return c.findings
}

// Ignored is how many findings a rule has left out so far.
func (c *Comparer) Ignored() uint64 { return c.ignored }

// found takes a finding, unless a rule ignores it or there is one like it.
func (c *Comparer) found(f Finding) {
	if c.rules.Ignore(c.route, f.Path) {
		c.ignored++
		return
	}
	k := findingKey{f.Severity, f.Path}
	if c.seen[k] || len(c.findings) >= MostFindings {
		return
	}
	c.seen[k] = true
	c.findings = append(c.findings, f)
}

// answered reports whether both sides answered in HTTP; what else there is to say, it
// reports.
func answered(c *Comparer, old, new *Answer) bool {
	was, is := c.sides[0].take(old), c.sides[1].take(new)
	switch {
	case was == "" && is == "":
		return true
	case was == "":
		c.found(Finding{Severity: finding.Unanswered, Path: finding.AnswerPath, Old: statusLine(&c.sides[0].msg), New: finding.Cut(is)})
	case is == "":
		c.found(Finding{Severity: finding.Added, Path: finding.AnswerPath, Old: finding.Cut(was), New: statusLine(&c.sides[1].msg)})
	case was != is:
		c.found(Finding{Severity: finding.SameKind, Path: finding.AnswerPath, Old: finding.Cut(was), New: finding.Cut(is)})
	}
	return false
}

func statusLine(m *http1.Response) string { return strconv.Itoa(m.Status()) }

// take parses the head of an answer, and returns why there is none.
func (s *side) take(a *Answer) (why string) {
	if a.Error != "" {
		return a.Error
	}
	b := a.Bytes
	for {
		if err := s.msg.Parse(b); err != nil {
			return "not HTTP/1"
		}
		if n := s.msg.Status(); n < 100 || n >= 200 || n == 101 {
			return ""
		}
		b = s.msg.Body()
		if len(bytes.TrimLeft(b, "\r\n")) == 0 {
			return "an interim response alone"
		}
	}
}

// Status returns the status of an answer, 0 when there is none.
func (c *Comparer) status(a *Answer) int {
	if c.sides[0].take(a) != "" {
		return 0
	}
	return c.sides[0].msg.Status()
}

func (c *Comparer) answers(old, new *Answer) {
	a, b := &c.sides[0], &c.sides[1]
	was, is := a.msg.Status(), b.msg.Status()
	if was != is {
		s := finding.Status
		if was/100 != is/100 {
			s = finding.StatusClass
		}
		c.found(Finding{Severity: s, Path: finding.StatusPath, Old: strconv.Itoa(was), New: strconv.Itoa(is)})
		if s == finding.StatusClass {
			return
		}
	} else if bytes.Equal(old.Bytes, new.Bytes) {
		return
	}
	a.read()
	b.read()
	header.Diff(&a.fields, &b.fields, c.found)
	c.diff.JSON.OldTime, c.diff.JSON.NewTime = old.Time, new.Time
	c.diff.Diff(body.Side{Content: a.body, Type: a.fields.Get("content-type")}, body.Side{Content: b.body, Type: b.fields.Get("content-type")}, c.found)
}

// read takes the codings off the body, and the fields of the head and the trailer.
func (s *side) read() {
	s.body = s.reader.Read(&s.msg)
	s.fields.Reset()
	s.msg.Headers(func(name, value []byte) bool {
		s.fields.Add(name, value)
		return true
	})
	for line := range bytes.Lines(s.body.Trailer) {
		if name, value, ok := bytes.Cut(line, []byte{':'}); ok {
			s.fields.Add(name, value)
		}
	}
}

// Decoded returns the head of an answer and its body without codings, for people. err
// says why the body is not what the server meant, or that there is no answer.
func Decoded(a *Answer, most int) (head, content []byte, err error) {
	s := side{reader: body.NewReader(most)}
	if why := s.take(a); why != "" {
		return nil, nil, &NoAnswer{Why: why}
	}
	c := s.reader.Read(&s.msg)
	return s.msg.AppendHead(nil), c.Bytes, c.Err
}
