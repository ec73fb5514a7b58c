package main

import (
	"errors"
	"flag"
	"io"
	"slices"
	"time"

	"github.com/buger/gor/internal/console"
	"github.com/buger/gor/internal/flags"
	"github.com/buger/gor/internal/formats"
	"github.com/buger/gor/internal/formats/logflags"
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
	formats    formats.Options // of files that are not recordings
	tcpInput   tcpInputSettings
	http       httpSettings
	tcpOutput  tcpOutputSettings
	kafka      kafkaSettings
	ws         wsSettings
	binary     binarySettings
	fileOutput fileOutputSettings
	verdict    verdictSettings
	modifier   modifierSettings

	given  func(flag string) bool // what was set by the line, the environment or the file; nil: nothing
	groups []flagGroup            // the flags, in the order of -h: their values write into these fields
	told   map[string][]flagDef   // those of a plugin, by its name: what it can be told

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
	title  string
	topics []string // words behind -h that stand for the group
	flags  []flagDef
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
	s := &Settings{MessageLimit: defaultMessageLimit, DrainTimeout: 30 * time.Second, LogFormat: string(console.Auto), told: map[string][]flagDef{}}
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
		[]flagGroup{{"Inputs (each may be given several times; ADDRESS|10 takes 10 a second, ADDRESS|10% a tenth)", []string{"inputs"}, naming[0]}}, inputs,
		[]flagGroup{{"Outputs (each may be given several times and takes |N and |N%)", []string{"outputs"}, append(naming[1], s.sharingFlags()...)}}, outputs,
		[]flagGroup{s.middlewareFlags(), s.filterFlags(), s.rewriteFlags(), s.generalFlags()})
	return s
}

// naming is the flag that names a plugin; what it is given goes into list.
func (f pluginFlags) naming(list *[]pluginArg) flagDef {
	value := flags.Each(func(address string) error {
		*list = append(*list, pluginArg{f.name, address})
		return nil
	})
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
	defs := f.flags(s)
	s.told[f.name] = defs
	if last := len(groups) - 1; last >= 0 && groups[last].title == f.title {
		groups[last].topics = append(groups[last].topics, f.name)
		groups[last].flags = append(groups[last].flags, defs...)
		return groups
	}
	return append(groups, flagGroup{f.title, append(slices.Clone(f.topics), f.name), defs})
}

// sharingFlags say how outputs share the traffic.
func (s *Settings) sharingFlags() []flagDef {
	return []flagDef{
		{"split-output", "", "give each message to one output, in turn, instead of to all",
			"gor --input-tcp :28020 --output-http http://staging.com --output-http http://dev.com --split-output " +
				"true", flags.Bool(&s.SplitOutput)},
		{"recognize-tcp-sessions", "", "replay each recorded connection on a connection of its own, its requests in order; with " +
			"--split-output all of it goes to one output",
			"gor --input-file requests.gor --output-http staging.com --recognize-tcp-sessions", flags.Unless(flags.Bool(&s.RecognizeSessions),
				func() bool {
					return !s.SplitOutput && !s.hasAny(outputsThat(func(row outputPlugin) bool { return row.connects }))
				},
				"without an output that has connections, such as --output-http, or --split-output")},
		{"on-full", "wait|shed", "what an input does when an output has no room. By default captures drop the message and count it (shed), and " +
			"other inputs wait as long as the output makes progress", "", flags.OneOf(&s.OnFull, "wait", "shed")},
	}
}

// Levels of --verbose: what is named, beside all of the levels below.
const (
	verboseLosses   = 1 // each request that was filtered or not answered
	verboseAnswers  = 2 // each answer
	verboseMessages = 3 // each message
)

// errHelp is returned by parseSettings when -h was asked for and printed.
var errHelp = flags.ErrHelp

// table is the flags of s, as package flags reads them.
func (s *Settings) table() *flags.Table {
	t := &flags.Table{
		Head: helpHead, Tail: helpTail, Notation: helpNotation,
		Manual: flags.Manual{Name: "gor", Version: version, Date: versionDate, Text: manualText,
			Brief: "capture live HTTP traffic, carry it to another host or a file, replay it",
			Usage: []string{"gor [flag ...]", "gor ls|show|stat|convert|verdict ...", "gor completion bash|zsh|fish", "gor -h [topic]"}},
		EnvPrefix: "GOR_", Config: &s.Config, Unknown: unknownFlag, Stray: strayArg,
	}
	for _, group := range s.groups {
		g := flags.Group{Title: group.title, Topics: group.topics}
		for _, def := range group.flags {
			g.Flags = append(g.Flags, flags.Def{Name: def.name, Arg: def.arg, Help: def.help, Example: def.example, Front: isPlugin(def.name), Value: def.value})
		}
		t.Groups = append(t.Groups, g)
	}
	return t
}

// parseSettings reads a new Settings from the command line, the environment and
// the file of --config. An error is a usage error, or several joined: it names
// what was wrong and what to type instead. Settings that come with an error
// are whole but for what it says, and good for nothing but to be checked.
func parseSettings(args, environ []string, help io.Writer) (*Settings, error) {
	s := defaultSettings()
	table := s.table()
	var err error
	s.Notes, err = table.Parse(args, environ)
	var asked flags.HelpRequest
	switch {
	case errors.As(err, &asked):
		if err := table.WriteHelp(help, asked.Topic); err != nil {
			return nil, err
		}
		return nil, errHelp
	case err == nil && s.Version:
		return s, nil
	case err != nil:
		// What is missing or does not fit together cannot be told while a part of
		// what was meant is unknown.
		return s, err
	}
	s.given = table.Given
	for _, arg := range s.modifier.Rules {
		if arg.rule.SetsHost() {
			s.modifier.OriginalHost = true
		}
	}
	if s.SplitOutput && len(s.Outputs) == 1 { // as a command in Gor 0.9's README has it
		s.Notes = append(s.Notes, "--split-output does nothing with a single output")
	}
	return s, s.check()
}

// formatFlags are what files that are not recordings have to be told.
func (s *Settings) formatFlags() []flagDef {
	defs := flagDefs(logflags.Flags("log", &s.formats))
	for i := range defs {
		defs[i].value = flags.Unless(defs[i].value, func() bool { return s.none("input-file", formats.IsLog) }, "without an access log: name one --input-file log:FILE, or give it the suffix .log")
	}
	return defs
}
