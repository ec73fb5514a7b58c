package main

import (
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/buger/gor/internal/capture"
	"github.com/buger/gor/internal/disk"
	"github.com/buger/gor/internal/flags"
	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/rules"
	"github.com/buger/gor/internal/sniff"
	rawsocket "github.com/buger/gor/raw_socket_listener"
)

// rawInput captures.
type rawInput struct {
	*capture.Input
	addr string
}

var _ plugin.Input = (*rawInput)(nil)

func (r *rawInput) String() string { return "input-raw " + r.addr }

// Block times of the ring: fewer wake-ups cost less, and messages come later.
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
			flags:   func(s *Settings) []flagDef { return s.raw.flags(func() bool { return s.none("input-raw", s.isLive) }) },
		},
		captures: true,
		ends:     func(in plugin.Input, _ *Settings) bool { return !in.Live() }, // a capture file does
		fits:     (*Settings).checkRaw,
		parse:    parseRawInput,
	}
}

func parseRawInput(addr string, _ pace.Limit, s *Settings) (plugin.Parsed[plugin.Input], error) {
	a, err := rawAddress(addr, s)
	return plugin.Parsed[plugin.Input]{
		Check: func() error {
			if a.Live() || a.Path == "-" {
				return nil
			}
			return disk.MayRead(a.Path)
		},
		Open: func(env *plugin.Env) (plugin.Input, error) { return newRawInput(addr, a, s, env) },
	}, err
}

func newRawInput(addr string, a rawsocket.Address, s *Settings, env *plugin.Env) (plugin.Input, error) {
	cfg := s.raw.Config
	cfg.Address, cfg.MaxMessage, cfg.Binary = a, s.MessageLimit, s.raw.Protocol == protocolBinary
	if s.raw.Engine != engineVXLAN {
		cfg.VXLANPort = 0
	}
	captures := max(1, s.captures())
	cfg.RingBytes, cfg.MaxBuffered, cfg.MaxConns = cfg.RingBytes/captures, cfg.MaxBuffered/captures, max(1, cfg.MaxConns/captures)
	if cfg.BlockTimeout == 0 {
		cfg.BlockTimeout = blockTimeFiles
		if env.LatencyMatters {
			cfg.BlockTimeout = blockTime
		}
	}
	if cfg.Rings == 0 {
		cfg.Rings = rawsocket.DefaultRings()
	}
	cfg.Stdin, cfg.Exclude, cfg.Yield, cfg.Logf = env.Stdin, env.Own.Has, env.Yield, env.Logf
	in, err := capture.Listen(cfg, s.raw.RealIP)
	if err != nil {
		kind, serr := sniff.File(a.Path)
		if value := kind.Prefixed(a.Path); !a.Live() && a.Path != "-" && serr == nil && value != "" {
			err = fmt.Errorf("%w: it is %v; replay it with: --input-file %s", err, kind, value)
		}
		return nil, err
	}
	switch {
	case a.Live() && cfg.VXLANPort == 0:
		in.WarnOf(s.servers())
	case len(cfg.Ignore) > 0:
		env.Logf("input-raw %s does not capture interfaces: --input-raw-ignore-interface has no effect on it", addr)
	}
	return &rawInput{in, addr}, nil
}

func rawAddress(addr string, s *Settings) (rawsocket.Address, error) {
	if s.raw.Engine == engineFile {
		return rawsocket.ParseFileAddress(addr)
	}
	return rawsocket.ParseAddress(addr)
}

func (s *Settings) isLive(addr string) bool {
	a, err := rawAddress(addr, s)
	return err != nil || a.Live()
}

// The engines of --input-raw, under one of their names each.
const (
	engineRings = "af_packet"
	engineFile  = "pcap_file"
	engineVXLAN = "vxlan"
)

// What --input-raw-protocol captures.
const (
	protocolHTTP   = "http"
	protocolBinary = "binary"
)

// checkEngine takes the names that GoReplay has for its engines. Those that
// read from interfaces are one engine here.
func checkEngine(s string) (string, error) {
	switch s {
	case "libpcap", "raw_socket", engineRings:
		return engineRings, nil
	case engineFile, engineVXLAN:
		return s, nil
	}
	return "", errors.New("want af_packet, pcap_file or vxlan")
}

// parseFilter takes one expression: how to join two only their author knows.
func (s *rawSettings) parseFilter(text string) (*rawsocket.Filter, error) {
	if s.Filter != nil {
		return nil, fmt.Errorf("there is the filter %q already: join them with and, or with or", s.Filter)
	}
	return rawsocket.ParseFilter(text)
}

