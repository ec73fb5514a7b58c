package main

import (
	"flag"
	"slices"
	"time"

	"github.com/buger/gor/internal/console"
	"github.com/buger/gor/internal/flags"
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
	Metrics      string // the same under its other name
	LogFormat    string // see console.Format
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
	verdict    verdictSettings
	modifier   modifierSettings

	given  func(flag string) bool // what was set by the line, the environment or the file; nil: nothing
	groups []flagGroup            // the flags, in the order of -h: their values write into these fields

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

// flagDefs takes flags that a room has made.
func flagDefs(list []flags.Def) (defs []flagDef) {
	for _, d := range list {
		defs = append(defs, flagDef{d.Name, d.Arg, d.Help, d.Example, d.Value})
	}
	return defs
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
	s := &Settings{MessageLimit: defaultMessageLimit, DrainTimeout: 30 * time.Second, LogFormat: string(console.Auto)}
	var inputs, outputs []flagGroup
	naming := [2][]flagDef{}
	for _, row := range inputPlugins() {
		naming[0] = append(naming[0], row.naming(&s.Inputs))
		inputs = row.group(inputs, s)
	}
	for _, row := range outputPlugins() {
		naming[1] = append(naming[1], row.naming(&s.Outputs))
		outputs = row.group(outputs, s)
	}
	s.groups = slices.Concat(
		[]flagGroup{{"Inputs (each may be given several times; ADDRESS|10 takes 10 a second, ADDRESS|10% a tenth)", naming[0]}}, inputs,
		[]flagGroup{{"Outputs (each may be given several times and takes |N and |N%)", append(naming[1], s.sharingFlags()...)}}, outputs,
		[]flagGroup{s.middlewareFlags(), s.filterFlags(), s.rewriteFlags(), s.generalFlags()})
	return s
}

// naming is the flag that names a plugin; what it is given goes into list.
func (f pluginFlags) naming(list *[]pluginArg) flagDef {
	var value flag.Value = &pluginList{list, f.name}
	if f.arg == "" {
		value = flags.Optional(value)
	}
	return flagDef{f.name, f.arg, f.help, f.example, value}
}

// group adds what a plugin can be told to groups, to the last one when that has
// its title.
func (f pluginFlags) group(groups []flagGroup, s *Settings) []flagGroup {
	if f.flags == nil {
		return groups
	}
	if last := len(groups) - 1; last >= 0 && groups[last].title == f.title {
		groups[last].flags = append(groups[last].flags, f.flags(s)...)
		return groups
	}
	return append(groups, flagGroup{f.title, f.flags(s)})
}

// sharingFlags say how outputs share the traffic.
func (s *Settings) sharingFlags() []flagDef {
	return []flagDef{
		{"split-output", "", "give each message to one output, in turn, instead of to all",
			"gor --input-tcp :28020 --output-http http://staging.com --output-http http://dev.com --split-output " +
				"true", flags.Bool(&s.SplitOutput)},
		{"recognize-tcp-sessions", "", "replay each recorded connection on a connection of its own, its requests in order; with " +
			"--split-output all of it goes to one output",
			"gor --input-file requests.gor --output-http staging.com --recognize-tcp-sessions", flags.Bool(&s.RecognizeSessions)},
		{"on-full", "wait|shed", "what an input does when an output has no room. By default captures drop the message and count it (shed), and " +
			"other inputs wait as long as the output makes progress", "", flags.OneOf(&s.OnFull, "wait", "shed")},
	}
}
