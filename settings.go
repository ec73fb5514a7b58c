package main

import (
	"flag"
	"math"
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

// flagDef is one flag: what -h, the README's reference and the parser know of
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

// Levels of --verbose: what is named, beside all of the levels below.
const (
	verboseLosses   = 1 // each request that was filtered or not answered
	verboseAnswers  = 2 // each answer
	verboseMessages = 3 // each message
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

// groups is the one table of flags. Each value writes into s.
func (s *Settings) groups() []flagGroup {
	input := func(name string) flag.Value { return &pluginList{&s.Inputs, name} }
	output := func(name string) flag.Value { return &pluginList{&s.Outputs, name} }
	rule := func(name string, kind rules.Kind) flag.Value { return &ruleList{&s.Rules, name, kind} }

	return []flagGroup{
		{"Inputs (each may be given several times; ADDRESS|10 takes 10 a second, ADDRESS|10% a tenth)", []flagDef{
			{"input-raw", "ADDRESS", "capture the HTTP requests that arrive at `ADDRESS`: :80, 10.0.0.5:80, [::1]:80, eth0:80, eth*:80 (those that appear later too), :80,8080, or a capture file (x.pcap:80; x.pcap*:80 for several as one; -:80 is standard input). Needs root or CAP_NET_RAW",
				"sudo gor --input-raw :8080 --output-http staging.com", input("input-raw")},
			{"input-tcp", "ADDRESS", "receive messages from the --output-tcp of other Gor processes",
				"gor --input-tcp :28020 --output-http staging.com", input("input-tcp")},
			{"input-file", "FILE", "replay a recording at the pace of its recording: FILE|200% twice as fast, FILE|max without waiting. FILE may be a pattern; several files are merged by time, those of several flags too when they have one speed",
				"gor --input-file ./requests.gor --output-http staging.com", input("input-file")},
			{"input-http", "ADDRESS", "take requests over HTTP and treat them as captured: for the mirroring of nginx, HAProxy or Envoy, where TLS hides the traffic from a capture. Each is answered with 204 at once",
				"gor --input-http 127.0.0.1:28021 --output-http http://staging.com", input("input-http")},
			{"input-dummy", "", "make one GET / a second, to try outputs with",
				"gor --input-dummy \"\" --output-http staging.com", flags.Optional(input("input-dummy"))},
		}},
		{"Capture", []flagDef{
			{"input-raw-track-response", "", "capture the responses too, each under its request's id",
				"sudo gor --input-raw :80 --input-raw-track-response --output-file both.gor", flags.Bool(&s.RawTrackResponse)},
			{"input-raw-buffer-size", "SIZE", "memory that the kernel may fill with packets before Gor reads them, for all captures together",
				"sudo gor --input-raw :80 --input-raw-buffer-size 64mb --output-file x.gor", flags.Size(&s.RawBufferSize, 1<<20, maxMessageLimit)},
			{"input-raw-buffer-timeout", "DURATION", "longest time a packet waits in that memory; 0 means 64ms when all outputs are files or links, 16ms otherwise",
				"", flags.Duration(&s.RawBufferTimeout, 0)},
			{"input-raw-expire", "DURATION", "how long a hole in a connection may wait for its retransmission once its sender seems to have been answered; before that it waits for 13s, as long as TCP sends again, or for longer if this is longer",
				"", flags.Duration(&s.RawExpire, time.Millisecond)},
			{"input-raw-promisc", "", "put the interface into promiscuous mode", "", flags.Bool(&s.RawPromisc)},
			{"input-raw-bpf-filter", "EXPRESSION", "capture only packets that match this expression of pcap-filter(7) too: of what is not understood nothing is ignored. With --input-raw-track-response it has to match both directions: host, not src host",
				"sudo gor --input-raw :80 --input-raw-bpf-filter \"src net 10.0.0.0/8 and not src host 10.0.0.7\" --output-file x.gor", &filterValue{&s.RawFilter}},
			{"input-raw-rings", "N", "how many threads share the packets, each with its part of the memory and of the connections; 0 means one for each four cores",
				"", flags.Int(&s.RawRings, 0, 64)},
			{"input-raw-max-buffered", "SIZE", "memory for messages that are not whole yet; when it is full, the oldest idle ones go first, counted",
				"", flags.Size(&s.RawMaxBuffered, 1<<20, maxMessageLimit)},
			{"input-raw-max-connections", "N", "connections known at the same time; beyond them the oldest idle ones go first, counted",
				"", flags.Int(&s.RawMaxConns, 16, 10_000_000)},
			{"input-raw-tunnels", "", "look into VLANs in VLANs, GRE, ERSPAN, VXLAN, Geneve, TZSP, PPPoE, MPLS and IP in IP on interfaces too; all tunnel traffic then reaches Gor",
				"sudo gor --input-raw eth1:80 --input-raw-tunnels --output-file mirrored.gor", flags.Bool(&s.RawTunnels)},
			{"input-raw-engine", "NAME", "where packets come from: af_packet (also under the names libpcap and raw_socket), pcap_file (ADDRESS is a capture file whatever its name), or vxlan (Gor is the end of a VXLAN tunnel, as of a cloud's traffic mirroring; needs no privilege)",
				"gor --input-raw :80 --input-raw-engine vxlan --output-http staging.com", (*engineValue)(&s.RawEngine)},
			{"input-raw-vxlan-port", "PORT", "UDP port of the vxlan engine", "", flags.Int(&s.RawVXLANPort, 1, 65535)},
			{"input-raw-vxlan-vni", "N", "VXLAN network to capture; may be given several times; -N captures all but N",
				"gor --input-raw :80 --input-raw-engine vxlan --input-raw-vxlan-vni 7 --output-http staging.com", (*vniList)(&s.RawVNIs)},
			{"input-raw-realip-header", "NAME", "put the client's address, without its port, into this header of each request, in place of what the first one of that name says",
				"sudo gor --input-raw :80 --input-raw-realip-header X-Real-IP --output-http staging.com", headerNameFlag(&s.RawRealIP)},
			{"input-raw-allow-incomplete", "", "pass on messages of which bytes are missing too, or the end: what was captured of them, in order. Their number is in the summary. One whose head is not whole is lost all the same, and --output-http refuses all others, counted", "", flags.Bool(&s.RawIncomplete)},
			{"input-raw-protocol", "http|binary", "what is captured: HTTP/1, or anything else that asks and answers in turn over TCP. There a message is what one side sends until it hears from the other, nothing came for --input-raw-expire, or the connection ends; one above --copy-buffer-size goes on as the next, counted",
				"sudo gor --input-raw :9000 --input-raw-protocol binary --output-binary staging.com:9000", flags.OneOf(&s.RawProtocol, protocolHTTP, protocolBinary)},
			{"input-raw-stats", "", "print what each capture has counted every 5 seconds", "", flags.Bool(&s.RawStats)},
			{"input-raw-ignore-interface", "NAME", "capture on all interfaces, or all of a pattern, but this one; may be given several times; NAME may be a pattern such as veth*, and localhost is lo",
				"sudo gor --input-raw :80 --input-raw-ignore-interface cbr0 --output-file x.gor", (*interfaceList)(&s.RawIgnored)},
			{"input-raw-vlan", "", "capture only packets with a VLAN tag (without it, with or without); of several tags on an interface see --input-raw-tunnels", "", flags.Bool(&s.RawVLAN)},
			{"input-raw-vlan-vid", "N", "capture only this VLAN, by the outermost tag; may be given several times",
				"sudo gor --input-raw eth0:80 --input-raw-vlan-vid 100 --output-file x.gor", (*vlanList)(&s.RawVLANIDs)},
			{"input-raw-override-snaplen", "", "accepted for older command lines", "", flags.Obsolete(flags.Bool(new(bool)), "packets are never cut")},
			{"input-raw-timestamp-type", "NAME", "accepted for older command lines", "", flags.Obsolete(flags.String(new(string)), "the kernel's own times of packets are used, to the nanosecond")},
			{"input-raw-monitor", "", "accepted for older command lines", "", flags.Obsolete(flags.Bool(new(bool)), "radio frames are not captured: only what reaches the host's own network stack is")},
			{"input-raw-immediate-mode", "", "accepted for older command lines", "", flags.Obsolete(flags.Bool(new(bool)), "--input-raw-buffer-timeout says how long a packet may wait")},
		}},
		{"Replay from files", []flagDef{
			{"input-file-loop", "", "start again at the end of the recording, for ever",
				"gor --input-file requests.gor --input-file-loop --output-http staging.com", flags.Bool(&s.FileLoop)},
			{"input-file-max-wait", "DURATION", "shorten every longer pause between two requests to this",
				"gor --input-file requests.gor --input-file-max-wait 5s --output-http staging.com", flags.Duration(&s.FileMaxWait, 0)},
			{"input-file-read-depth", "N", "how many records are held back to put late ones in order", "", flags.Int(&s.FileReadDepth, 1, 1_000_000)},
			{"input-file-catchup", "PERCENT", "how fast a backlog may go out when the replay is late, as a percentage of the recorded pace; 0 means at once", "", flags.Percent(&s.FileCatchup)},
			{"input-file-rate", "N", "replay N records a second, evenly, in place of the recorded pace; none is dropped; 0 means as recorded",
				"gor --input-file requests.gor --input-file-rate 500 --output-http staging.com", flags.Int(&s.FileRate, 0, 1_000_000_000)},
			{"input-file-dry-run", "", "say what the recordings hold and how long their replay will take, and exit",
				"gor --input-file \"requests.gor|200%\" --input-file-dry-run", flags.Bool(&s.FileDryRun)},
		}},
		{"Outputs (each may be given several times and takes |N and |N%)", []flagDef{
			{"output-http", "URL", "send every request to URL: staging.com, staging.com:8080, http://, https://, user:pass@ for Basic auth; a path is put before the recorded one",
				"gor --input-raw :80 --output-http http://staging.com", output("output-http")},
			{"output-tcp", "ADDRESS", "send every message to the --input-tcp of another Gor",
				"sudo gor --input-raw :80 --output-tcp replay.local:28020", output("output-tcp")},
			{"output-ws", "URL", "send every captured message to a WebSocket server: ws://, wss://, user:pass@ for Basic auth; one binary message each",
				"sudo gor --input-raw :80 --output-ws wss://replay.local:28020/endpoint", output("output-ws")},
			{"output-binary", "ADDRESS", "send what --input-raw-protocol binary captured to ADDRESS, each recorded connection over one of its own",
				"sudo gor --input-raw :9000 --input-raw-protocol binary --output-binary staging.com:9000", output("output-binary")},
			{"output-file", "FILE", "record every message; the file is appended to, never truncated. %Y %m %d %H %M %S stand for the local time, %t for the type of the message, %r for its id, %i for a word of this run; .gz and .zst compress. SIGHUP opens it again by its name",
				"sudo gor --input-raw :80 --output-file ./requests.gor", output("output-file")},
			{"output-dummy", "", "print every message",
				"sudo gor --input-raw :80 --output-dummy \"\"", flags.Optional(output("output-dummy"))},
			{"output-stdout", "", "the same under its newer name",
				"sudo gor --input-raw :80 --output-stdout", flags.Optional(output("output-stdout"))},
			{"output-null", "", "count every message and drop it",
				"sudo gor --input-raw :80 --output-null", flags.Optional(output("output-null"))},
			{"split-output", "", "give each message to one output in turn, not to all",
				"gor --input-tcp :28020 --output-http http://staging.com --output-http http://dev.com --split-output true", flags.Bool(&s.SplitOutput)},
			{"recognize-tcp-sessions", "", "replay each recorded connection on a connection of its own, its requests in order; with --split-output all of it goes to one output",
				"gor --input-file requests.gor --output-http staging.com --recognize-tcp-sessions", flags.Bool(&s.RecognizeSessions)},
			{"on-full", "wait|shed", "what an input does when an output has no room: captures shed and other inputs wait while the output makes progress, unless this says otherwise", "", flags.OneOf(&s.OnFull, "wait", "shed")},
		}},
		{"HTTP output", []flagDef{
			{"output-http-workers", "N", "connections to the target: N, or -1 to grow and shrink with the queue",
				"gor --input-tcp :28020 --output-http staging.com --output-http-workers 20", flags.Int(&s.HTTPWorkers, -1, 10_000)},
			{"output-http-workers-min", "N", "connections to keep when they grow and shrink", "", flags.Int(&s.HTTPWorkersMin, 1, 10_000)},
			{"output-http-worker-timeout", "DURATION", "how long a worker may be idle before it ends", "", flags.Duration(&s.HTTPWorkerTimeout, time.Millisecond)},
			{"output-http-queue-len", "N", "requests that may wait for a worker", "", flags.Int(&s.HTTPQueueLen, 1, 1_000_000)},
			{"output-http-timeout", "DURATION", "longest time for one request and its whole response", "", flags.Duration(&s.HTTPTimeout, time.Millisecond)},
			{"output-http-redirects", "N", "follow up to N redirections within the target; those to other hosts are never followed", "", flags.Int(&s.HTTPRedirects, 0, 100)},
			{"output-http-skip-verify", "", "do not verify the target's certificate", "", flags.Bool(&s.HTTPSkipVerify)},
			{"output-http-track-response", "", "give the target's responses to the other outputs too, each under its request's id",
				"gor --input-file requests.gor --output-http staging.com --output-http-track-response --output-file answered.gor", flags.Bool(&s.HTTPTrackResponse)},
			{"output-http-response-buffer", "SIZE", "largest head of a response that is accepted, and largest response that --output-http-track-response passes on", "", flags.Size(&s.ResponseBuffer, 4<<10, 64<<20)},
			{"output-http-stats", "", "print the queue's length as latest,mean,max,count,count/second", "", flags.Bool(&s.HTTPStats)},
			{"output-http-stats-ms", "N", "milliseconds between two lines of --output-http-stats", "", flags.Int(&s.HTTPStatsMs, 10, 3_600_000)},
			{"output-http-elasticsearch", "HOST:PORT/INDEX", "report each exchange (URL, headers, status, time) to this index of an Elasticsearch; http://, https:// and user:pass@ may be put before",
				"gor --input-tcp :28020 --output-http staging.com --output-http-elasticsearch localhost:9200/gor", (*elasticValue)(&s.Elasticsearch)},
			{"output-http-compatibility-mode", "", "accepted for older command lines", "", flags.Obsolete(flags.Bool(new(bool)), "requests go out as they were recorded, byte for byte")},
			{"output-http-debug", "", "accepted for older command lines", "", flags.Obsolete(flags.Bool(new(bool)), "--verbose 2 names every answer")},
		}},
		{"TCP link", []flagDef{
			{"input-tcp-secure", "", "receive over TLS; needs --input-tcp-certificate and --input-tcp-certificate-key. The files are read again when they change",
				"gor --input-tcp :28020 --input-tcp-secure --input-tcp-certificate cert.pem --input-tcp-certificate-key key.pem --output-http staging.com", flags.Bool(&s.TCP.InSecure)},
			{"input-tcp-certificate", "FILE", "the certificate of --input-tcp in PEM form, followed by those that lead to its authority", "", flags.String(&s.TCP.InCertificate)},
			{"input-tcp-certificate-key", "FILE", "its key, in PEM form and without a passphrase", "", flags.String(&s.TCP.InKey)},
			{"input-tcp-client-ca", "FILE", "admit only senders with a certificate of an authority in FILE; without it, everyone who can reach the port can have requests replayed", "", flags.String(&s.TCP.InClientCA)},
			{"output-tcp-secure", "", "send over TLS; the receiver's certificate has to be for the host in ADDRESS",
				"sudo gor --input-raw :80 --output-tcp replay.local:28020 --output-tcp-secure --output-tcp-ca ca.pem", flags.Bool(&s.TCP.OutSecure)},
			{"output-tcp-ca", "FILE", "trust the authorities in FILE, in PEM form, in place of the system's", "", flags.String(&s.TCP.OutCA)},
			{"output-tcp-client-cert", "FILE", "the certificate for a receiver that wants one, in PEM form", "", flags.String(&s.TCP.OutCertificate)},
			{"output-tcp-client-key", "FILE", "its key, in PEM form and without a passphrase", "", flags.String(&s.TCP.OutKey)},
			{"output-tcp-skip-verify", "", "do not verify the receiver's certificate: whoever answers is given the traffic", "", flags.Bool(&s.TCP.SkipVerify)},
			{"output-tcp-plain", "never|auto|always", "when to send the plain stream of Gor 0.10 and GoReplay 1.x, of which nobody learns what arrived; auto: to a receiver that does not answer and never has, and not with --output-tcp-spill",
				"sudo gor --input-raw :80 --output-tcp goreplay.local:28020 --output-tcp-plain always", (*plainValue)(&s.TCP.Plain)},
			{"output-tcp-workers", "N", "connections to the receiver; what was one connection when it was recorded goes over one of them, in order",
				"sudo gor --input-raw :80 --output-tcp replay.local:28020 --output-tcp-workers 4", flags.Int(&s.TCP.Workers, 1, maxLinkWorkers)},
			{"output-tcp-sticky", "", "accepted for older command lines", "", flags.Obsolete(flags.Bool(new(bool)), "what was one connection when it was recorded always goes over one connection")},
			{"output-tcp-compress", "", "compress what is sent with zstd, if the receiver can take it so",
				"sudo gor --input-raw :80 --output-tcp replay.local:28020 --output-tcp-compress", flags.Bool(&s.TCP.Compress)},
			{"output-tcp-spill", "DIR", "keep on disk, in a folder in DIR, what the receiver cannot take yet, and across a restart of this program; it is sent in order when the receiver is back",
				"sudo gor --input-raw :80 --output-tcp replay.local:28020 --output-tcp-spill /var/spool/gor", flags.String(&s.TCP.Spill)},
			{"output-tcp-spill-size", "SIZE", "what each receiver's folder may hold; beyond it messages are shed, counted", "", flags.Size(&s.TCP.SpillSize, 16<<20, maxSpillSize)},
			{"output-tcp-stats", "", "print the queue's length every 5 seconds, as --output-http-stats does", "", flags.Bool(&s.TCPStats)},
		}},
		{"WebSocket and binary outputs", []flagDef{
			{"output-ws-skip-verify", "", "do not verify the server's certificate", "", flags.Bool(&s.WSSkipVerify)},
			{"output-ws-workers", "N", "connections to each server; what was one connection when it was recorded goes over one of them, in order", "", flags.Int(&s.WSWorkers, 1, maxLinkWorkers)},
			{"output-ws-sticky", "", "accepted for older command lines", "", flags.Obsolete(flags.Bool(new(bool)), "what was one connection when it was recorded always goes over one connection")},
			{"output-ws-stats", "", "print the queue's length every 5 seconds, as --output-http-stats does", "", flags.Bool(&s.WSStats)},
			{"output-binary-workers", "N", "connections to the target at once: N, or -1 for as many as there are recorded ones, up to 512", "", flags.Int(&s.BinaryWorkers, -1, 10_000)},
			{"output-binary-timeout", "DURATION", "longest time to wait for an answer", "", flags.Duration(&s.BinaryTimeout, time.Millisecond)},
			{"output-binary-track-response", "", "give the target's answers to the other outputs too, each under its request's id", "", flags.Bool(&s.BinaryTrackResponse)},
			{"output-tcp-response-buffer", "SIZE", "largest answer that --output-binary-track-response passes on", "", flags.Size(&s.BinaryBuffer, 4<<10, 64<<20)},
			{"output-binary-debug", "", "accepted for older command lines", "", flags.Obsolete(flags.Bool(new(bool)), "--verbose 2 names every answer")},
		}},
		{"File output", []flagDef{
			{"output-file-flush-interval", "DURATION", "longest time a message may wait before it is in the file", "", flags.Duration(&s.FileFlushInterval, time.Millisecond)},
			{"output-file-mode", "MODE", "permissions of a new file, in octal", "", flags.Mode(&s.FileMode)},
			{"output-file-size-limit", "SIZE", "record in chunks of at most SIZE on the disk (a larger message has one to itself): x.gor becomes x_0.gor, x_1.gor and so on, counting on from what is there; 0 means no limit",
				"sudo gor --input-raw :80 --output-file requests.gor.gz --output-file-size-limit 256mb", flags.Size(&s.FileSizeLimit, 0, math.MaxInt)},
			{"output-file-queue-limit", "N", "record in such chunks of N messages; with both limits the first that is reached ends a chunk; 0 means no limit",
				"sudo gor --input-raw :80 --output-file %Y-%m-%d.gor --output-file-queue-limit 100000", flags.Int(&s.FileQueueLimit, 0, math.MaxInt)},
			{"output-file-append", "", "append to the file of that name and make no chunks, whatever these limits say", "", flags.Bool(&s.FileAppend)},
			{"output-file-max-size-limit", "SIZE", "end a recording when all its files together have got SIZE on the disk in this run; messages that come then are counted as failed, and all else goes on; 0 means no limit", "", flags.Size(&s.FileMaxSize, 0, math.MaxInt)},
			{"min-free", "SIZE|PERCENT", "leave so much of a disk free: recordings pause, counted, while less is left, and go on when there is room again; 0 means to the last byte",
				"sudo gor --input-raw :80 --output-file requests.gor --min-free 10%", minFreeFlag(&s.MinFree)},
		}},
		{"Middleware", []flagDef{
			{"middleware", "COMMAND", "pass every message through a program of yours: a line of hex for each on its stdin; what it prints in the same form goes on, what it does not is dropped",
				"gor --input-tcp :28020 --middleware \"node redact.js\" --output-http staging.com", flags.String(&s.Middleware)},
			{"prettify-http", "", "decode bodies that are chunked or compressed with gzip, before they go on; what cannot be decoded is left as it is",
				"sudo gor --input-raw :80 --input-raw-track-response --prettify-http --output-stdout", flags.Bool(&s.PrettifyHTTP)},
		}},
		{"Filters: a request that does not pass is dropped, for every output", []flagDef{
			{"http-allow-method", "METHOD", "pass only this method; may be given several times", "", rule("http-allow-method", rules.AllowMethod)},
			{"output-http-method", "METHOD", "the same under its first name",
				"gor --input-raw :80 --output-http staging.com --output-http-method GET --output-http-method OPTIONS", rule("output-http-method", rules.AllowMethod)},
			{"http-allow-url", "REGEXP", "pass only requests whose URL, or host and URL, match", "", rule("http-allow-url", rules.AllowURL)},
			{"http-disallow-url", "REGEXP", "drop them", "", rule("http-disallow-url", rules.DisallowURL)},
			{"output-http-url-regexp", "REGEXP", "pass only requests whose host and URL match",
				"gor --input-raw :8080 --output-http staging.com --output-http-url-regexp ^www.", rule("output-http-url-regexp", rules.AllowHostURL)},
			{"http-allow-header", "NAME:REGEXP", "pass only requests with a matching header", "", rule("http-allow-header", rules.AllowHeader)},
			{"http-disallow-header", "NAME:REGEXP", "drop requests with a matching header", "", rule("http-disallow-header", rules.DisallowHeader)},
			{"output-http-header-filter", "NAME:REGEXP", "http-allow-header under its first name",
				"gor --input-raw :8080 --output-http staging.com --output-http-header-filter api-version:^v1", rule("output-http-header-filter", rules.AllowHeader)},
			{"output-http-header-hash-filter", "NAME:N/D", "pass a fraction of the requests, always the same ones, by a hash of the header; D is a power of two",
				"gor --input-raw :8080 --output-http staging.com --output-http-header-hash-filter user-id:1/4", rule("output-http-header-hash-filter", rules.SampleHeaderHash)},
			{"http-basic-auth-filter", "REGEXP", "pass only requests whose Basic auth user:password matches, or that have none", "", rule("http-basic-auth-filter", rules.AllowBasicAuth)},
			{"http-header-limiter", "NAME:P%", "the hash filter in percent; requests without the header pass", "", rule("http-header-limiter", rules.SampleHeader)},
			{"http-param-limiter", "NAME:P%", "the same by a query parameter", "", rule("http-param-limiter", rules.SampleParam)},
		}},
		{"Rewrites: done after the filters, for every output", []flagDef{
			{"http-set-header", "NAME: VALUE", "set a header", "", rule("http-set-header", rules.SetHeader)},
			{"output-http-header", "NAME: VALUE", "the same under its first name",
				"gor --input-raw :8080 --output-http staging.com --output-http-header 'User-Agent: Gor'", rule("output-http-header", rules.SetHeader)},
			{"http-set-param", "NAME=VALUE", "set a query parameter", "", rule("http-set-param", rules.SetParam)},
			{"http-rewrite-url", "REGEXP:REPLACEMENT", "rewrite the URL; $1 is the first group; the first rule that matches wins", "", rule("http-rewrite-url", rules.RewriteURL)},
			{"output-http-rewrite-url", "REGEXP:REPLACEMENT", "the same under its first name", "", rule("output-http-rewrite-url", rules.RewriteURL)},
			{"http-rewrite-header", "NAME: REGEXP,REPLACEMENT", "rewrite a header where it is present", "", rule("http-rewrite-header", rules.RewriteHeader)},
			{"http-original-host", "", "keep the recorded Host header instead of the target's", "", flags.Bool(&s.HTTPOriginalHost)},
		}},
		{"General", []flagDef{
			{"config", "FILE", "read flags from a TOML file, named as here: input-raw = \":80\"; those that may be given several times take a list. The command line goes before the environment (GOR_INPUT_RAW), and that before the file",
				"gor --config gor.toml", flags.Only(flags.Once(&s.Config), flags.FromLine|flags.FromEnvironment)},
			{"check", "", "say whether the flags, the environment and the file are right, open nothing, and exit", "gor --input-raw :80 --output-file requests.gor --check", flags.Only(flags.Bool(&s.Check), flags.FromLine|flags.FromEnvironment)},
			{"exit-after", "DURATION", "stop after this time, as if interrupted",
				"sudo gor --input-raw :80 --output-file x.gor --exit-after 30s", flags.Duration(&s.ExitAfter, 0)},
			{"drain-timeout", "DURATION", "when the inputs have ended: how long an output may make no progress before the rest is given up", "", flags.Duration(&s.DrainTimeout, time.Millisecond)},
			{"copy-buffer-size", "SIZE", "largest message; larger ones are dropped and counted, never cut", "", flags.Size(&s.MessageLimit, 4<<10, maxMessageLimit)},
			{"debug", "", "accepted for older command lines", "", flags.Obsolete(flags.Bool(new(bool)), "--verbose 3 names every message")},
			{"stats", "", "print the counts so far every 5 seconds", "", flags.Bool(&s.Stats)},
			{"verbose", "0-3", "say more on stderr: 1 names each request that was filtered or not answered, 2 each answer, 3 each message", "", flags.Level(&s.Verbose)},
			{"summary-json", "FILE", "write the summary at the end as JSON too", "gor --input-file requests.gor --output-http staging.com --summary-json summary.json", flags.String(&s.SummaryJSON)},
			{"cpuprofile", "FILE", "write a CPU profile", "", flags.String(&s.CPUProfile)},
			{"memprofile", "FILE", "write a heap profile at the end", "", flags.String(&s.MemProfile)},
			{"http-pprof", "ADDRESS", "listen on ADDRESS, such as :8181 or 127.0.0.1:8181, and serve the counts under /metrics (for Prometheus) and /debug/vars (JSON), and profiles under /debug/pprof/",
				"sudo gor --input-raw :80 --output-http staging.com --http-pprof 127.0.0.1:8181", listenFlag(&s.HTTPPprof)},
			{"version", "", "print the version and exit", "", flags.Alone(flags.Only(flags.Bool(&s.Version), flags.FromLine))},
		}},
	}
}
