package main

import (
	"flag"
	"time"

	"github.com/buger/gor/internal/disk"
	"github.com/buger/gor/internal/flags"
	"github.com/buger/gor/internal/rules"
	rawsocket "github.com/buger/gor/raw_socket_listener"
)

// pluginArg is one plugin as the command line names it: --output-http X is
// {"output-http", "X"}.
type pluginArg struct {
	Flag  string
	Value string
}

// Settings is everything the command line says. It is filled once and handed
// down by pointer; nothing changes it afterwards.
type Settings struct {
	Inputs  []pluginArg
	Outputs []pluginArg

	SplitOutput bool

	// RecognizeSessions keeps what was one connection together: on one
	// connection to a target, and at one output of several that share.
	RecognizeSessions bool

	OnFull       string        // "", "wait" or "shed"
	MessageLimit int           // bytes of one message
	ExitAfter    time.Duration // 0: never
	DrainTimeout time.Duration
	Verbose      int // see verboseLosses
	Stats        bool
	CPUProfile   string
	MemProfile   string
	HTTPPprof    string // address; "": none
	SummaryJSON  string // file; "": none
	Version      bool
	Config       string // file; "": none
	Check        bool

	RawTrackResponse bool
	RawBufferSize    int           // bytes of all rings together
	RawBufferTimeout time.Duration // 0: chosen by the outputs
	RawExpire        time.Duration
	RawPromisc       bool
	RawFilter        *rawsocket.Filter // nil: none
	RawEngine        string            // "" or "af_packet", "pcap_file", "vxlan"
	RawTunnels       bool
	RawVXLANPort     int
	RawVNIs          []int // below zero: all but these
	RawRings         int   // 0: chosen by the number of cores
	RawMaxBuffered   int   // bytes of torn messages and early segments
	RawMaxConns      int
	RawRealIP        string   // header to tell the client's address in; "": none
	RawIncomplete    bool     // give messages with holes too
	RawProtocol      string   // "http" or "binary"
	RawStats         bool     // print what the capture has, every 5 seconds
	RawIgnored       []string // interfaces that are not captured
	RawVLAN          bool     // only frames with a VLAN tag
	RawVLANIDs       []int    // of these; none: of any

	FileLoop      bool
	FileReadDepth int           // records
	FileMaxWait   time.Duration // 0: no limit
	FileCatchup   int           // percent, 0: no cap
	FileRate      int           // records a second, 0: as recorded
	FileDryRun    bool

	HTTPWorkers       int // -1 or 0: dynamic
	HTTPWorkersMin    int
	HTTPWorkerTimeout time.Duration
	HTTPQueueLen      int
	HTTPTimeout       time.Duration
	HTTPSkipVerify    bool
	HTTPStats         bool
	HTTPStatsMs       int    // between two lines of it
	Elasticsearch     string // where to report exchanges; "": nowhere
	HTTPRedirects     int
	HTTPTrackResponse bool
	HTTPOriginalHost  bool
	ResponseBuffer    int // bytes of one response's head and of one read

	WSSkipVerify bool
	WSWorkers    int
	WSStats      bool

	BinaryWorkers       int // -1 or 0: dynamic
	BinaryTimeout       time.Duration
	BinaryTrackResponse bool
	BinaryBuffer        int // bytes of one response that are passed on

	Middleware   string // command; "": none
	PrettifyHTTP bool

	TCPStats bool
	TCP      linkSettings

	FileFlushInterval time.Duration
	FileMode          uint32
	FileSizeLimit     int // bytes of a chunk, 0: no limit
	FileQueueLimit    int // messages of a chunk, 0: no limit
	FileMaxSize       int // bytes of all files of an output, 0: no limit
	FileAppend        bool
	MinFree           disk.MinFree

	Rules []ruleArg // filters and rewrites, in the order of the command line

	Notes []string // to be said once: flags that are no longer needed, and the like
}

// ruleArg is one filter or rewrite: as the command line names it, and what that
// means.
type ruleArg struct {
	Flag  string
	Value string
	rule  rules.Rule
}

// flagDef is one flag: what -h, docs/flags.md and the parser know of
// it. The order of the table is the order of -h.
type flagDef struct {
	name    string
	arg     string // what stands for the value in -h; "" for a boolean
	help    string
	example string // a whole command, shown below the help
	value   flag.Value
}

// flagGroup is the flags of one plugin or of one concern.
type flagGroup struct {
	title string
	flags []flagDef
}

// Sizes, counts and times that a command line may leave out. The ceilings
// add up to the 64 MB that Gor holds itself to on a small production host.
const (
	defaultMessageLimit = 16 << 20
	maxMessageLimit     = 1 << 30
	defaultRingBytes    = 16 << 20
	defaultQueueLen     = 100 // the seed's FAQ
	maxHTTPWorkers      = 512
)

func defaultSettings() *Settings {
	return &Settings{
		MessageLimit:      defaultMessageLimit,
		DrainTimeout:      30 * time.Second,
		RawBufferSize:     defaultRingBytes,
		RawExpire:         2 * time.Second,
		RawVXLANPort:      4789, // RFC 7348
		RawMaxBuffered:    rawsocket.DefaultMaxBuffered,
		RawMaxConns:       rawsocket.DefaultMaxConns,
		FileReadDepth:     100,
		HTTPWorkers:       -1,
		HTTPWorkersMin:    1,
		HTTPWorkerTimeout: 2 * time.Second,
		HTTPQueueLen:      defaultQueueLen,
		HTTPTimeout:       5 * time.Second,
		HTTPStatsMs:       5000,
		RawProtocol:       protocolHTTP,
		WSWorkers:         1,
		BinaryWorkers:     -1,
		BinaryTimeout:     5 * time.Second,
		BinaryBuffer:      1 << 20,
		ResponseBuffer:    1 << 20,
		TCP:               linkSettings{Workers: 1, SpillSize: 1 << 30},
		FileFlushInterval: time.Second,
		FileMode:          0o600,
		MinFree:           disk.DefaultMinFree(),
	}
}

