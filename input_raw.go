package main

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"runtime"
	"time"

	"github.com/buger/gor/internal/disk"
	"github.com/buger/gor/internal/flags"
	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/rules"
	"github.com/buger/gor/internal/sniff"
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
	ip   rules.ClientHeader
}

var _ plugin.Input = (*rawInput)(nil)

// Block times of the ring (DESIGN: fewer wake-ups cost less, the price is
// latency).
const (
	blockTimeFiles = 64 * time.Millisecond
	blockTime      = 16 * time.Millisecond
)

// rawInputPlugin is the row of --input-raw.
func rawInputPlugin() inputPlugin {
	return inputPlugin{
		pluginFlags: pluginFlags{
			name: "input-raw", arg: "ADDRESS",
			help: "capture the HTTP requests that arrive at `ADDRESS`: :80, 10.0.0.5:80, [::1]:80, eth0:80, eth*:80 " +
				"(those that appear later too), :80,8080, or a capture file (x.pcap:80; x.pcap*:80 for several as " +
				"one; -:80 is standard input). Needs root or CAP_NET_RAW",
			example: "sudo gor --input-raw :8080 --output-http staging.com",
			title:   "Capture",
			flags:   func(s *Settings) []flagDef { return s.raw.flags() },
		},
		captures: true,
		fits:     (*Settings).checkRaw,
		parse:    parseRawInput,
	}
}

func parseRawInput(addr string, _ pace.Limit, s *Settings) (parsed[plugin.Input], error) {
	a, err := rawAddress(addr, s)
	return parsed[plugin.Input]{
		check: func() error {
			if a.Live() || a.Path == "-" {
				return nil
			}
			return disk.MayRead(a.Path)
		},
		open: func(env *plugin.Env) (plugin.Input, error) { return newRawInput(addr, a, s, env) },
	}, err
}

func newRawInput(addr string, a rawsocket.Address, s *Settings, env *plugin.Env) (plugin.Input, error) {
	vxlan := 0
	if s.raw.Engine == engineVXLAN {
		vxlan = s.raw.VXLANPort
	}
	captures := s.captures()
	wait := s.raw.BufferTimeout
	if wait == 0 {
		wait = blockTimeFiles
		if env.LatencyMatters {
			wait = blockTime
		}
	}
	l, err := rawsocket.Listen(rawsocket.Config{
		Address:       a,
		TrackResponse: s.raw.TrackResponse,
		RingBytes:     s.raw.BufferSize / max(1, captures),
		Rings:         rings(s),
		Tunnels:       s.raw.Tunnels,
		VXLANPort:     vxlan,
		VNIs:          s.raw.VNIs,
		MaxBuffered:   s.raw.MaxBuffered / max(1, captures),
		MaxConns:      max(1, s.raw.MaxConns/max(1, captures)),
		BlockTimeout:  wait,
		Expire:        s.raw.Expire,
		Promisc:       s.raw.Promisc,
		Filter:        s.raw.Filter,
		Binary:        s.raw.Protocol == protocolBinary,

		AllowIncomplete: s.raw.Incomplete,
		VLANTagged:      s.raw.VLAN,
		VLANs:           s.raw.VLANIDs,
		Ignore:          s.raw.Ignored,

		Stdin:      env.Stdin,
		MaxMessage: s.MessageLimit,
		Exclude:    env.Own.Has,
		Yield:      env.Yield,
		Logf:       env.Logf,
	})
	if err != nil {
		if kind, serr := sniff.File(a.Path); !a.Live() && a.Path != "-" && serr == nil && kind == sniff.Recording {
			err = fmt.Errorf("%w: it is a recording; replay it with: --input-file %s", err, a.Path)
		}
		return nil, err
	}
	switch {
	case a.Live() && vxlan == 0:
		warnOfTargets(a, s, env)
	case len(s.raw.Ignored) > 0:
		env.Logf("input-raw %s does not capture interfaces: --input-raw-ignore-interface has no effect on it", addr)
	}
	return &rawInput{addr: addr, l: l, ip: rules.ClientHeader{Name: s.raw.RealIP}}, nil
}

