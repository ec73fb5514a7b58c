package main

import (
	"fmt"
	"io"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/http1"
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
	head []byte             // its header line, and its HTTP head when that was edited
	body []byte             // what follows of it
	id   []byte             // scratch
	ip   realIP
}

var _ Input = (*rawInput)(nil)

// Block times of the ring (DESIGN: fewer wake-ups cost less, the price is
// latency).
const (
	blockTimeFiles = 64 * time.Millisecond
	blockTime      = 16 * time.Millisecond
)

func newRawInput(addr string, _ pace.Limit, s *Settings, env *pluginEnv) (Input, error) {
	a, err := rawAddress(addr, s)
	if err != nil {
		return nil, asUsage(err)
	}
	vxlan := 0
	if s.RawEngine == engineVXLAN {
		vxlan = s.RawVXLANPort
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
		Rings:         rings(s),
		Tunnels:       s.RawTunnels,
		VXLANPort:     vxlan,
		VNIs:          s.RawVNIs,
		MaxBuffered:   s.RawMaxBuffered / max(1, captures),
		MaxConns:      max(1, s.RawMaxConns/max(1, captures)),
		BlockTimeout:  wait,
		Expire:        s.RawExpire,
		Promisc:       s.RawPromisc,
		Filter:        s.RawFilter,
		Binary:        s.RawProtocol == protocolBinary,

		AllowIncomplete: s.RawIncomplete,
		VLANTagged:      s.RawVLAN,
		VLANs:           s.RawVLANIDs,
		Ignore:          s.RawIgnored,

		Stdin:      env.stdin,
		MaxMessage: s.MessageLimit,
		Exclude:    env.own.Has,
		Logf:       env.logf,
	})
	if err != nil {
		return nil, err
	}
	switch {
	case a.Live() && vxlan == 0:
		warnOfTargets(a, s, env)
	case len(s.RawIgnored) > 0:
		env.logf("input-raw %s does not capture interfaces: --input-raw-ignore-interface has no effect on it", addr)
	}
	return &rawInput{addr: addr, l: l, ip: realIP{header: s.RawRealIP}}, nil
}

func rawAddress(addr string, s *Settings) (rawsocket.Address, error) {
	if s.RawEngine == engineFile {
		return rawsocket.ParseFileAddress(addr)
	}
	return rawsocket.ParseAddress(addr)
}

// coresPerRing is how many cores share the packets' work with one ring: one
// thread takes some hundred thousand requests a second, and each ring has its
// own connections, whose memory is divided.
const coresPerRing = 4

func rings(s *Settings) int {
	if s.RawRings > 0 {
		return s.RawRings
	}
	return max(1, runtime.NumCPU()/coresPerRing)
}

// filterValue takes one expression: two would have to be joined, and only
// whoever wrote them knows how.
type filterValue struct{ p **rawsocket.Filter }

func (v *filterValue) String() string {
	if v.p == nil {
		return ""
	}
	return (*v.p).String()
}

func (v *filterValue) Set(s string) error {
	if *v.p != nil {
		return fmt.Errorf("there is the filter %q already: join them with and, or with or", *v.p)
	}
	f, err := rawsocket.ParseFilter(s)
	if err != nil {
		return err
	}
	*v.p = f
	return nil
}

func (r *rawInput) Read(p []byte) (int, error) {
	if r.msg == nil {
		m, err := r.l.Next()
		if err != nil {
			return 0, err
		}
		r.msg, r.head, r.body = m, r.header(m), m.Data
		if r.ip.header != "" && !m.Response {
			r.head, r.body = r.ip.set(r.head, m)
		}
	}
	if len(p) < len(r.head)+len(r.body) {
		return 0, io.ErrShortBuffer
	}
	n := copy(p, r.head)
	n += copy(p[n:], r.body)
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

func (r *rawInput) Close() error       { return r.l.Close() }
func (r *rawInput) Live() bool         { return r.l.Live() }
func (r *rawInput) String() string     { return fmt.Sprintf("input-raw %s", r.addr) }
func (r *rawInput) Progress() progress { return progress{} }
func (r *rawInput) Report(*report)     {}

// Counts gives the capture's ledger: first the packets, then the messages.
func (r *rawInput) Counts() []stats.Count {
	s := r.l.Stats()
	counts := []stats.Count{
		{Name: "packets", Kind: stats.Note, N: s.Source.Received},
		{Name: "packets dropped by the kernel", Kind: stats.Note, N: s.Source.Dropped},
		{Name: "packets cut short", Kind: stats.Note, N: s.Source.Cut},
	}
	for reason, n := range s.Source.Ignored {
		counts = append(counts, stats.Count{Name: "packets ignored: " + rawsocket.IgnoreReason(reason).String(), Kind: stats.Note, N: n})
	}
	for _, row := range s.Rows() {
		counts = append(counts, stats.Count{Name: row.Name, Kind: stats.Note, N: row.N})
	}
	return append(counts, stats.Count{Name: "requests without the client's address", Kind: stats.Note, N: r.ip.failed.Load()})
}

// A realIP puts the client's address into a header of each request
// (--input-raw-realip-header).
type realIP struct {
	header string // "": none
	req    http1.Request
	text   []byte        // scratch
	failed atomic.Uint64 // requests that could not be edited and go as they are
}

// set appends the head of m, with the header, to head, and returns that and
// what follows of m.
func (r *realIP) set(head []byte, m *rawsocket.Message) (edited, body []byte) {
	client := m.Src.Addr()
	if m.Client.IsValid() {
		client = m.Client // a load balancer is between
	}
	r.text = client.Unmap().AppendTo(r.text[:0])
	err := r.req.Parse(m.Data)
	if err == nil {
		err = r.req.SetHeaderBytes(r.header, r.text)
	}
	if err != nil {
		r.failed.Add(1)
		return head, m.Data
	}
	return r.req.AppendHead(head), r.req.Body()
}
