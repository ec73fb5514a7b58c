package main

import (
	"flag"
	"fmt"
	"io"
	"strings"
)

//go:generate ./scripts/readme-flags

const helpHead = `Gor copies live HTTP traffic to another host, a staging server or a file, and
replays it as it happened.

  # on each web host: capture and forward
  sudo gor --input-raw :80 --output-tcp replay.local:28020

  # on the replay host: receive and replay
  gor --input-tcp :28020 --output-http http://staging.com

  # record today, replay tomorrow
  sudo gor --input-raw :80 --output-file requests.gor
  gor --input-file requests.gor --output-http http://staging.com

Every flag may be written with one dash or two; as GOR_OUTPUT_HTTP in the environment; and as
output-http = "staging.com" in the file of --config. gor completion bash, zsh or fish prints what a shell
completes them with.
`

// writeHelp is gor -h: the flags by group, each with its help and a command.
func writeHelp(w io.Writer, groups []flagGroup) {
	io.WriteString(w, helpHead)
	for _, group := range groups {
		fmt.Fprintf(w, "\n%s:\n", group.title)
		for _, def := range group.flags {
			io.WriteString(w, def.usage())
		}
	}
}

// usage is one flag's part of the help.
func (d flagDef) usage() string {
	var b strings.Builder
	b.WriteString("  --" + d.name)
	if d.arg != "" {
		b.WriteString(" " + d.arg)
	}
	b.WriteByte('\n')
	help := strings.ReplaceAll(d.help, "`", "")
	switch def := d.value.String(); def {
	case "", "false", "0", "0s":
	default:
		help += " (default " + def + ")"
	}
	for _, line := range wrap(help, 72) {
		b.WriteString("      " + line + "\n")
	}
	if d.example != "" {
		b.WriteString("        " + d.example + "\n")
	}
	return b.String()
}

// wrap breaks text into lines of at most width bytes, at spaces.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

// joinOptionalValues rewrites what package flag cannot read by itself: a
// boolean with "true" or "false" as the next word, and a flag whose value may
// be left out.
func joinOptionalValues(fs *flag.FlagSet, args []string) []string {
	var out []string
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			return append(out, args[i:]...)
		}
		f := lookup(fs, arg)
		if f == nil || strings.Contains(arg, "=") {
			out = append(out, arg)
			continue
		}
		next, more := "", i+1 < len(args)
		if more {
			next = args[i+1]
		}
		switch v := f.Value.(type) {
		case optionalValue:
			if more && !strings.HasPrefix(next, "-") {
				i++
			} else {
				next = ""
			}
			out = append(out, arg+"="+next)
		case *levelValue:
			if more && isWord(next, "true", "false", "0", "1", "2", "3") {
				i++
				arg += "=" + next
			}
			out = append(out, arg)
		default:
			b, ok := v.(interface{ IsBoolFlag() bool })
			switch ok = ok && b.IsBoolFlag(); {
			case !ok && more: // the flag's value, whatever it looks like
				i++
				out = append(out, arg, next)
			case ok && more && isWord(next, "true", "false"):
				i++
				out = append(out, arg+"="+next)
			default:
				out = append(out, arg)
			}
		}
	}
	return out
}

func isWord(s string, words ...string) bool {
	for _, w := range words {
		if s == w {
			return true
		}
	}
	return false
}

func lookup(fs *flag.FlagSet, arg string) *flag.Flag {
	name, ok := strings.CutPrefix(arg, "-")
	if !ok {
		return nil
	}
	name = strings.TrimPrefix(name, "-")
	name, _, _ = strings.Cut(name, "=")
	return fs.Lookup(name)
}

// explainFlagError puts package flag's errors into our words and adds what to
// type instead.
func explainFlagError(fs *flag.FlagSet, err error) error {
	text := err.Error()
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
		return unknownFlag(fs, name, "--")
	}
	if name, ok := strings.CutPrefix(text, "flag needs an argument: -"); ok {
		want := ""
		if f := fs.Lookup(name); f != nil {
			want = ": " + strings.ReplaceAll(f.Usage, "`", "")
		}
		return fmt.Errorf("--%s wants a value%s", name, want)
	}
	if rest, ok := strings.CutPrefix(text, "invalid boolean value "); ok {
		return fmt.Errorf("invalid value %s", strings.Replace(rest, `" for -`, `" for --`, 1))
	}
	return fmt.Errorf("%s", strings.Replace(text, "for flag -", "for --", 1))
}

// nearest returns the defined flag that is closest to name by edit distance,
// or "" when none is close.
func nearest(fs *flag.FlagSet, name string) string {
	best, bestDistance := "", max(2, len(name)/3)+1
	fs.VisitAll(func(f *flag.Flag) {
		if d := editDistance(name, f.Name); d < bestDistance {
			best, bestDistance = f.Name, d
		}
	})
	return best
}

func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