func rawAddress(addr string, s *Settings) (rawsocket.Address, error) {
	if s.raw.Engine == engineFile {
		return rawsocket.ParseFileAddress(addr)
	}
	return rawsocket.ParseAddress(addr)
}

// coresPerRing is how many cores share the packets' work with one ring: one
// thread takes some hundred thousand requests a second, and each ring has its
// own connections, whose memory is divided.
const coresPerRing = 4

func rings(s *Settings) int {
	if s.raw.Rings > 0 {
		return s.raw.Rings
	}
	return max(1, runtime.NumCPU()/coresPerRing)
}

// clientOf is the address that a request came from: a load balancer that is
// between may have named it.
func clientOf(m *rawsocket.Message) netip.Addr {
	if m.Client.IsValid() {
		return m.Client
	}
	return m.Src.Addr()
}

func (r *rawInput) Read(p []byte) (int, error) {
	if r.msg == nil {
		m, err := r.l.Next()
		if err != nil {
			return 0, err
		}
		r.msg, r.head, r.body = m, r.header(m), m.Data
		if r.ip.Name != "" && !m.Response {
			r.head, r.body = r.ip.Set(r.head, m.Data, clientOf(m))
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

func (r *rawInput) Close() error              { return r.l.Close() }
func (r *rawInput) Live() bool                { return r.l.Live() }
func (r *rawInput) String() string            { return fmt.Sprintf("input-raw %s", r.addr) }
func (r *rawInput) Progress() plugin.Progress { return plugin.Progress{} }
func (r *rawInput) Report(*plugin.Report)     {}

// Counts gives the capture's ledger: first the packets, then the messages.
func (r *rawInput) Counts() []stats.Count {
	s := r.l.Stats()
	counts := []stats.Count{
		{Name: "packets", Kind: stats.Note, N: s.Source.Received},
		{Name: "packets dropped by the kernel", Kind: stats.Lost, N: s.Source.Dropped},
		{Name: "packets cut short", Kind: stats.Note, N: s.Source.Cut},
	}
	for reason, n := range s.Source.Ignored {
		counts = append(counts, stats.Count{Name: "packets ignored: " + rawsocket.IgnoreReason(reason).String(), Kind: stats.Note, N: n})
	}
	for _, row := range s.Rows() {
		kind := stats.Note
		if row.Lost {
			kind = stats.Lost
		}
		counts = append(counts, stats.Count{Name: row.Name, Kind: kind, N: row.N})
	}
	return append(counts, stats.Count{Name: "requests without the client's address", Kind: stats.Note, N: r.ip.Failed()})
}

// rawSettings is what the command line says of --input-raw.
type rawSettings struct {
	TrackResponse bool
	BufferSize    int           // bytes of all rings together
	BufferTimeout time.Duration // 0: chosen by the outputs
	Expire        time.Duration
	Promisc       bool
	Filter        *rawsocket.Filter // nil: none
	Engine        string            // "" or "af_packet", "pcap_file", "vxlan"
	Tunnels       bool
	VXLANPort     int
	VNIs          []int // below zero: all but these
	Rings         int   // 0: chosen by the number of cores
	MaxBuffered   int   // bytes of torn messages and early segments
	MaxConns      int
	RealIP        string   // header to tell the client's address in; "": none
	Incomplete    bool     // give messages with holes too
	Protocol      string   // "http" or "binary"
	Stats         bool     // print what the capture has, every 5 seconds
	Ignored       []string // interfaces that are not captured
	VLAN          bool     // only frames with a VLAN tag
	VLANIDs       []int    // of these; none: of any
}

// flags sets the defaults and returns the flags that change them.
func (s *rawSettings) flags() []flagDef {
	*s = rawSettings{
		BufferSize:  defaultRingBytes,
		Expire:      2 * time.Second,
		VXLANPort:   4789, // RFC 7348
		MaxBuffered: rawsocket.DefaultMaxBuffered,
		MaxConns:    rawsocket.DefaultMaxConns,
		Protocol:    protocolHTTP,
	}
	return []flagDef{
		{"input-raw-track-response", "", "capture the responses too, each under its request's id",
			"sudo gor --input-raw :80 --input-raw-track-response --output-file both.gor", flags.Bool(&s.TrackResponse)},
		{"input-raw-buffer-size", "SIZE", "memory that the kernel may fill with packets before Gor reads them, for all captures together",
			"sudo gor --input-raw :80 --input-raw-buffer-size 64mb --output-file x.gor", flags.Size(&s.BufferSize, 1<<20, maxMessageLimit)},
		{"input-raw-buffer-timeout", "DURATION",
			"longest time a packet waits in that memory; 0 means 64ms when all outputs are files or links, 16ms " +
				"otherwise",
			"", flags.Duration(&s.BufferTimeout, 0)},
		{"input-raw-expire", "DURATION",
			"how long to wait for the retransmission of a missing packet once its sender seems to have been answered; " +
				"before that Gor waits 13s, for as long as TCP retransmits, or longer if this is longer",
			"", flags.Duration(&s.Expire, time.Millisecond)},
		{"input-raw-promisc", "", "put the interface into promiscuous mode", "", flags.Bool(&s.Promisc)},
		{"input-raw-bpf-filter", "EXPRESSION",
			"capture only packets that also match this pcap-filter(7) expression; unsupported terms are rejected. With " +
				"--input-raw-track-response it has to match both directions: use host, not src host",
			"sudo gor --input-raw :80 --input-raw-bpf-filter \"src net 10.0.0.0/8 and not src host 10.0.0.7\" " +
				"--output-file x.gor", &filterValue{&s.Filter}},
		{"input-raw-rings", "N", "number of capture threads, each with its share of the memory and of the connections; 0 means one for every " +
			"four cores",
			"", flags.Int(&s.Rings, 0, 64)},
		{"input-raw-max-buffered", "SIZE",
			"memory for incomplete messages; when it is full, those idle longest are dropped and counted",
			"", flags.Size(&s.MaxBuffered, 1<<20, maxMessageLimit)},
		{"input-raw-max-connections", "N", "connections followed at the same time; beyond that, those idle longest are dropped and counted",
			"", flags.Int(&s.MaxConns, 16, 10_000_000)},
		{"input-raw-tunnels", "", "look into VLANs in VLANs, GRE, ERSPAN, VXLAN, Geneve, TZSP, PPPoE, MPLS and IP in IP on interfaces; all tunnel traffic then reaches Gor",
			"sudo gor --input-raw eth1:80 --input-raw-tunnels --output-file mirrored.gor", flags.Bool(&s.Tunnels)},
		{"input-raw-engine", "NAME", "where packets come from: af_packet (also under the names libpcap and raw_socket), pcap_file (ADDRESS " +
			"is a capture file whatever its name), or vxlan (Gor is the endpoint of a VXLAN tunnel, as for a cloud's traffic mirroring; needs no privilege)",
			"gor --input-raw :80 --input-raw-engine vxlan --output-http staging.com", flags.Named(&s.Engine, checkEngine, engineRings, engineFile, engineVXLAN)},
		{"input-raw-vxlan-port", "PORT", "UDP port of the vxlan engine", "", flags.Int(&s.VXLANPort, 1, 65535)},
		{"input-raw-vxlan-vni", "N", "VXLAN network to capture; may be given several times; -N captures all but N",
			"gor --input-raw :80 --input-raw-engine vxlan --input-raw-vxlan-vni 7 --output-http staging.com", flags.Ints(&s.VNIs, 1-1<<24, 1<<24-1, "want a number up to 16777215, or one below zero to leave a network out")},
		{"input-raw-realip-header", "NAME",
			"set this header of each request to the client's address, without the port",
			"sudo gor --input-raw :80 --input-raw-realip-header X-Real-IP --output-http staging.com", flags.Checked(&s.RealIP, checkHeaderName)},
		{"input-raw-allow-incomplete", "",
			"also pass on messages with missing bytes or without their end: what was captured of them, in order. The " +
				"summary counts them. Messages with an incomplete head are lost all the same, and --output-http rejects the " +
				"others, counted", "", flags.Bool(&s.Incomplete)},
		{"input-raw-protocol", "http|binary",
			"what to capture: HTTP/1, or any protocol over TCP in which client and server take turns. There a message is " +
				"what one side sends until the other side answers, nothing has come for --input-raw-expire, or the connection " +
				"ends; a message above --copy-buffer-size is split and counted",
			"sudo gor --input-raw :9000 --input-raw-protocol binary --output-binary staging.com:9000",
			flags.OneOf(&s.Protocol, protocolHTTP, protocolBinary)},
		{"input-raw-stats", "", "print the counters of each capture every 5 seconds", "", flags.Bool(&s.Stats)},
		{"input-raw-ignore-interface", "NAME",
			"leave out this interface; may be given several times; NAME may be a pattern such as veth*; localhost means lo",
			"sudo gor --input-raw :80 --input-raw-ignore-interface cbr0 --output-file x.gor", flags.Texts(&s.Ignored, checkInterface)},
		{"input-raw-vlan", "", "capture only packets with a VLAN tag (by default both tagged and untagged); for several tags see --input-raw- " +
			"tunnels", "", flags.Bool(&s.VLAN)},
		{"input-raw-vlan-vid", "N", "capture only this VLAN, by the outermost tag; may be given several times",
			"sudo gor --input-raw eth0:80 --input-raw-vlan-vid 100 --output-file x.gor", flags.Ints(&s.VLANIDs, 0, 4094, "want a VLAN number from 0 to 4094")},
		{"input-raw-override-snaplen", "", "accepted for older command lines", "", flags.Obsolete(flags.Bool(new(bool)), "packets are never cut")},
		{"input-raw-timestamp-type", "NAME", "accepted for older command lines", "", flags.Obsolete(flags.String(new(string)),
			"the kernel's own times of packets are used, to the nanosecond")},
		{"input-raw-monitor", "", "accepted for older command lines", "", flags.Obsolete(flags.Bool(new(bool)),
			"radio frames are not captured: only what reaches the host's own network stack is")},
		{"input-raw-immediate-mode", "", "accepted for older command lines", "", flags.Obsolete(flags.Bool(new(bool)),
			"--input-raw-buffer-timeout says how long a packet may wait")},
	}
}

// checkRaw refuses what does not go with what is captured.
func (s *Settings) checkRaw() error {
	if len(s.raw.VNIs) > 0 && s.raw.Engine != engineVXLAN {
		return errors.New("--input-raw-vxlan-vni is for the vxlan engine; add --input-raw-engine vxlan")
	}
	if s.raw.Protocol != protocolBinary || s.captures() == 0 {
		return nil
	}
	const reason = "is for HTTP, which --input-raw-protocol binary does not capture: "
	switch {
	case s.has("output-http"):
		return errors.New("--output-http " + reason + "send it with --output-binary, keep it with --output-file, or pass it on with --output-tcp")
	case len(s.modifier.Rules) > 0:
		return fmt.Errorf("--%s %sleave it out; --input-raw-bpf-filter chooses by address", s.modifier.Rules[0].Flag, reason)
	case s.raw.RealIP != "":
		return errors.New("--input-raw-realip-header " + reason + "leave it out")
	case s.modifier.Prettify:
		return errors.New("--prettify-http " + reason + "leave it out")
	}
	return nil
}
