package main

import (
	"flag"
	"slices"
	"time"

	"github.com/buger/gor/internal/flags"
	"github.com/buger/gor/internal/rules"
	"github.com/buger/gor/internal/threshold"
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
	FailOn       threshold.List
	Version      bool
	Config       string // file; "": none
	Check        bool

	Middleware string // command; "": none

	// What each plugin can be told is declared in its file.
	raw        rawSettings
	fileInput  fileInputSettings
	formats    formatSettings
	tcpInput   tcpInputSettings
	http       httpSettings
	tcpOutput  tcpOutputSettings
	ws         wsSettings
	binary     binarySettings
	fileOutput fileOutputSettings
	modifier   modifierSettings

	groups []flagGroup // the flags, in the order of -h: their values write into these fields

	Notes []string // to be said once: flags that are no longer needed, and the like
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
)

// defaultSettings is what an empty command line says.
func defaultSettings() *Settings {
	s := &Settings{MessageLimit: defaultMessageLimit, DrainTimeout: 30 * time.Second}
	s.groups = []flagGroup{
		s.inputFlags(),
		{"Capture", s.raw.flags()},
		{"Replay from files", slices.Concat(s.fileInput.flags(), s.formats.flags())},
		s.outputFlags(),
		{"HTTP output", s.http.flags()},
		{"TCP link", slices.Concat(s.tcpInput.flags(), s.tcpOutput.flags())},
		{"WebSocket and binary outputs", slices.Concat(s.ws.flags(), s.binary.flags())},
		{"File output", s.fileOutput.flags()},
		s.middlewareFlags(), s.filterFlags(), s.rewriteFlags(), s.generalFlags(),
	}
	return s
}

func (s *Settings) input(name string) flag.Value  { return &pluginList{&s.Inputs, name} }
func (s *Settings) output(name string) flag.Value { return &pluginList{&s.Outputs, name} }
func (s *Settings) rule(name string, kind rules.Kind) flag.Value {
	return &ruleList{&s.modifier.Rules, name, kind}
}

// inputFlags name the inputs.
func (s *Settings) inputFlags() flagGroup {
	return flagGroup{"Inputs (each may be given several times; ADDRESS|10 takes 10 a second, ADDRESS|10% a tenth)", []flagDef{
		{"input-raw", "ADDRESS", "capture the HTTP requests that arrive at `ADDRESS`: :80, 10.0.0.5:80, [::1]:80, eth0:80, eth*:80 " +
			"(those that appear later too), :80,8080, or a capture file (x.pcap:80; x.pcap*:80 for several as " +
			"one; -:80 is standard input). Needs root or CAP_NET_RAW",
			"sudo gor --input-raw :8080 --output-http staging.com", s.input("input-raw")},
		{"input-tcp", "ADDRESS", "receive messages from the --output-tcp of another Gor; any number of them may send",
			"gor --input-tcp :28020 --output-http staging.com", s.input("input-tcp")},
		{"input-file", "FILE", "replay a recording at the pace of its recording: FILE|200% twice as fast, FILE|max without waiting. " +
			"FILE may be a pattern; several files are merged by time, those of several flags too " +
			"when they have one speed. log:FILE, and FILE of *.log, is an access log; har:FILE, and *.har, is HAR; - is standard input",
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
		{"output-stdout", "", "print every message",
			"sudo gor --input-raw :80 --output-stdout", flags.Optional(s.output("output-stdout"))},
		{"output-dummy", "", "the same under its older name",
			"sudo gor --input-raw :80 --output-dummy \"\"", flags.Optional(s.output("output-dummy"))},
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
