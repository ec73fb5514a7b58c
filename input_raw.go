package main

import (
	"fmt"
	"io"
	"time"

	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/stats"
	rawsocket "github.com/buger/gor/raw_socket_listener"
)

// rawInput captures: it gives each HTTP message of a rawsocket.Listener the
// header of a record.
type rawInput struct {
	addr string
	l    *rawsocket.Listener
	msg  *rawsocket.Message // found but not yet given, when the last Read's buffer was short
	head []byte             // its header line
	id   []byte             // scratch
}

var _ Input = (*rawInput)(nil)

// Block times of the ring (DESIGN: fewer wake-ups cost less, the price is
// latency).
const (
	blockTimeFiles = 64 * time.Millisecond
	blockTime      = 16 * time.Millisecond
)

func newRawInput(addr string, _ pace.Limit, s *Settings, env *pluginEnv) (Input, error) {
	a, err := rawsocket.ParseAddress(addr)
	if err != nil {
		return nil, err
	}
	captures := 0
	for _, in := range s.Inputs {
		if in.Flag == "input-raw" {
			captures++
		}
	}
	wait := s.RawBufferTimeout
	if wait == 0 {
		wait = blockTimeFiles
		if env.latencyMatters {
			wait = blockTime
		}
	}
	l, err := rawsocket.Listen(rawsocket.Config{
		Address:       a,
		TrackResponse: s.RawTrackResponse,
		RingBytes:     s.RawBufferSize / max(1, captures),
		BlockTimeout:  wait,
		Expire:        s.RawExpire,
		Promisc:       s.RawPromisc,
		Stdin:         env.stdin,
		MaxMessage:    s.MessageLimit,
		Exclude:       env.own.Has,
		Logf:          env.logf,
	})
	if err != nil {
		return nil, err
	}
	return &rawInput{addr: addr, l: l}, nil
}

func (r *rawInput) Read(p []byte) (int, error) {
	if r.msg == nil {
		m, err := r.l.Next()
		if err != nil {
			return 0, err
		}
		r.msg, r.head = m, r.header(m)
	}
	if len(p) < len(r.head)+len(r.msg.Data) {
		return 0, io.ErrShortBuffer
	}
	n := copy(p, r.head)
	n += copy(p[n:], r.msg.Data)
	r.msg = nil
	return n, nil
}

func (r *rawInput) header(m *rawsocket.Message) []byte {
	r.id = payload.AppendID(r.id[:0], m.Conn, m.Ordinal)
	meta := payload.Meta{Type: payload.Request, ID: r.id, Time: m.Time, Duration: m.Duration, Length: -1}
	if m.Response {
		meta.Type = payload.Response
	}
	return payload.AppendMeta(r.head[:0], meta)
}

func (r *rawInput) Close() error     { return r.l.Close() }
func (r *rawInput) Live() bool       { return r.l.Live() }
func (r *rawInput) String() string   { return fmt.Sprintf("input-raw %s", r.addr) }
func (r *rawInput) Report(io.Writer) {}

// Counts gives the capture's ledger: first the packets, then the messages.
func (r *rawInput) Counts() []stats.Count {
	s := r.l.Stats()
	counts := []stats.Count{
		{Name: "packets", N: s.Source.Received},
		{Name: "packets dropped by the kernel", N: s.Source.Dropped},
		{Name: "packets cut short", N: s.Source.Cut},
	}
	for reason, n := range s.Source.Ignored {
		counts = append(counts, stats.Count{Name: "packets ignored: " + rawsocket.IgnoreReason(reason).String(), N: n})
	}
	for _, row := range s.Rows() {
		counts = append(counts, stats.Count{Name: row.Name, N: row.N})
	}
	return counts
}
