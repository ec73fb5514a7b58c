package main

import (
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/buger/gor/internal/address"
	"github.com/buger/gor/internal/console"
	"github.com/buger/gor/internal/flags"
	"github.com/buger/gor/internal/process"
	"github.com/buger/gor/internal/sniff"
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
func versionString() string { return process.Build(version) }

//go:generate ./scripts/flags-reference

// What -h shows before and behind the flags.
var (
	//go:embed docs/help/head.txt
	helpHead string

	//go:embed docs/help/tail.txt
	helpTail string

	//go:embed docs/help/notation.txt
	helpNotation string

	//go:embed docs/manual.txt
	manualText string
)

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

// verdictHeap is where the garbage collector begins to work harder while recordings are
// compared: the 64 MB that Gor promises, less the program and what is read ahead.
const verdictHeap = 40 << 20

// verdictCommand is gor verdict.
func verdictCommand(args []string, stdin io.Reader, stdout io.Writer, log *console.Console) int {
	cmd, err := verdict.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, verdict.Usage)
		return exitOK
	}
	if err != nil {
		log.Printf("verdict: %v", err)
		return exitUsage
	}
	process.LimitHeap(verdictHeap)
	switch failed, err := cmd.Run(stdin, stdout); {
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
		defs := s.formatFlags()
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
		if err := tool.Run(toolConfig(s, stdin, stdout, log.Printf)); err != nil {
			log.Printf("gor %s: %v", name, err)
			return exitFailed
		}
		return exitOK
	}}
}

func toolConfig(s *Settings, stdin io.Reader, stdout io.Writer, logf func(format string, args ...any)) tools.Config {
	c := tools.Config{Formats: s.formats, Stdin: stdin, Stdout: stdout, Logf: logf}
	c.Formats.Limit = s.MessageLimit
	if p, ok := stdout.(*console.Printed); ok {
		stdout = p.W
	}
	if f, ok := stdout.(*os.File); ok {
		c.Width = console.Columns(f)
	}
	for _, arg := range s.modifier.Rules {
		c.Rules = append(c.Rules, arg.rule)
	}
	return c
}

// unsupported is what GoReplay has and this version has not.
func unsupported() flags.Unsupported {
	return flags.Unsupported{
		{Prefix: "output-file-buffer", What: "S3", Advice: "the nearest it has is --output-file FILE with --output-file-size-limit SIZE, and a copy of its chunks to the bucket"},
		{Prefix: "output-file", Scheme: "s3://", What: "S3", Advice: "the nearest it has is a file on disk with --output-file-size-limit SIZE, and a copy of its chunks to the bucket"},
		{Prefix: "input-file-watch", What: "watching of folders", Advice: "the nearest it has is --input-file with a pattern, started again"},
		{Prefix: "input-file", Scheme: "s3://", What: "S3", Advice: "fetch the recording and name the file"},
		{Prefix: "input-file", Scheme: "http://", What: "HTTP client for files", Advice: "fetch the recording and name the file"},
		{Prefix: "input-file", Scheme: "https://", What: "HTTP client for files", Advice: "fetch the recording and name the file"},
		{Prefix: "input-raw-k8s-", What: "Kubernetes", Advice: "the nearest it has is --input-raw 'veth*:80', which captures on the pods' interfaces"},
		{Prefix: "input-raw", Scheme: "k8s://", What: "Kubernetes", Advice: "the nearest it has is --input-raw 'veth*:80', which captures on the pods' interfaces"},
	}
}

// unknownFlag says what to use instead of a flag of GoReplay, or of a habit; nil
// of others.
func unknownFlag(name string) error {
	switch name {
	case "v", "V":
		return fmt.Errorf("no flag -%s; --version prints the version, --verbose names what is lost, and gor -h has the rest", name)
	case "i", "o", "w", "r", "f":
		return fmt.Errorf("no flag -%s: flags have whole names here, such as --input-raw :80 and --output-file requests.gor; gor -h shows them", name)
	}
	return unsupported().Flag(name)
}

// strayArg says what an argument was meant for that stands behind no flag, or
// nil.
func strayArg(arg string) error {
	shown := address.Redact(arg)
	command := ""
	switch sniff.WordOf(arg) {
	case sniff.EmptyWord:
		return errors.New("an empty argument stands where a flag was expected: is a variable of the script unset?")
	case sniff.RecordingName:
		command = "gor --input-file " + console.ShellWord(shown) + " --output-http http://staging.com"
	case sniff.CaptureName:
		command = "gor --input-raw " + console.ShellWord(shown) + ":80 --output-file requests.gor"
	case sniff.ConfigName:
		command = "gor --config " + console.ShellWord(shown)
	case sniff.WebAddress:
		command = "sudo gor --input-raw :80 --output-http " + console.ShellWord(shown)
	case sniff.ListenAddress:
		command = "sudo gor --input-raw " + arg + " --output-stdout"
	default:
		command = meantCommand(arg)
	}
	if command == "" {
		return nil
	}
	return fmt.Errorf("%q is not a flag, and gor does nothing with it alone; try: %s", shown, command)
}

// meantCommand is the command line for what other tools have a word for, or "".
func meantCommand(word string) string {
	const capture, replay = "sudo gor --input-raw :80 --output-file requests.gor", "gor --input-file requests.gor --output-http http://staging.com"
	return map[string]string{
		"capture": capture, "record": capture, "replay": replay, "play": replay,
		"list": "gor ls requests.gor", "cat": "gor show requests.gor ID", "stats": "gor stat requests.gor", "diff": "gor verdict answered.gor",
	}[word]
}
