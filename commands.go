package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/buger/gor/internal/console"
	"github.com/buger/gor/internal/flags"
	"github.com/buger/gor/internal/formats"
	"github.com/buger/gor/internal/formats/accesslog"
	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/tools"
	"github.com/buger/gor/internal/verdict"
	"github.com/buger/gor/internal/verdict/files"
	"github.com/buger/gor/internal/verdict/join"
	verdictreport "github.com/buger/gor/internal/verdict/report"
)

// A command is a word that may stand first on the command line, in place of
// flags. It returns the exit code: exitUsage for what was typed wrong,
// exitFailed for what went wrong then.
type command struct {
	name string
	run  func(args []string, stdin io.Reader, stdout io.Writer, log *console.Console) int
}

// commands is the one table of them.
func commands() []command {
	return []command{
		{"completion", completionCommand},
		{"help", helpCommand},
		{"verdict", verdictCommand},
		{"ls", listCommand},
		{"show", showCommand},
		{"stat", statCommand},
		{"convert", convertCommand},
		{"version", versionCommand},
	}
}

// findCommand returns the command that a command line begins with, or false when
// it has none.
func findCommand(args []string) (command, bool) {
	for _, c := range commands() {
		if len(args) > 0 && args[0] == c.name {
			return c, true
		}
	}
	return command{}, false
}

// version is the release that this source becomes; CHANGELOG.md has its
// changes.
const version = "1.0.0"

// versionDate is the date of the man page.
const versionDate = "2026-11-27"

// versionString adds the revision, when the build knows it, and the platform.
func versionString() string {
	v := version
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range build.Settings {
			if setting.Key == "vcs.revision" {
				v += " " + setting.Value[:min(12, len(setting.Value))]
			}
		}
	}
	return v + " " + runtime.GOOS + "/" + runtime.GOARCH + " " + runtime.Version()
}

// helpCommand and versionCommand are -h and --version for those who expect
// words.
func helpCommand(args []string, _ io.Reader, stdout io.Writer, log *console.Console) int {
	if err := defaultSettings().table().WriteHelp(stdout, strings.Join(args, " ")); err != nil {
		log.Printf("%v", err)
		return exitUsage
	}
	return exitOK
}

func versionCommand(_ []string, _ io.Reader, stdout io.Writer, _ *console.Console) int {
	fmt.Fprintln(stdout, "gor", versionString())
	return exitOK
}

// completionCommand is gor completion: it prints what a shell reads to complete
// Gor's flags with.
func completionCommand(args []string, _ io.Reader, stdout io.Writer, log *console.Console) int {
	if err := writeCompletion(stdout, args); err != nil {
		log.Printf("%v", err)
		return exitUsage
	}
	return exitOK
}

func writeCompletion(w io.Writer, args []string) error {
	if len(args) == 1 {
		if known, err := defaultSettings().table().Completion(w, args[0]); known {
			return err
		}
	}
	return errors.New("want gor completion bash, gor completion zsh or gor completion fish; bash reads it with: source <(gor completion bash)")
}

// formatSettings is what files that are no recordings have to be told.
type formatSettings struct {
	formats.Options
	zone string
}

// flags sets the defaults and returns the flags that change them.
func (s *formatSettings) flags() []flagDef {
	return []flagDef{
		{"log-line-format", "FORMAT", "how the lines of access logs are written: the string of nginx's log_format, Apache's LogFormat or Envoy's " +
			"text_format, or " + strings.Join(accesslog.Presets(), ", ") + "; otherwise the first of these that fits", "",
			flags.Checked(&s.Log.LineFormat, func(text string) (string, error) { return text, accesslog.Check(text) })},
		{"log-host", "HOST", "the Host of requests from access logs that name none", "",
			flags.Checked(&s.Log.Host, func(text string) (string, error) {
				if text == "" || !http1.ValidTarget(text) {
					return "", errors.New("want a host such as www.example.com")
				}
				return text, nil
			})},
		{"log-timezone", "ZONE", "the time zone of access logs whose times name none, such as Europe/Paris or +02:00; otherwise UTC", "",
			flags.Checked(&s.zone, func(text string) (_ string, err error) {
				s.Log.Zone, err = formats.ParseZone(text)
				return text, err
			})},
		{"log-empty-bodies", "", "give requests with an empty body too when an access log does not hold the one that they had, as of POST; otherwise they " +
			"are left out and counted", "", flags.Bool(&s.Log.EmptyBodies)},
	}
}

