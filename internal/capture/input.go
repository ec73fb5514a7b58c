package capture

import (
	"context"
	"io"
	"net/netip"
	"sync"
	"time"

	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/rules"
	"github.com/buger/gor/internal/stats"
	rawsocket "github.com/buger/gor/raw_socket_listener"
)

// An Input gives what a rawsocket.Listener captures as records. But for String
// its methods are those of a plugin.Input.
type Input struct {
	cfg  rawsocket.Config
	l    *rawsocket.Listener
	msg  *rawsocket.Message // found but not yet given, when the last Read's buffer was short
	line header
	head []byte // its header line, and its HTTP head when that was edited
	body []byte // what follows of it
	ip   rules.ClientHeader

	ctx     context.Context // ends with Close
	stop    context.CancelFunc
	warning sync.WaitGroup
}

// Listen begins to capture. Each request gets the header realIP with the
// client's address; "" is none.
func Listen(cfg rawsocket.Config, realIP string) (*Input, error) {
	l, err := rawsocket.Listen(cfg)
	if err != nil {
		return nil, err
	}
	return newInput(cfg, l, realIP), nil
}

func newInput(cfg rawsocket.Config, l *rawsocket.Listener, realIP string) *Input {
	in := &Input{cfg: cfg, l: l, ip: rules.ClientHeader{Name: realIP}}
	in.ctx, in.stop = context.WithCancel(context.Background())
	return in
}

// lookupPatience bounds the look-up of a server's name, beside the capture.
const lookupPatience = 2 * time.Second

// WarnOf says which servers the capture sees too. It does not loop, since the
// capture leaves this process's connections out, but such a server is given each
// of its requests again.
func (in *Input) WarnOf(servers []plugin.Server) {
	for _, server := range servers {
		in.warning.Go(func() {
			ctx, cancel := context.WithTimeout(in.ctx, lookupPatience)
			defer cancel()
			if rawsocket.Sees(ctx, in.cfg.Address, server.Address) {
				in.cfg.Logf("%s is a server that input-raw %s captures: it will get each of its requests a second time", server.Name, in.cfg.Address)
			}
		})
	}
}

func (in *Input) Read(p []byte) (int, error) {
	if in.msg == nil {
		m, err := in.l.Next()
		if err != nil {
			return 0, err
		}
		in.msg, in.head, in.body = m, in.line.appendTo(in.head[:0], m), m.Data
		if in.ip.Name != "" && !m.Response {
			in.head, in.body = in.ip.Set(in.head, m.Data, clientOf(m))
		}
	}
	if len(p) < len(in.head)+len(in.body) {
		return 0, io.ErrShortBuffer
	}
	n := copy(p, in.head)
	n += copy(p[n:], in.body)
	in.msg = nil
	return n, nil
}

// clientOf is the address that a request came from: a load balancer that is
// between may have named it.
func clientOf(m *rawsocket.Message) netip.Addr {
	if m.Client.IsValid() {
		return m.Client
	}
	return m.Src.Addr()
}

// Close ends the capture.
func (in *Input) Close() error {
	err := in.l.Close()
	in.stop()
	in.warning.Wait()
	return err
}

func (in *Input) Live() bool                { return in.l.Live() }
func (in *Input) Progress() plugin.Progress { return plugin.Progress{} }
func (in *Input) Report(*plugin.Report)     {}

// Counts gives the capture's ledger: first the packets, then the messages.
func (in *Input) Counts() []stats.Count {
	s := in.l.Stats()
	counts := append([]stats.Count{
		{Name: "packets", Kind: stats.Note, N: s.Source.Received},
		{Name: "packets dropped by the kernel", Kind: stats.Lost, N: s.Source.Dropped},
	}, packetCounts(s.Source)...)
	for _, row := range s.Rows() {
		kind := stats.Note
		if row.Lost {
			kind = stats.Lost
		}
		counts = append(counts, stats.Count{Name: row.Name, Kind: kind, N: row.N})
	}
	return append(counts, stats.Count{Name: "requests without the client's address", Kind: stats.Note, N: in.ip.Failed()})
}
