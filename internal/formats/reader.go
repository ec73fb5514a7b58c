// Package formats reads and writes what is no recording of Gor's: access logs,
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
	"github.com/buger/gor/internal/payload"
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
}

// ErrCapture says that packets are read by a capture, not by a Reader.
var ErrCapture = errors.New("is a capture of packets")

// Open returns the messages of the file in r. What name says of its kind counts
// unless it is certain and the file shows that it is a recording.
func Open(r io.Reader, name string, o Options) (Reader, error) {
	kind, path, certain := Split(name)
	if kind == Recording {
		return openRecording(r, path, o)
	}
	in := bufio.NewReaderSize(r, peekBytes)
	plain, err := unpack(in)
	if err != nil {
		return nil, fmt.Errorf("read %q: %w", path, err)
	}
	if !certain {
		head, err := plain.Peek(peekBytes)
		if len(head) == 0 && err != nil && err != io.EOF {
			return nil, fmt.Errorf("read %q: %w", path, err)
		}
		if payload.BeginsRecording(head) || bytes.HasPrefix(head, []byte("1\x7f\x03\x01\x01")) {
			return openRecording(plain, path, o)
		}
	}
	var rd Reader
	switch kind {
	case Log:
		if rd, err = accesslog.New(plain, o.Log); err == nil {
			rd = inOrder(rd)
		}
	case HAR:
		rd = inOrder(har.New(plain, o.Limit))
	case Curl:
		rd = curl.New(plain, o.Curl)
	case Pcap:
		err = ErrCapture
	default:
		err = fmt.Errorf("%v cannot be read", kind)
	}
	if err != nil {
		return nil, err
	}
	return rd, nil
}

// peekBytes is how much of a file is looked at to see whether it is a
// recording: a header line, and some that people may have put before it.
const peekBytes = 4 << 10

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