// groups is the one table of flags, in the order of -h: what is given several
// times here, the rest beside the plugin that it is for. Each value writes into s.
func (s *Settings) groups() []flagGroup {
	return []flagGroup{
		s.inputFlags(), s.captureFlags(), s.replayFlags(),
		s.outputFlags(), s.httpFlags(), s.linkFlags(), s.otherTargetFlags(), s.recordingFlags(),
		s.middlewareFlags(), s.filterFlags(), s.rewriteFlags(), s.generalFlags(),
	}
}

func (s *Settings) input(name string) flag.Value  { return &pluginList{&s.Inputs, name} }
func (s *Settings) output(name string) flag.Value { return &pluginList{&s.Outputs, name} }
func (s *Settings) rule(name string, kind rules.Kind) flag.Value {
	return &ruleList{&s.Rules, name, kind}
}

// inputFlags name the inputs.
func (s *Settings) inputFlags() flagGroup {
	return flagGroup{"Inputs (each may be given several times; ADDRESS|10 takes 10 a second, ADDRESS|10% a tenth)", []flagDef{
		{"input-raw", "ADDRESS", "capture the HTTP requests that arrive at `ADDRESS`: :80, 10.0.0.5:80, [::1]:80, eth0:80, eth*:80 " +
			"(those that appear later too), :80,8080, or a capture file (x.pcap:80; x.pcap*:80 for several as " +
			"one; -:80 is standard input). Needs root or CAP_NET_RAW",
			"sudo gor --input-raw :8080 --output-http staging.com", s.input("input-raw")},
		{"input-tcp", "ADDRESS", "receive messages from the --output-tcp of other Gor processes",
			"gor --input-tcp :28020 --output-http staging.com", s.input("input-tcp")},
		{"input-file", "FILE", "replay a recording at the pace of its recording: FILE|200% twice as fast, FILE|max without waiting. " +
			"FILE may be a pattern; several files are merged by time, those of several flags too " +
			"when they have one speed",
			"gor --input-file ./requests.gor --output-http staging.com", s.input("input-file")},
		{"input-http", "ADDRESS", "take requests over HTTP and treat them as captured: for the mirroring of nginx, HAProxy or Envoy, " +
			"where TLS hides the traffic from a capture. Each is answered with 204 at once",
			"gor --input-http 127.0.0.1:28021 --output-http http://staging.com", s.input("input-http")},
		{"input-dummy", "", "make one GET / a second, to try outputs with",
			"gor --input-dummy \"\" --output-http staging.com", flags.Optional(s.input("input-dummy"))},
	}}
}

// outputFlags name the outputs, and say how they share the traffic.
func (s *Settings) outputFlags() flagGroup {
	return flagGroup{"Outputs (each may be given several times and takes |N and |N%)", []flagDef{
		{"output-http", "URL", "send every request to URL: staging.com, staging.com:8080, http://, https://, user:pass@ for Basic " +
			"auth; a path is put before the recorded one",
			"gor --input-raw :80 --output-http http://staging.com", s.output("output-http")},
		{"output-tcp", "ADDRESS", "send every message to the --input-tcp of another Gor",
			"sudo gor --input-raw :80 --output-tcp replay.local:28020", s.output("output-tcp")},
		{"output-ws", "URL", "send every captured message to a WebSocket server: ws://, wss://, user:pass@ for Basic auth; one " +
			"binary message each",
			"sudo gor --input-raw :80 --output-ws wss://replay.local:28020/endpoint", s.output("output-ws")},
		{"output-binary", "ADDRESS", "send what --input-raw-protocol binary captured to ADDRESS, each recorded connection over one of its " +
			"own",
			"sudo gor --input-raw :9000 --input-raw-protocol binary --output-binary staging.com:9000", s.output("output-binary")},
		{"output-file", "FILE", "record every message; the file is appended to, never truncated. %Y %m %d %H %M %S stand for the " +
			"local time, %t for the type of the message, %r for its id, %i for a word of this run; .gz and .zst " +
			"compress. SIGHUP opens it again by its name",
			"sudo gor --input-raw :80 --output-file ./requests.gor", s.output("output-file")},
		{"output-dummy", "", "print every message",
			"sudo gor --input-raw :80 --output-dummy \"\"", flags.Optional(s.output("output-dummy"))},
		{"output-stdout", "", "the same under its newer name",
			"sudo gor --input-raw :80 --output-stdout", flags.Optional(s.output("output-stdout"))},
		{"output-null", "", "count every message and drop it",
			"sudo gor --input-raw :80 --output-null", flags.Optional(s.output("output-null"))},
		{"split-output", "", "give each message to one output in turn, not to all",
			"gor --input-tcp :28020 --output-http http://staging.com --output-http http://dev.com --split-output " +
				"true", flags.Bool(&s.SplitOutput)},
		{"recognize-tcp-sessions", "", "replay each recorded connection on a connection of its own, its requests in order; with " +
			"--split-output all of it goes to one output",
			"gor --input-file requests.gor --output-http staging.com --recognize-tcp-sessions", flags.Bool(&s.RecognizeSessions)},
		{"on-full", "wait|shed", "what an input does when an output has no room: captures shed and other inputs wait while the output " +
			"makes progress, unless this says otherwise", "", flags.OneOf(&s.OnFull, "wait", "shed")},
	}}
}
