package main

import (
	_ "embed"
	"errors"
	"flag"
	"io"
	"strings"
	"time"

	"github.com/buger/gor/internal/console"
	"github.com/buger/gor/internal/flags"
	"github.com/buger/gor/internal/rules"
)

//go:generate ./scripts/flags-reference

const helpHead = `Gor copies live HTTP traffic to another host, a staging server or a file, and
replays it as it happened.

  sudo gor --input-raw :80 --output-http http://staging.com       copy it
  sudo gor --input-raw :80 --output-file requests.gor             record it
  gor --input-file requests.gor --output-http http://staging.com  replay that
`

const helpTail = `
Commands on recordings (gor COMMAND -h):
  gor ls, show, stat   a line for each request; one in full; what a file holds
  gor convert          several files as one, or in another form: HAR, curl, JSON
  gor verdict          whether a new version answers as the old one did

More:
  gor -h input-raw   the flags of an input or output; any name above will do
  gor -h TOPIC       filters, rewrites, middleware, general; or a flag's name
  gor -h all         every flag; as a man page: gor -h man | man -l -
  gor completion bash|zsh|fish    what a shell completes the flags with
  https://github.com/buger/gor    the documentation
`

const helpNotation = `
Every flag may be written with one dash or two; as GOR_OUTPUT_HTTP in the
environment; and as output-http = "staging.com" in the file of --config.
`

//go:embed docs/manual.txt
var manualText string

// topics are the words behind -h for groups of flags, by their titles.
func topics(title string) []string {
	switch title, _, _ = strings.Cut(title, " ("); title {
	case "Capture":
		return []string{"input-raw"}
	case "Replay from files":
		return []string{"input-file"}
	case "HTTP output":
		return []string{"output-http"}
	case "TCP link":
		return []string{"input-tcp", "output-tcp"}
	case "WebSocket and binary outputs":
		return []string{"output-ws", "output-binary"}
	case "File output":
		return []string{"output-file"}
	}
	title, _, _ = strings.Cut(title, ":")
	return []string{strings.ToLower(title)}
}

// errHelp is returned by parseSettings when -h was asked for and printed.
var errHelp = flags.ErrHelp

