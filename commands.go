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
	"strings"

	"github.com/buger/gor/internal/console"
	"github.com/buger/gor/internal/flags"
	"github.com/buger/gor/internal/formats"
	"github.com/buger/gor/internal/formats/accesslog"
	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/tools"
	verdict "github.com/buger/gor/internal/verdict/command"
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
		toolCommand("ls", tools.NewList),
		toolCommand("show", tools.NewShow),
		toolCommand("stat", tools.NewStat),
		toolCommand("convert", tools.NewConvert),
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

// verdictCommand is gor verdict.
func verdictCommand(args []string, _ io.Reader, stdout io.Writer, log *console.Console) int {
	cmd, err := verdict.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, verdict.Usage)
		return exitOK
	}
	if err != nil {
		log.Printf("verdict: %v", err)
		return exitUsage
	}
	switch failed, err := cmd.Run(stdout); {
	case errors.Is(err, verdict.ErrNothing):
		return exitFailed
	case err != nil:
		log.Printf("verdict: %v", err)
		return exitFailed
	case failed:
		return exitThreshold
	}
	return exitOK
}

// toolCommand is one of the tools for recordings. What files that are not
// recordings need to be told, each of them takes as flags; only gor convert takes
// filters and rewrites.
func toolCommand(name string, newTool func() *tools.Command) command {
	return command{name, func(args []string, stdin io.Reader, stdout io.Writer, log *console.Console) int {
		s, tool := defaultSettings(), newTool()
		defs := s.formats.flags()
		if tool.TakesRules() {
			defs = slices.Concat(defs, s.filterFlags().flags, s.rewriteFlags().flags)
		}
		var others []tools.Flag
		for _, def := range defs {
			others = append(others, tools.Flag{Name: def.name, Value: def.value})
		}
		switch err := tool.Parse(args, others); {
		case errors.Is(err, flag.ErrHelp):
			fmt.Fprintln(stdout, tools.Use)
			return exitOK
		case err != nil:
			log.Printf("gor %s: %v", name, err)
			return exitUsage
		}
		err := tool.Run(toolConfig(s, stdin, stdout, log.Printf))
		switch {
		case errors.Is(err, tools.ErrNoName):
			log.Printf("gor %s: %v", name, err)
			return exitUsage
		case err != nil:
			log.Printf("gor %s: %v", name, err)
			return exitFailed
		}
		return exitOK
	}}
}

func toolConfig(s *Settings, stdin io.Reader, stdout io.Writer, logf func(format string, args ...any)) tools.Config {
	c := tools.Config{Formats: s.formats.Options, Stdin: stdin, Stdout: stdout, Logf: logf}
	c.Formats.Limit = s.MessageLimit
	if f, ok := stdout.(*os.File); ok {
		c.Width = console.Columns(f)
	}
	for _, arg := range s.modifier.Rules {
		c.Rules = append(c.Rules, arg.rule)
	}
	return c
}
