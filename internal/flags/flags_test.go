package flags

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// listValue collects the values of a flag that may be given several times.
type listValue []string

func (v *listValue) String() string     { return "" }
func (v *listValue) IsList() bool       { return true }
func (v *listValue) Set(s string) error { *v = append(*v, s); return nil }

// settings is one of each kind of value.
type settings struct {
	stats, version, old bool
	name, file, config  string
	workers, level      int
	size, percent       int
	wait                time.Duration
	mode                uint32
	on                  string
	input, output       listValue
}

func (s *settings) table() *Table {
	return &Table{
		Head: "head\n", Notation: "notation\n", Tail: "more: gor -h all\n", EnvPrefix: "GOR_",
		Manual: Manual{
			Name: "gor", Version: "1.0", Date: "2026-01-02", Brief: "copies 'traffic'", Usage: []string{"gor --input"},
			Text: "# Description\n\nIt copies.\n\nThen:\n\n  gor --a \\\n\nMore.\n\n# Options\n\n# Exit status\n\n* 0: all went well\n* 1: else\n\n.hidden\n",
		},
		Config: &s.config,
		Unknown: func(name string) error {
			if name == "kafka" {
				return errors.New("no Kafka here")
			}
			return nil
		},
		Stray: func(arg string) error {
			if strings.HasSuffix(arg, ".rec") {
				return errors.New(arg + " is a recording")
			}
			return nil
		},
		Groups: []Group{{Title: "Plugins", Topics: []string{"plugins"}, Flags: []Def{
			{Name: "input", Arg: "ADDRESS", Help: "read from `ADDRESS`: a port; several", Example: "gor --input :80", Front: true, Value: &s.input},
			{Name: "output", Help: "print", Front: true, Value: Optional(&s.output)},
		}}, {Title: "Others", Topics: []string{"others"}, Flags: []Def{
			{Name: "stats", Help: "print", Value: Bool(&s.stats)},
			{Name: "old", Help: "accepted", Value: Obsolete(Bool(&s.old), "it is always on")},
			{Name: "version", Help: "print it", Value: Alone(Only(Bool(&s.version), FromLine))},
			{Name: "name", Arg: "NAME", Help: "a name", Value: String(&s.name)},
			{Name: "file", Arg: "FILE", Help: "a file", Value: Once(&s.file)},
			{Name: "config", Arg: "FILE", Help: "settings", Value: Only(Once(&s.config), FromLine|FromEnvironment)},
			{Name: "workers", Arg: "N", Help: "how many", Value: Int(&s.workers, -1, 10)},
			{Name: "level", Arg: "0-3", Help: "how much", Value: Level(&s.level)},
			{Name: "size", Arg: "SIZE", Help: "how large", Value: Size(&s.size, 1<<10, 1<<30)},
			{Name: "percent", Arg: "PERCENT", Help: "how fast", Value: Percent(&s.percent)},
			{Name: "wait", Arg: "DURATION", Help: "how long", Value: Duration(&s.wait, time.Millisecond)},
			{Name: "mode", Arg: "MODE", Help: "permissions", Value: Mode(&s.mode)},
			{Name: "on", Arg: "wait|shed", Help: "what to do", Value: OneOf(&s.on, "wait", "shed")},
		}}},
	}
}