// rawSettings is what the command line says of --input-raw. The Config is that of all
// captures together; zero in BlockTimeout or Rings leaves the choice to newRawInput.
type rawSettings struct {
	rawsocket.Config
	Engine   string // "" or "af_packet", "pcap_file", "vxlan"
	RealIP   string // header to tell the client's address in; "": none
	Protocol string // "http" or "binary"
	Stats    bool   // print what the capture has, every 5 seconds
}

// flags sets the defaults and returns the flags that change them.
func (s *rawSettings) flags(onlyFiles func() bool) []flagDef {
	fromInterfaces := func(v flag.Value) flag.Value {
		v = flags.Unless(v, func() bool { return s.Engine == engineVXLAN }, "with --input-raw-engine vxlan, which captures no interface")
		return flags.Unless(v, onlyFiles, "with a capture file")
	}
	*s = rawSettings{Protocol: protocolHTTP, Config: rawsocket.Config{
		RingBytes:   defaultRingBytes,
		Expire:      2 * time.Second,
		VXLANPort:   4789, // RFC 7348
		MaxBuffered: rawsocket.DefaultMaxBuffered,
		MaxConns:    rawsocket.DefaultMaxConns,
		Sights:      &rawsocket.Sights{},
	}}
	return []flagDef{
		{"input-raw-track-response", "", "capture the responses too, each under its request's id",
			"sudo gor --input-raw :80 --input-raw-track-response --output-file both.gor", flags.Bool(&s.TrackResponse)},
		{"input-raw-buffer-size", "SIZE", "memory that the kernel may fill with packets before Gor reads them, for all captures together",
			"sudo gor --input-raw :80 --input-raw-buffer-size 64mb --output-file x.gor", flags.Unless(flags.Size(&s.RingBytes, 1<<20, maxMessageLimit), onlyFiles, "with a capture file")},
		{"input-raw-buffer-timeout", "DURATION",
			"longest time a packet waits in that memory; 0 means 64ms when all outputs are files or links, 16ms " +
				"otherwise", "", flags.Unless(flags.Duration(&s.BlockTimeout, 0), onlyFiles, "with a capture file")},
		{"input-raw-expire", "DURATION",
			"how long to wait for the retransmission of a missing packet once its sender seems to have been answered; " +
				"before that Gor waits 13s, for as long as TCP retransmits, or longer if this is longer", "", flags.Duration(&s.Expire, time.Millisecond)},
		{"input-raw-promisc", "", "put the interface into promiscuous mode", "", fromInterfaces(flags.Bool(&s.Promisc))},
		{"input-raw-bpf-filter", "EXPRESSION",
			"capture only packets that also match this pcap-filter(7) expression; unsupported terms are rejected. With " +
				"--input-raw-track-response it has to match both directions: use host, not src host",
			"sudo gor --input-raw :80 --input-raw-bpf-filter \"src net 10.0.0.0/8 and not src host 10.0.0.7\" " +
				"--output-file x.gor", flags.Parsed(&s.Filter, s.parseFilter, (*rawsocket.Filter).String)},
		{"input-raw-rings", "N", "number of capture threads, each with its share of the memory and of the connections; 0 means one for every " +
			"four cores", "", fromInterfaces(flags.Int(&s.Rings, 0, 64))},
		{"input-raw-max-buffered", "SIZE",
			"memory for incomplete messages; when it is full, those idle longest are dropped and counted", "", flags.Size(&s.MaxBuffered, 1<<20, maxMessageLimit)},
		{"input-raw-max-connections", "N", "connections followed at the same time; beyond that, those idle longest are dropped and counted", "", flags.Int(&s.MaxConns, 16, 10_000_000)},
		{"input-raw-tunnels", "", "look into VLANs in VLANs, GRE, ERSPAN, VXLAN, Geneve, TZSP, PPPoE, MPLS and IP in IP on interfaces; all tunnel traffic then reaches Gor",
			"sudo gor --input-raw eth1:80 --input-raw-tunnels --output-file mirrored.gor", fromInterfaces(flags.Bool(&s.Tunnels))},
		{"input-raw-engine", "NAME", "where packets come from: af_packet (also under the names libpcap and raw_socket), pcap_file (ADDRESS " +
			"is a capture file whatever its name), or vxlan (Gor is the endpoint of a VXLAN tunnel, as for a cloud's traffic mirroring; needs no privilege)",
			"gor --input-raw :80 --input-raw-engine vxlan --output-http staging.com", flags.Named(&s.Engine, checkEngine, engineRings, engineFile, engineVXLAN)},
		{"input-raw-vxlan-port", "PORT", "UDP port of the vxlan engine", "", flags.Needs(flags.Int(&s.VXLANPort, 1, 65535), "input-raw-engine vxlan", func() bool { return s.Engine == engineVXLAN })},
		{"input-raw-vxlan-vni", "N", "VXLAN network to capture; may be given several times; -N captures all but N",
			"gor --input-raw :80 --input-raw-engine vxlan --input-raw-vxlan-vni 7 --output-http staging.com", flags.Needs(flags.Ints(&s.VNIs, 1-1<<24, 1<<24-1, "want a number up to 16777215, or one below zero to leave a network out"), "input-raw-engine vxlan", func() bool { return s.Engine == engineVXLAN })},
		{"input-raw-realip-header", "NAME",
			"set this header of each request to the client's address, without the port",
			"sudo gor --input-raw :80 --input-raw-realip-header X-Real-IP --output-http staging.com", flags.Checked(&s.RealIP, rules.ParseHeaderName)},
		{"input-raw-allow-incomplete", "",
			"also pass on messages with missing bytes or without their end: what was captured of them, in order. The " +
				"summary counts them. Messages with an incomplete head are lost all the same, and --output-http rejects the " +
				"others, counted", "", flags.Bool(&s.AllowIncomplete)},
		{"input-raw-protocol", "http|binary",
			"what to capture: HTTP/1, or any protocol over TCP in which client and server take turns. There a message is " +
				"what one side sends until the other side answers, nothing has come for --input-raw-expire, or the connection " +
				"ends; a message above --copy-buffer-size is split and counted",
			"sudo gor --input-raw :9000 --input-raw-protocol binary --output-binary staging.com:9000",
			flags.OneOf(&s.Protocol, protocolHTTP, protocolBinary)},
		{"input-raw-stats", "", "print the counters of each capture every 5 seconds", "", flags.Bool(&s.Stats)},
		{"input-raw-ignore-interface", "NAME",
			"leave out this interface; may be given several times; NAME may be a pattern such as veth*; localhost means lo", "sudo gor --input-raw :80 --input-raw-ignore-interface cbr0 --output-file x.gor", fromInterfaces(flags.Texts(&s.Ignore, rawsocket.ParseInterface))},
		{"input-raw-vlan", "", "capture only packets with a VLAN tag (by default both tagged and untagged); for several tags see " +
			"--input-raw-tunnels", "", flags.Bool(&s.VLANTagged)},
		{"input-raw-vlan-vid", "N", "capture only this VLAN, by the outermost tag; may be given several times",
			"sudo gor --input-raw eth0:80 --input-raw-vlan-vid 100 --output-file x.gor", flags.Ints(&s.VLANs, 0, 4094, "want a VLAN number from 0 to 4094")},
		{"input-raw-override-snaplen", "", "accepted for older command lines", "", flags.Obsolete(flags.Bool(new(bool)), "packets are never cut")},
		{"input-raw-timestamp-type", "NAME", "accepted for older command lines", "", flags.Obsolete(flags.String(new(string)),
			"the kernel's own times of packets are used, to the nanosecond")},
		{"input-raw-monitor", "", "accepted for older command lines", "", flags.Obsolete(flags.Bool(new(bool)), "radio frames are not captured: only what reaches the host's own network stack is")},
		{"input-raw-immediate-mode", "", "accepted for older command lines", "", flags.Obsolete(flags.Bool(new(bool)), "--input-raw-buffer-timeout says how long a packet may wait")},
	}
}

// checkRaw refuses what does not go with what is captured.
func (s *Settings) checkRaw() error {
	if err := rawsocket.CheckRepeated(s.addresses("input-raw")); err != nil {
		return fmt.Errorf("--input-raw: %w", err)
	}
	if s.raw.Protocol != protocolBinary || s.captures() == 0 {
		return nil
	}
	const reason = "is for HTTP, which --input-raw-protocol binary does not capture: "
	switch {
	case s.onlyHTTP() != "":
		return errors.New("--" + s.onlyHTTP() + " " + reason + "send it with --output-binary, keep it with --output-file, or pass it on with --output-tcp")
	case len(s.modifier.Rules) > 0:
		return fmt.Errorf("--%s %sleave it out; --input-raw-bpf-filter chooses by address", s.modifier.Rules[0].Flag, reason)
	case s.raw.RealIP != "":
		return errors.New("--input-raw-realip-header " + reason + "leave it out")
	case s.modifier.Prettify:
		return errors.New("--prettify-http " + reason + "leave it out")
	}
	return nil
}
