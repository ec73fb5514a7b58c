package formats

import (
	"fmt"
	"io"

	"github.com/buger/gor/internal/formats/curl"
	"github.com/buger/gor/internal/formats/har"
	"github.com/buger/gor/internal/formats/jsonlines"
	"github.com/buger/gor/internal/formats/pcapout"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/stats"
)

// A Writer takes messages, "header LF payload". It neither keeps nor changes
// them.
type Writer interface {
	Write(msg []byte) error
	// Close writes what is held, and ends what the format has to end. It does not
	// close the file.
	Close() error
	// Counts tells what was given and is not in the file; after Close it is final.
	Counts() []stats.Count
}

// NewWriter returns a writer of a kind to w. label says which answer goes into a
// HAR; see har.NewWriter.
func NewWriter(w io.Writer, kind Kind, label string) (Writer, error) {
	switch kind {
	case Recording:
		return &recordingWriter{w: w}, nil
	case HAR:
		return har.NewWriter(w, label), nil
	case Curl:
		return curl.NewWriter(w), nil
	case JSONLines:
		return jsonlines.NewWriter(w), nil
	case Pcap:
		return pcapout.NewWriter(w), nil
	}
	return nil, fmt.Errorf("%v cannot be written; name a file *.gor, *.har, *.curl, *.jsonl or *.pcap, or put one of gor:, har:, curl:, jsonl: and pcap: before it", kind)
}

// A recordingWriter writes records.
type recordingWriter struct {
	w    io.Writer
	buf  []byte
	none uint64
}

func (r *recordingWriter) Write(msg []byte) error {
	r.buf = payload.AppendRecord(r.buf[:0], msg)
	if len(r.buf) == 0 {
		r.none++
		return nil
	}
	_, err := r.w.Write(r.buf)
	return err
}

func (r *recordingWriter) Close() error { return nil }

func (r *recordingWriter) Counts() []stats.Count {
	return []stats.Count{{Name: "messages without a header line, left out", Kind: stats.Note, N: r.none}}
}
