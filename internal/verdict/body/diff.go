package body

import (
	"bytes"
	"errors"
	"fmt"
	"hash/fnv"
	"mime"
	"strings"
	"unicode/utf8"

	"github.com/buger/gor/internal/verdict/finding"
	"github.com/buger/gor/internal/verdict/jsondiff"
)

// A Differ compares contents. It serves one goroutine.
type Differ struct {
	// JSON has the rules and the times.
	JSON *jsondiff.Differ

	report func(finding.Finding)
}

// New returns a Differ.
func New() *Differ { return &Differ{JSON: jsondiff.New()} }

// A Side is one content with the Content-Type that its headers name.
type Side struct {
	Content
	Type string
}

// Diff reports each difference between two bodies. One that is empty or cannot be
// decoded on one side alone is one finding; what both could not decode is compared
// as it came.
func (d *Differ) Diff(old, new Side, report func(finding.Finding)) {
	d.report = report
	switch {
	case bytes.Equal(old.Bytes, new.Bytes) && (old.Err == nil) == (new.Err == nil):
	case len(new.Bytes) == 0 && new.Err == nil:
		d.found(finding.Removed, finding.BodyPath, describe(old), "")
	case len(old.Bytes) == 0 && old.Err == nil:
		d.found(finding.Added, finding.BodyPath, "", describe(new))
	case miscoded(old.Err) != miscoded(new.Err):
		d.found(finding.Retyped, finding.BodyPath, describe(old), describe(new))
	case old.Err != nil || new.Err != nil:
		d.opaque(old, new)
	default:
		d.byType(old, new)
	}
}

func miscoded(err error) bool { return errors.Is(err, ErrCoding) }

func (d *Differ) found(s finding.Severity, path, old, new string) {
	d.report(finding.Finding{Severity: s, Path: path, Old: old, New: new})
}

// byType compares two whole contents that are not empty.
func (d *Differ) byType(old, new Side) {
	a, b := typeOf(old), typeOf(new)
	if a.json || b.json {
		oldErr, newErr := d.JSON.Parse(jsonText(old.Bytes), jsonText(new.Bytes))
		switch {
		case oldErr == nil && newErr == nil:
			d.JSON.Diff(finding.BodyPath, d.report)
			return
		case errors.Is(oldErr, jsondiff.ErrTooLarge) || errors.Is(newErr, jsondiff.ErrTooLarge):
			d.opaque(old, new)
			return
		case oldErr == nil || newErr == nil:
			d.found(finding.Retyped, finding.BodyPath, describe(old), describe(new))
			return
		}
	}
	switch {
	case a.grpc && b.grpc:
		d.frames(old, new)
	case a.form && b.form:
		d.forms(old.Bytes, new.Bytes)
	case !printable(old.Bytes) || !printable(new.Bytes):
		d.opaque(old, new)
	case a.html && b.html:
		d.html(old.Bytes, new.Bytes)
	case a.opaque || b.opaque:
		d.opaque(old, new)
	case a.xml && b.xml && d.xml(old.Bytes, new.Bytes):
	default:
		d.text(old.Bytes, new.Bytes, a.prose && b.prose)
	}
}

// A contentType is what a body may be. Several may be set. Prose is text for people, in
// which numbers are counts and times; in a table or a script they are what it says.
type contentType struct{ json, form, html, xml, grpc, opaque, prose bool }

// typeOf looks at the Content-Type, and for JSON and HTML, which are sent under many
// names, at the content too.
func typeOf(s Side) (t contentType) {
	name, _, err := mime.ParseMediaType(s.Type)
	if err != nil {
		name, _, _ = strings.Cut(s.Type, ";")
		name = strings.ToLower(strings.TrimSpace(name))
	}
	begin := bytes.TrimLeft(s.Bytes, " \t\r\n\uFEFF")
	switch {
	case strings.HasSuffix(name, "json") || strings.HasSuffix(name, "json-seq") || name == "application/x-jsonlines":
		t.json = true
	case name == "application/x-www-form-urlencoded":
		t.form = true
	case name == "text/html" || name == "application/xhtml+xml":
		t.html = true
	case strings.HasPrefix(name, "application/grpc"):
		t.grpc = true
	case strings.HasSuffix(name, "xml"):
		t.xml = true
	case strings.HasPrefix(name, "text/") || name == "" || strings.Contains(name, "javascript"):
		t.json = len(begin) > 0 && (begin[0] == '{' || begin[0] == '[') && name != "text/css" && !strings.Contains(name, "javascript")
		t.html = hasPrefixFold(begin, "<!doctype html") || hasPrefixFold(begin, "<html")
		t.xml = hasPrefixFold(begin, "<?xml")
		t.prose = name == "" || name == "text/plain"
	case strings.HasPrefix(name, "image/"), strings.HasPrefix(name, "audio/"), strings.HasPrefix(name, "video/"), strings.HasPrefix(name, "font/"):
		t.opaque = true
	}
	return t
}

func hasPrefixFold(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && strings.EqualFold(string(b[:len(prefix)]), prefix)
}

// jsonText leaves out what stands before JSON: a byte-order mark, and what keeps it
// from being run as a script.
func jsonText(b []byte) []byte {
	b = bytes.TrimPrefix(b, []byte("\uFEFF"))
	return bytes.TrimPrefix(b, []byte(")]}',\n"))
}

// printable reports whether b is text: UTF-8 or one of the alphabets of one byte,
// without the control characters that no text has.
func printable(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' && c != '\f' && c != 0x1B {
			return false
		}
	}
	return true
}

// opaque compares two contents as bytes.
func (d *Differ) opaque(old, new Side) {
	if !bytes.Equal(old.Bytes, new.Bytes) {
		d.found(finding.Value, finding.BodyPath, describe(old), describe(new))
	}
}

// describe is a content for people: its beginning when it is text, else its length
// and a hash of it.
func describe(s Side) string {
	why := ""
	if s.Err != nil {
		why = s.Err.Error() + ": "
	}
	if head := s.Bytes[:min(len(s.Bytes), finding.MostText)]; len(s.Bytes) > 0 && printable(head) && (utf8.Valid(head) || len(head) < len(s.Bytes)) {
		return finding.Cut(why + string(s.Bytes[:min(len(s.Bytes), 2*finding.MostText)]))
	}
	h := fnv.New64a()
	h.Write(s.Bytes)
	return fmt.Sprintf("%s%d bytes, FNV-1a %016x", why, len(s.Bytes), h.Sum64())
}