// verdictUsage is what gor verdict -h prints.
const verdictUsage = `Usage: gor verdict FILE... [--against FILE] [flags]

Says whether a new version answers as the old one did. A recording that was made with
--input-raw-track-response or replayed with --output-http-track-response has answers.

  gor verdict answered.gor                          captured answers against those of the replay
  gor verdict production.gor --against answered.gor   two recordings, joined by id
  gor verdict --learn noise.toml run1.gor run2.gor    what two runs of one version differ in is noise

  --against FILE   a recording with the new version's answers; may be repeated
  --rules FILE     rules in TOML: [[ignore]], [[tolerance]], [[unordered]], [[expect]], [[route]]; may be repeated
  --learn FILE     write the noise between two recordings to FILE, to be used with --rules
  --fail-on LIST   what makes the exit code 3: regression (the default), any, none, or severities such as
                   unanswered, status-class, status, removed, retyped, value, slower, added, order
  --report FILE    write an HTML page with the answers side by side to a new FILE
  --junit FILE     write JUnit XML for a CI system to a new FILE
  --json FILE      write a line of JSON for each difference to a new FILE

Exit code: 0 equal or noise alone, 1 could not compare, 2 wrong usage, 3 what --fail-on names was found.
`

// verdictCommand is gor verdict.
func verdictCommand(args []string, _ io.Reader, stdout io.Writer, log *console.Console) int {
	var reports verdictreport.Config
	cfg, learn, failOn, err := parseVerdict(args, &reports)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, verdictUsage)
		return exitOK
	}
	if err != nil {
		log.Printf("verdict: %v", err)
		return exitUsage
	}
	res, err := files.Compare(cfg)
	if err != nil {
		log.Printf("verdict: %v", err)
		return exitFailed
	}
	defer res.Close()
	if learn != "" {
		learnt := res.Verdicts[0]
		if learnt.Totals.Compared == 0 {
			log.Printf("verdict: %s", learnt.Sentence)
			return exitFailed
		}
		if err = files.WriteLearnt(learn, learnt.Result); err == nil {
			fmt.Fprintf(stdout, "places that differ between the runs: %d; gor verdict --rules %s takes them for noise\n", len(learnt.Learnt()), learn)
			return exitOK
		}
	} else if err = verdictreport.WriteTexts(stdout, res.Verdicts); err == nil {
		err = reports.WriteAll(res.Verdicts, res.Names, failOn)
	}
	switch {
	case err != nil:
		log.Printf("verdict: %v", err)
		return exitFailed
	case slices.ContainsFunc(res.Verdicts, func(v join.Verdict) bool { return v.Fails(failOn) }):
		return exitThreshold
	case slices.ContainsFunc(res.Verdicts, func(v join.Verdict) bool { return v.Totals.Compared == 0 }):
		return exitFailed
	}
	return exitOK
}