func TestCommandLine(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		want func(*settings) bool
		errs []string // all in the error, which has as many lines; nil: none
	}{
		{"nothing", nil, func(*settings) bool { return true }, nil},
		{"one dash and two", []string{"-workers", "3", "--name", "x"}, func(s *settings) bool { return s.workers == 3 && s.name == "x" }, nil},
		{"equals", []string{"-workers=3", "--name=a=b"}, func(s *settings) bool { return s.workers == 3 && s.name == "a=b" }, nil},
		{"a value that looks like a flag", []string{"--name=--stats"}, func(s *settings) bool { return s.name == "--stats" && !s.stats }, nil},
		{"negative number", []string{"--workers", "-1"}, func(s *settings) bool { return s.workers == -1 }, nil},
		{"switch", []string{"--stats"}, func(s *settings) bool { return s.stats }, nil},
		{"switch and word", []string{"--stats", "false", "--name", "x"}, func(s *settings) bool { return !s.stats && s.name == "x" }, nil},
		{"level", []string{"--level", "2"}, func(s *settings) bool { return s.level == 2 }, nil},
		{"level as a switch", []string{"--level"}, func(s *settings) bool { return s.level == 1 }, nil},
		{"value left out", []string{"--output", "--stats"}, func(s *settings) bool { return slices.Equal(s.output, listValue{""}) && s.stats }, nil},
		{"value left out at the end", []string{"--output"}, func(s *settings) bool { return slices.Equal(s.output, listValue{""}) }, nil},
		{"optional value", []string{"--output", "|10", "--output", "true", "--output", "false"}, func(s *settings) bool { return slices.Equal(s.output, listValue{"|10", ""}) }, nil},
		{"several", []string{"--input", "a", "--input", "b"}, func(s *settings) bool { return slices.Equal(s.input, listValue{"a", "b"}) }, nil},
		{"an end of flags with nothing behind it", []string{"--stats", "--"}, func(s *settings) bool { return s.stats }, nil},

		{"an end of flags", []string{"--", "--stats"}, nil, []string{`"--stats" is not a flag`}},
		{"stray word", []string{"--stats", "true", "x", "--workers", "99"}, nil, []string{`"x" is not a flag; values with spaces or | need quotes`}},
		{"stray dash", []string{"-"}, nil, []string{`"-" is not a flag`}},
		{"empty word", []string{""}, nil, []string{`"" is not a flag`}},
		{"three dashes", []string{"---stats"}, nil, []string{"bad flag syntax: ---stats"}},
		{"no name", []string{"--=x"}, nil, []string{"bad flag syntax: --=x"}},
		{"unknown, with its value", []string{"--nmae", "x", "--workers", "y"}, nil, []string{"no flag --nmae; did you mean --name?", `invalid value "y" for --workers: want a whole number from -1 to 10`}},
		{"nothing near", []string{"--zzzzzzzzz"}, nil, []string{"no flag --zzzzzzzzz; gor -h lists all"}},
		{"of another version", []string{"--kafka"}, nil, []string{"no Kafka here"}},
		{"no value", []string{"--name"}, nil, []string{"--name wants a value: a name"}},
		{"no value, and a command", []string{"--input"}, nil, []string{"--input wants a value; for example: gor --input :80"}},
		{"a flag for a value", []string{"--input", "--name", "x"}, nil, []string{"--input wants a value, and --name follows; for example: gor --input :80"}},
		{"a flag for a name", []string{"--name", "-file=x"}, nil, []string{"--name wants a value, and -file=x follows: a name"}},
		{"what only looks like a flag", []string{"--workers", "-1", "--input", "-:80", "--name", "--n"}, func(s *settings) bool {
			return s.workers == -1 && slices.Equal(s.input, listValue{"-:80"}) && s.name == "--n"
		}, nil},
		{"a word behind a switch", []string{"--level", "9", "--stats", "yes", "--name", "x"}, nil,
			[]string{`invalid value "9" for --level: want `, `invalid value "yes" for --stats: want true or false`}},
		{"dashes of a web page", []string{"\u2013-stats", "\u2014name", "x", "--work\u2011ers=11"}, nil, []string{
			"\"\u2013-stats\" has an en dash where hyphens belong, as web pages make it; type --stats", `has an em dash`,
			`type --work-ers`, "no flag --work-ers; did you mean --workers?"}},
		{"a space of a web page", []string{"--workers\u00a011", "--stats"}, nil, []string{"type it again: --workers 11", `invalid value "11" for --workers`}},
		{"quotes of a web page", []string{"--input", "\u201c:80\u201d", "--name", "\u00abx"}, nil, []string{
			"for --input: it begins with a quote (\u201c) as web pages have it, which is none to a shell; type \" or '", "for --name: it begins with a quote (\u00ab)"}},
		{"a dash in a value", []string{"--name", "a\u2013b", "--file", "\u2013"}, func(s *settings) bool { return s.name == "a\u2013b" && s.file == "\u2013" }, nil},
		{"no flag at all", []string{"x.rec"}, nil, []string{"x.rec is a recording"}},
		{"not a truth", []string{"--stats=maybe"}, nil, []string{`invalid value "maybe" for --stats: want true or false`}},
		{"twice", []string{"--file", "a", "--file", "b"}, nil, []string{`it is "a" already`}},
		{"all mistakes", []string{"--size", "5x", "--wait", "10", "--mode", "rw", "--on", "drop", "--percent", "fast", "--level=9", "--name", ""}, nil,
			[]string{`"5x"`, `"10" for --wait: want a duration`, `"rw" for --mode`, `"drop" for --on: want wait or shed`, `"fast"`, `"9" for --level`, `want a name`}},
		{"bounds", []string{"--size", "1", "--wait", "1ns", "--workers", "11"}, nil, []string{"want a size from 1kb to 1gb", "want at least 1ms", "from -1 to 10"}},
		{"help behind a mistake", []string{"--stats=maybe", "-h"}, nil, []string{`"maybe"`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := new(settings)
			_, err := s.table().Parse(test.args, nil)
			if test.errs == nil {
				if err != nil || !test.want(s) {
					t.Errorf("%v, %+v", err, s)
				}
				return
			}
			if err == nil {
				t.Fatal("accepted")
			}
			for _, want := range test.errs {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q has no %q", err, want)
				}
			}
			if n := strings.Count(err.Error(), "\n") + 1; n != len(test.errs) {
				t.Errorf("%d mistakes, want %d: %v", n, len(test.errs), err)
			}
		})
	}
}