// table is the flags of s, as package flags reads them.
func (s *Settings) table() *flags.Table {
	t := &flags.Table{
		Head: helpHead, Tail: helpTail, Notation: helpNotation,
		Manual: flags.Manual{Name: "gor", Version: version, Date: versionDate, Text: manualText,
			Brief: "capture live HTTP traffic, carry it to another host or a file, replay it",
			Usage: []string{"gor [flag ...]", "gor ls|show|stat|convert|verdict ...", "gor completion bash|zsh|fish", "gor -h [topic]"}},
		EnvPrefix: "GOR_", Config: &s.Config, Unknown: laterFlag, Stray: strayArg,
	}
	for _, group := range s.groups {
		g := flags.Group{Title: group.title, Topics: topics(group.title)}
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
	return s, s.check()
}

// Levels of --verbose: what is named, beside all of the levels below.
const (
	verboseLosses   = 1 // each request that was filtered or not answered
	verboseAnswers  = 2 // each answer
	verboseMessages = 3 // each message
)

// pluginList collects the occurrences of one plugin's flag into a list that
// all plugins of its kind share, so that their order is kept.
type pluginList struct {
	list *[]pluginArg
	flag string
}

func (v *pluginList) String() string { return "" }
func (v *pluginList) IsList() bool   { return true }

func (v *pluginList) Set(value string) error {
	*v.list = append(*v.list, pluginArg{Flag: v.flag, Value: value})
	return nil
}

// ruleList does the same for filters and rewrites. A rule that does not parse
// is refused here, before anything is opened.
type ruleList struct {
	list *[]ruleArg
	flag string
	kind rules.Kind
}

func (v *ruleList) String() string { return "" }
func (v *ruleList) IsList() bool   { return true }

func (v *ruleList) Set(value string) error {
	rule, err := rules.Parse(v.kind, value)
	if err != nil {
		return err
	}
	*v.list = append(*v.list, ruleArg{v.flag, value, rule})
	return nil
}

func (s *Settings) rule(name string, kind rules.Kind) flag.Value {
	return &ruleList{&s.modifier.Rules, name, kind}
}

// generalFlags are about the whole run.
func (s *Settings) generalFlags() flagGroup {
	return flagGroup{"General", []flagDef{
		{"config", "FILE", "read flags from a TOML file, named as here: input-raw = \":80\"; those that may be given several times take a list. The command line, the environment (GOR_INPUT_RAW) and the " +
			"file are used in that order of precedence",
			"gor --config gor.toml", flags.Only(flags.Once(&s.Config), flags.FromLine|flags.FromEnvironment)},
		{"check", "", "check the flags, the environment and the file without opening anything, and exit",
			"gor --input-raw :80 --output-file requests.gor --check", flags.Only(flags.Bool(&s.Check), flags.FromLine|flags.FromEnvironment)},
		{"exit-after", "DURATION", "stop after this time, as if interrupted",
			"sudo gor --input-raw :80 --output-file x.gor --exit-after 30s", flags.Duration(&s.ExitAfter, 0)},
		{"drain-timeout", "DURATION", "after the inputs have ended, how long an output may make no progress before the rest is given up", "",
			flags.Duration(&s.DrainTimeout, time.Millisecond)},
		{"copy-buffer-size", "SIZE", "largest message; larger ones are dropped and counted, never cut", "",
			flags.Size(&s.MessageLimit, 4<<10, maxMessageLimit)},
		{"debug", "", "accepted for older command lines", "", flags.Obsolete(flags.Bool(new(bool)), "--verbose 3 names every message")},
		{"stats", "", "print the counts so far every 5 seconds", "", flags.Bool(&s.Stats)},
		{"verbose", "0-3", "log more to stderr: 1 each request that was filtered or not answered, 2 each response, 3 each message", "", flags.Level(&s.Verbose)},
		{"log-format", "auto|text|json", "the form of the lines on stderr: text begins each with the time (what a middleware writes and the statistics stay as they are); " +
			"json makes each an object of time and msg; auto is text with times in a file, and without them on a terminal and in a pipe or a journal, whose reader adds its own",
			"sudo gor --input-raw :80 --output-http staging.com --log-format json", flags.OneOf(&s.LogFormat, string(console.Auto), string(console.Text), string(console.JSON))},
		{"summary-json", "FILE", "also write the summary at the end as JSON",
			"gor --input-file requests.gor --output-http staging.com --summary-json summary.json", flags.String(&s.SummaryJSON)},
		{"fail-on", "CONDITIONS", "exit with code 3 when one of these is true of an input or output at the end: failed, shed, lost, unsent, " +
			"delivered and the other sums of the summary, its reasons (refused, timeout ...), statuses (5xx, 503, or different from " +
			"the recorded ones) and latencies (p50, p99.9, mean, max), each compared (> >= < <= = !=) with a number, a percentage or " +
			"a duration",
			"gor --input-file requests.gor --output-http staging.com --fail-on \"failed>1%,5xx>0,p99>500ms\"", &failOnValue{&s.FailOn}},
		{"cpuprofile", "FILE", "write a CPU profile", "", flags.String(&s.CPUProfile)},
		{"memprofile", "FILE", "write a heap profile at the end", "", flags.String(&s.MemProfile)},
		{"metrics", "ADDRESS", "listen on ADDRESS, such as :8181 or 127.0.0.1:8181, and serve the counts under /metrics (for " +
			"Prometheus) and /debug/vars (JSON), /healthz for probes, and profiles under /debug/pprof/",
			"sudo gor --input-raw :80 --output-http staging.com --metrics 127.0.0.1:8181", flags.Checked(&s.Metrics, checkListenAddr)},
		{"http-pprof", "ADDRESS", "older name of --metrics", "", flags.Checked(&s.HTTPPprof, checkListenAddr)},
		{"version", "", "print the version and exit", "", flags.Alone(flags.Only(flags.Bool(&s.Version), flags.FromLine))},
	}}
}