// parseVerdict reads the arguments of gor verdict. Flags may stand behind files.
func parseVerdict(args []string, reports *verdictreport.Config) (cfg files.Config, learn string, failOn verdict.FailOn, err error) {
	fs := flag.NewFlagSet("verdict", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	var rulesFiles []string
	list := func(p *[]string) func(string) error {
		return func(v string) error { *p = append(*p, v); return nil }
	}
	fs.Func("against", "", list(&cfg.Against))
	fs.Func("rules", "", list(&rulesFiles))
	fs.StringVar(&learn, "learn", "", "")
	fs.StringVar(&reports.HTML, "report", "", "")
	fs.StringVar(&reports.JUnit, "junit", "", "")
	fs.StringVar(&reports.JSON, "json", "", "")
	fail := fs.String("fail-on", "regression", "")
	for err = fs.Parse(args); err == nil && fs.NArg() > 0; err = fs.Parse(fs.Args()[1:]) {
		cfg.Old = append(cfg.Old, fs.Arg(0))
	}
	if err != nil {
		return cfg, learn, failOn, err
	}
	if failOn, err = verdict.ParseFailOn(*fail); err != nil {
		return cfg, learn, failOn, fmt.Errorf("--fail-on: %w", err)
	}
	switch {
	case learn != "" && (len(cfg.Old) != 2 || len(cfg.Against) > 0):
		err = errors.New("--learn wants two recordings of one version: gor verdict --learn noise.toml run1.gor run2.gor")
	case learn != "" && reports.Any():
		err = errors.New("--learn writes rules and no report; run gor verdict again with --rules and the report")
	case len(cfg.Old) == 0:
		err = errors.New("no recording is named: gor verdict answered.gor, or gor verdict production.gor --against answered.gor")
	default:
		if cfg.Rules, err = files.ReadRules(rulesFiles); err == nil {
			err = reports.Check()
		}
	}
	if learn != "" && err == nil {
		cfg.Runs, cfg.Old, cfg.Against = true, cfg.Old[:1], cfg.Old[1:]
	}
	return cfg, learn, failOn, err
}

// tool reads a tool's command line: flags and names in any order.
func tool(name string, args []string, stdin io.Reader, stdout io.Writer, log *console.Console, extra []flagDef, do func(c tools.Config, names []string, s *Settings) error) int {
	s := defaultSettings()
	defs := slices.Concat(s.formats.flags(), extra)
	if name == "convert" {
		defs = slices.Concat(defs, s.filterFlags().flags, s.rewriteFlags().flags)
	}
	fs := flag.NewFlagSet("gor "+name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	for _, def := range defs {
		fs.Var(def.value, def.name, def.help)
	}
	var names []string
	for len(args) > 0 {
		if err := fs.Parse(args); errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(stdout, tools.Use)
			return exitOK
		} else if err != nil {
			log.Printf("gor %s: %v; gor %s -h says how it is used", name, err, name)
			return exitUsage
		}
		if args = fs.Args(); len(args) > 0 {
			names, args = append(names, args[0]), args[1:]
		}
	}
	options := s.formats.Options
	options.Limit = s.MessageLimit
	c := tools.Config{Formats: options, Stdin: stdin, Stdout: stdout, Logf: log.Printf}
	if f, ok := stdout.(*os.File); ok {
		c.Width = console.Columns(f)
	}
	switch err := do(c, names, s); {
	case errors.Is(err, tools.ErrNoName), errors.As(err, new(usageError)):
		log.Printf("gor %s: %v", name, err)
		return exitUsage
	case err != nil:
		log.Printf("gor %s: %v", name, err)
		return exitFailed
	}
	return exitOK
}

func listCommand(args []string, stdin io.Reader, stdout io.Writer, log *console.Console) int {
	return lookCommand("ls", tools.List, args, stdin, stdout, log)
}

func statCommand(args []string, stdin io.Reader, stdout io.Writer, log *console.Console) int {
	return lookCommand("stat", tools.Stat, args, stdin, stdout, log)
}

// lookCommand is a tool that looks at one file, and writes JSON when asked to.
func lookCommand(name string, look func(c tools.Config, name string, asJSON bool) error, args []string, stdin io.Reader, stdout io.Writer, log *console.Console) int {
	asJSON := false
	return tool(name, args, stdin, stdout, log, []flagDef{{"json", "", "", "", flags.Bool(&asJSON)}}, func(c tools.Config, names []string, _ *Settings) error {
		if len(names) != 1 {
			return asUsage(fmt.Errorf("want one file, not %d", len(names)))
		}
		return look(c, names[0], asJSON)
	})
}

func showCommand(args []string, stdin io.Reader, stdout io.Writer, log *console.Console) int {
	decode, raw := false, false
	extra := []flagDef{{"decode", "", "", "", flags.Bool(&decode)}, {"raw", "", "", "", flags.Bool(&raw)}}
	return tool("show", args, stdin, stdout, log, extra, func(c tools.Config, names []string, _ *Settings) error {
		if len(names) != 2 {
			return asUsage(errors.New("want a file and an id, as in gor show requests.gor 5f3a; gor ls lists the ids"))
		}
		return tools.Show(c, names[0], names[1], decode, raw)
	})
}

func convertCommand(args []string, stdin io.Reader, stdout io.Writer, log *console.Console) int {
	var v tools.Conversion
	var from, to, sample string
	extra := []flagDef{
		{"o", "FILE", "", "", flags.String(&v.Out)}, {"by-host", "", "", "", flags.Bool(&v.ByHost)}, {"answer", "LABEL", "", "", flags.String(&v.Answer)},
		{"from", "TIME", "", "", flags.Checked(&from, func(s string) (_ string, err error) { v.From, err = tools.ParseTime(s); return s, err })},
		{"to", "TIME", "", "", flags.Checked(&to, func(s string) (_ string, err error) { v.To, err = tools.ParseTime(s); return s, err })},
		{"sample", "PERCENT", "", "", flags.Checked(&sample, func(s string) (_ string, err error) {
			if v.Sample, err = strconv.Atoi(strings.TrimSuffix(s, "%")); err != nil || v.Sample < 1 || v.Sample > 100 {
				return "", errors.New("want a percentage from 1% to 100%")
			}
			return s, nil
		})},
	}
	return tool("convert", args, stdin, stdout, log, extra, func(c tools.Config, names []string, s *Settings) error {
		if v.In = names; v.Out == "" {
			return asUsage(errors.New("want -o and a file, such as -o requests.gor, or -o - for standard output"))
		}
		for _, arg := range s.modifier.Rules {
			v.Rules = append(v.Rules, arg.rule)
		}
		return tools.Convert(c, v)
	})
}