// TestPrecedence: the command line wins over the environment, and that over the
// file, flag by flag.
func TestPrecedence(t *testing.T) {
	file := filepath.Join(t.TempDir(), "gor.toml")
	if err := os.WriteFile(file, []byte("name = \"file\"\nworkers = 1\nlevel = 1\ninput = [\"f1\", \"f2\"]\nold = true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := new(settings)
	notes, err := s.table().Parse([]string{"--name", "line"}, []string{"GOR_NAME=env", "GOR_WORKERS=2", "GOR_INPUT=e1\ne2\n", "GOR_CONFIG=" + file, "GOR_STATS=", "GOR_VERSION=1.3", "GOR_NAMES=x", "PATH=/bin"})
	if err != nil || s.name != "line" || s.workers != 2 || s.level != 1 || !slices.Equal(s.input, listValue{"e1", "e2"}) || s.version || s.stats {
		t.Errorf("%v, %+v", err, s)
	}
	want := []string{"the environment has GOR_NAMES, which is not a flag and does nothing; did you mean GOR_NAME?", "--old is accepted and no longer needed: it is always on"}
	if !slices.Equal(notes, want) {
		t.Errorf("notes %q", notes)
	}
}

func TestVersionIsReadAlone(t *testing.T) {
	s := new(settings)
	if _, err := s.table().Parse([]string{"--version"}, []string{"GOR_WORKERS=many"}); err != nil || !s.version {
		t.Errorf("%v, %+v", err, s)
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]int{
		"1024": 1024, "64k": 64 << 10, "64kb": 64 << 10, "64KB": 64 << 10, "32mb": 32 << 20, "1gb": 1 << 30, "7b": 7,
	} {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("%s: %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "k", "-1", "1.5m", "9999999999g", "1 mb x"} {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("%q: accepted as %d", text, got)
		}
	}
}

func TestUnknownShell(t *testing.T) {
	var b strings.Builder
	if known, err := new(settings).table().Completion(&b, "tcsh"); known || err != nil || b.Len() > 0 {
		t.Errorf("tcsh: %v, %v, %q", known, err, b.String())
	}
}

// FuzzConfig: whatever a file holds, it sets flags or its name is in every
// line of the error.
func FuzzConfig(f *testing.F) {
	f.Add("input = [\":80\"]\nstats = true\n")
	f.Add("[a.b]\nc = [{d = 1}, 2]\n\"\" = 1979-05-27T07:32:00Z")
	f.Add("a.b.c = 1\n\"a\\nb\" = [[1], {c = 2}]\n[[d]]\n[[d.e]]")
	f.Add("name = ''\nlevel = 1e9\nlevel.x = inf")
	f.Fuzz(func(t *testing.T, text string) {
		s := new(settings)
		err := s.table().newSet().setFromTOML("gor.toml", text)
		if err == nil {
			return
		}
		for line := range strings.Lines(err.Error()) {
			if !strings.HasPrefix(line, "gor.toml") {
				t.Errorf("%q: %v", text, err)
			}
		}
	})
}
