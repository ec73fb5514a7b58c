// Package formats reads and writes what is not a recording of Gor's: access logs,
// HAR, curl lines, captures, JSON lines. A Reader gives messages as a recording
// does; those that were not seen on a wire are marked so (payload.AttrOrigin). A
// Writer takes them. No format needs the whole file in memory.
package formats

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"
	_ "time/tzdata" // Gor runs where there is no file but its own

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/buger/gor/internal/formats/accesslog"
	"github.com/buger/gor/internal/formats/curl"
	"github.com/buger/gor/internal/formats/har"
	"github.com/buger/gor/internal/formats/jsonlines"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/sniff"
	"github.com/buger/gor/internal/stats"
)

// A Reader gives the messages of one file.
type Reader interface {
	payload.Source
	// Counts tells what the file holds and no message has, and what is made up;
	// after io.EOF it is final. All are notes.
	Counts() []stats.Count
}

// Options are what a reader may have to be told.
type Options struct {
	Limit int // bytes of the largest message; 0: payload.DefaultLimit
	Log   accesslog.Config
	Curl  curl.Config
	Sniff bool // without a prefix or suffix a file may be of any kind
}

// ErrCapture says that packets are read by a capture, not by a Reader.
var ErrCapture = errors.New("is a capture of packets")

// Open returns the messages of the file in r. A prefix of name says what it is. The
// suffix counts unless the file shows that it is something else; without one it is a
// recording, or what it shows when Options.Sniff is set.
func Open(r io.Reader, name string, o Options) (Reader, error) {
	kind, path, certain := Split(name)
	if kind == Recording && (certain || !o.Sniff) {
		return openRecording(r, path, o)
	}
	in := bufio.NewReaderSize(r, peekBytes)
	if !certain {
		found, err := o.look(in, kind)
		if err != nil {
			return nil, err
		}
		kind = found
		if kind == Recording {
			return openRecording(in, path, o)
		}
	}
	if kind == Pcap {
		return nil, ErrCapture
	}
	plain, err := unpack(in)
	if err != nil {
		return nil, fmt.Errorf("read %q: %w", path, err)
	}
	switch kind {
	case HAR:
		return inOrder(har.New(plain, o.Limit)), nil
	case Curl:
		return curl.New(plain, o.Curl), nil
	case JSONLines:
		return jsonlines.New(plain, o.Limit), nil
	}
	rd, err := accesslog.New(plain, o.Log)
	if err != nil {
		return nil, err
	}
	return inOrder(rd), nil
}

// peekBytes is how much of a file is looked at to see what it is: for logs in JSON a
// line or more, before compression perhaps.
const peekBytes = 16 << 10

// look finds out what a file is whose name says kind. A reader that waits for more,
// such as a pipe, is not waited for longer than for its first line.
func (o *Options) look(in *bufio.Reader, kind Kind) (Kind, error) {
	if _, err := in.Peek(1); err == io.EOF {
		return kind, nil
	} else if err != nil {
		return kind, err
	}
	head, _ := in.Peek(in.Buffered())
	if bytes.IndexByte(head, '\n') < 0 {
		head, _ = in.Peek(peekBytes)
	}
	found, err := sniff.Reader(bytes.NewReader(head))
	if err != nil {
		return kind, err
	}
	shown, known := map[sniff.Kind]Kind{
		sniff.Recording: Recording, sniff.Pcap: Pcap, sniff.HAR: HAR, sniff.Log: Log, sniff.Curl: Curl, sniff.JSONLines: JSONLines,
	}[found]
	switch {
	case found == sniff.Recording:
		return Recording, nil
	case known && kind == shown || kind == Log && found == sniff.JSONLines: // JSON may be a log
		return kind, nil
	case known && o.Sniff:
		return shown, nil
	case known:
		return kind, &OtherError{found}
	case !o.Sniff:
		return kind, nil
	case kind != Recording:
		return kind, nil
	case o.Log.LineFormat != "" || o.fitsLog(head):
		return Log, nil
	}
	return kind, &UnknownError{found}
}

// fitsLog reports whether the lines that head begins with are those of a log.
func (o *Options) fitsLog(head []byte) bool {
	plain, err := unpack(bufio.NewReader(bytes.NewReader(head)))
	if err != nil {
		return false
	}
	lines := make([]byte, peekBytes)
	n, _ := io.ReadFull(plain, lines)
	return accesslog.Fits(lines[:n])
}

// An OtherError says that a file is something else than its name says.
type OtherError struct{ Kind sniff.Kind }

func (e *OtherError) Error() string { return fmt.Sprintf("it is %v, whatever its name says", e.Kind) }

// An UnknownError says that a file is nothing that is read here.
type UnknownError struct{ Kind sniff.Kind }

func (e *UnknownError) Error() string {
	hint := "put one of " + Prefixes + " before its name to have it read as such"
	if e.Kind == sniff.Text || e.Kind == sniff.JSON {
		hint = "for an access log in a format of its own give that: --log-line-format '$remote_addr ...'"
	}
	return fmt.Sprintf("it is %v, not a recording, access log, HAR, curl lines, JSON lines or pcap; %s", e.Kind, hint)
}

// zstdMaxWindow bounds the memory of whoever reads a compressed file.
const zstdMaxWindow = 8 << 20

// unpack returns what a file holds when it is compressed with gzip or zstd.
func unpack(in *bufio.Reader) (*bufio.Reader, error) {
	magic, err := in.Peek(4)
	if err != nil && err != io.EOF {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(magic, []byte("\x1f\x8b\x08")): // RFC 1952 section 2.3.1
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, err
		}
		return bufio.NewReaderSize(z, peekBytes), nil
	case bytes.HasPrefix(magic, []byte("\x28\xb5\x2f\xfd")): // RFC 8878 section 3.1.1
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(zstdMaxWindow))
		if err != nil {
			return nil, err
		}
		return bufio.NewReaderSize(z, peekBytes), nil
	}
	return in, nil
}

// A recording is a payload.Source as a Reader.
type recording struct{ payload.Source }

func openRecording(r io.Reader, name string, o Options) (Reader, error) {
	s, err := payload.Open(r, name, o.Limit)
	if err != nil {
		return nil, err
	}
	return recording{s}, nil
}

// Counts gives nothing: a recording holds messages, or damage.
func (recording) Counts() []stats.Count { return nil }

// ParseZone reads a time zone: Europe/Paris, UTC, Local, +02:00.
func ParseZone(text string) (*time.Location, error) {
	for _, layout := range []string{"-07:00", "-0700"} {
		if t, err := time.Parse(layout, text); err == nil {
			_, seconds := t.Zone()
			return time.FixedZone(text, seconds), nil
		}
	}
	zone, err := time.LoadLocation(text)
	if err != nil || text == "" {
		return nil, errors.New("want a time zone such as Europe/Paris, UTC, Local or +02:00")
	}
	return zone, nil
}
