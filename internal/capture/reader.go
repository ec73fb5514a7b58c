// Package capture makes records of captured messages: an input of them, and a
// reader of a capture file as formats reads others. Package formats does not know
// it: a replay of packets is an input of its own, with the flags of one.
package capture

import (
	"io"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/stats"
	rawsocket "github.com/buger/gor/raw_socket_listener"
)

// A Config says what is read.
type Config struct {
	Address string    // x.pcap, x.pcap:80, x.pcap*:80 or -
	Stdin   io.Reader // what the address - reads
	Limit   int       // bytes of the largest message; 0: rawsocket.DefaultMaxMessage
	Logf    func(format string, args ...any)
}

// A Reader gives requests and their responses. It is a formats.Reader.
type Reader struct {
	l    *rawsocket.Listener
	line header
	msg  []byte
}

// Open opens a capture file.
func Open(c Config) (*Reader, error) {
	a, err := rawsocket.ParseFileAddress(c.Address)
	if err != nil {
		return nil, err
	}
	l, err := rawsocket.Listen(rawsocket.Config{Address: a, TrackResponse: true, RequestsAlone: true, MaxMessage: c.Limit, Stdin: c.Stdin, Logf: c.Logf})
	if err != nil {
		return nil, err
	}
	return &Reader{l: l}, nil
}

// Next returns the next message, valid until the call after it.
func (r *Reader) Next() ([]byte, error) {
	m, err := r.l.Next()
	if err != nil {
		return nil, err
	}
	r.msg = append(r.line.appendTo(r.msg[:0], m), m.Data...)
	return r.msg, nil
}

// Close ends the reading.
func (r *Reader) Close() error { return r.l.Close() }

// Damage is none: what packets lack is counted.
func (r *Reader) Damage() payload.Damage { return payload.Damage{} }

// Format names what is read.
func (r *Reader) Format() string { return "pcap" }

// Counts tells what no message was made of. What the capture counts beside, such
// as its packets, is for its own summary.
func (r *Reader) Counts() []stats.Count {
	s := r.l.Stats()
	counts := packetCounts(s.Source)
	for _, row := range s.Rows() {
		if row.Lost {
			counts = append(counts, stats.Count{Name: "messages " + row.Name, Kind: stats.Note, N: row.N})
		}
	}
	return counts
}
