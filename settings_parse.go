package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/buger/gor/internal/flags"
	"github.com/buger/gor/internal/middleware"
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
			Usage: []string{"gor [flag ...]", "gor completion bash|zsh|fish", "gor -h [topic]"}},
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
	for _, arg := range s.modifier.Rules {
		if arg.rule.SetsHost() {
			s.modifier.OriginalHost = true
		}
	}
	return s, s.check()
}

// only reports whether all outputs are of that flag.
func (s *Settings) only(flag string) bool {
	return !slices.ContainsFunc(s.Outputs, func(out pluginArg) bool { return out.Flag != flag })
}

// check refuses combinations that cannot work, each with what to type.
func (s *Settings) check() error {
	var errs []error
	refuse := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	switch {
	case len(s.Inputs) == 0 && len(s.Outputs) == 0:
		refuse(true, "no input and no output; try: gor --input-raw :80 --output-stdout, and gor -h for all flags")
	case len(s.Inputs) == 0:
		refuse(true, "no input; add one, such as --input-raw :80 or --input-file requests.gor")
	case len(s.Outputs) == 0 && !s.fileInput.DryRun:
		refuse(true, "no output; add one, such as --output-http http://staging.com, --output-file requests.gor or --output-stdout")
	}
	refuse(s.http.TrackResponse && s.only("output-http") && s.Middleware == "" && len(s.Outputs) > 0,
		"--output-http-track-response is for the other outputs, or for a middleware; add one, such as --output-file responses.gor")
	refuse(s.binary.TrackResponse && len(s.Outputs) > 0 && s.Middleware == "" && s.only("output-binary"),
		"--output-binary-track-response is for the other outputs, or for a middleware; add one, such as --output-file responses.gor")
	refuse(len(s.raw.VNIs) > 0 && s.raw.Engine != engineVXLAN,
		"--input-raw-vxlan-vni is for the vxlan engine; add --input-raw-engine vxlan")
	refuse(s.http.Workers > 0 && s.http.WorkersMin > s.http.Workers,
		"--output-http-workers-min %d is more than --output-http-workers %d", s.http.WorkersMin, s.http.Workers)
	if c, is := s.FailOn.NeedsStatuses(); is {
		refuse(!has(s.Outputs, "output-http"), "--fail-on %s: only --output-http knows statuses", c)
	}
	if c, is := s.FailOn.NeedsLatency(); is {
		refuse(!has(s.Outputs, "output-http") && !has(s.Outputs, "output-binary"), "--fail-on %s: only --output-http and --output-binary measure latencies", c)
	}
	if s.Middleware != "" {
		_, err := middleware.Words(s.Middleware)
		refuse(err != nil, "--middleware %q: %w", shownCommand(s.Middleware), err)
	}
	if err := s.checkBinary(); err != nil {
		errs = append(errs, err)
	}
	refuse(s.http.SNI != "" && !slices.ContainsFunc(s.Outputs, func(arg pluginArg) bool {
		return arg.Flag == "output-http" && strings.HasPrefix(strings.ToLower(arg.Value), "https://")
	}), "--output-http-sni %s is for TLS, and no --output-http begins with https://", s.http.SNI)
	for _, err := range [...]error{s.http.TLS.check(s.Outputs, "output-http", "https://"), s.ws.TLS.check(s.Outputs, "output-ws", "wss://")} {
		if err != nil {
			errs = append(errs, err)
		}
	}
	if err := s.tcpInput.check(has(s.Inputs, "input-tcp")); err != nil {
		errs = append(errs, err)
	}
	if err := s.tcpOutput.check(has(s.Outputs, "output-tcp")); err != nil {
		errs = append(errs, err)
	}
	for _, arg := range slices.Concat(s.Inputs, s.Outputs) {
		// A capture may come from "-", standard input.
		refuse(strings.HasPrefix(arg.Value, "-") && (arg.Flag != "input-raw" || strings.HasPrefix(arg.Value, "--")),
			"--%s wants a value, and %q looks like a flag", arg.Flag, arg.Value)
		if err := laterAddress(arg); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// checkBinary refuses what looks into HTTP when what is captured is not HTTP.
func (s *Settings) checkBinary() error {
	if s.raw.Protocol != protocolBinary || !has(s.Inputs, "input-raw") {
		return nil
	}
	const reason = "is for HTTP, which --input-raw-protocol binary does not capture: "
	switch {
	case has(s.Outputs, "output-http"):
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

// generalFlags are about the whole run.
func (s *Settings) generalFlags() flagGroup {
	return flagGroup{"General", []flagDef{
		{"config", "FILE", "read flags from a TOML file, named as here: input-raw = \":80\"; those that may be given several " +
			"times take a list. The command line goes before the environment (GOR_INPUT_RAW), and that before the " +
			"file",
			"gor --config gor.toml", flags.Only(flags.Once(&s.Config), flags.FromLine|flags.FromEnvironment)},
		{"check", "", "say whether the flags, the environment and the file are right, open nothing, and exit",
			"gor --input-raw :80 --output-file requests.gor --check", flags.Only(flags.Bool(&s.Check), flags.FromLine|flags.FromEnvironment)},
		{"exit-after", "DURATION", "stop after this time, as if interrupted",
			"sudo gor --input-raw :80 --output-file x.gor --exit-after 30s", flags.Duration(&s.ExitAfter, 0)},
		{"drain-timeout", "DURATION", "when the inputs have ended: how long an output may make no progress before the rest is given up", "",
			flags.Duration(&s.DrainTimeout, time.Millisecond)},
		{"copy-buffer-size", "SIZE", "largest message; larger ones are dropped and counted, never cut", "",
			flags.Size(&s.MessageLimit, 4<<10, maxMessageLimit)},
		{"debug", "", "accepted for older command lines", "", flags.Obsolete(flags.Bool(new(bool)), "--verbose 3 names every message")},
		{"stats", "", "print the counts so far every 5 seconds", "", flags.Bool(&s.Stats)},
		{"verbose", "0-3", "say more on stderr: 1 names each request that was filtered or not answered, 2 each answer, 3 each " +
			"message", "", flags.Level(&s.Verbose)},
		{"summary-json", "FILE", "write the summary at the end as JSON too",
			"gor --input-file requests.gor --output-http staging.com --summary-json summary.json", flags.String(&s.SummaryJSON)},
		{"fail-on", "CONDITIONS", "exit with code 3 when one of these is true of an input or output at the end: failed, shed, lost, unsent, " +
			"delivered and the other sums of the summary, its reasons (refused, timeout ...), statuses (5xx, 503) " +
			"and latencies (p50, p99.9, mean, max), each compared (> >= < <= = !=) with a number, a percentage or " +
			"a duration",
			"gor --input-file requests.gor --output-http staging.com --fail-on \"failed>1%,5xx>0,p99>500ms\"", &failOnValue{&s.FailOn}},
		{"cpuprofile", "FILE", "write a CPU profile", "", flags.String(&s.CPUProfile)},
		{"memprofile", "FILE", "write a heap profile at the end", "", flags.String(&s.MemProfile)},
		{"http-pprof", "ADDRESS", "listen on ADDRESS, such as :8181 or 127.0.0.1:8181, and serve the counts under /metrics (for " +
			"Prometheus) and /debug/vars (JSON), and profiles under /debug/pprof/",
			"sudo gor --input-raw :80 --output-http staging.com --http-pprof 127.0.0.1:8181", flags.Checked(&s.HTTPPprof, checkListenAddr)},
		{"version", "", "print the version and exit", "", flags.Alone(flags.Only(flags.Bool(&s.Version), flags.FromLine))},
	}}
}
