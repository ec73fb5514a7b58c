package flags

import (
	"errors"
	"strings"
	"testing"
)

func TestHelpIsAskedFor(t *testing.T) {
	for _, test := range []struct {
		args  []string
		topic string
	}{
		{[]string{"-h"}, ""},
		{[]string{"--stats", "--help"}, ""},
		{[]string{"-h", "input"}, "input"},
		{[]string{"--help", "--input"}, "input"},
		{[]string{"--help=input"}, "input"},
		{[]string{"-h", "--nothing"}, ""},
		{[]string{"--input", "-h"}, "input"},
		{[]string{"--workers", "--help"}, "workers"},
	} {
		_, err := new(settings).table().Parse(test.args, nil)
		var help HelpRequest
		if !errors.Is(err, ErrHelp) || !errors.As(err, &help) || help.Topic != test.topic {
			t.Errorf("%q: %v, topic %q, want %q", test.args, err, help.Topic, test.topic)
		}
	}
}

func helpOn(t *testing.T, s *settings, topic string) string {
	t.Helper()
	var b strings.Builder
	if err := s.table().WriteHelp(&b, topic); err != nil {
		t.Fatalf("-h %s: %v", topic, err)
	}
	return b.String()
}

func TestHelpText(t *testing.T) {
	s := &settings{workers: 7}
	const plugins = "Plugins:\n  --input ADDRESS\n      read from ADDRESS: a port; several\n        gor --input :80\n"
	for _, test := range []struct {
		topic      string
		whole      string   // "": only what follows
		has, hasNo []string // parts
	}{
		{topic: "", whole: "head\n\nPlugins:\n  --input ADDRESS          read from ADDRESS\n  --output                 print\nmore: gor -h all\n"},
		{topic: "all", has: []string{"head\nnotation\n\n" + plugins + "  --output\n      print\n\nOthers:\n", "  --workers N\n      how many (default 7)\n"}, hasNo: []string{"--old"}},
		{topic: "obsolete", has: []string{"  --old\n      it is always on\n"}, hasNo: []string{"--stats"}},
		{topic: "plugins", has: []string{plugins}, hasNo: []string{"--workers"}},
		{topic: "input", whole: plugins},
		{topic: "--WORKERS", whole: "Others:\n  --workers N\n      how many (default 7)\n"},
		{topic: "si", has: []string{"--size", "--version"}, hasNo: []string{"--workers"}},
	} {
		got := helpOn(t, s, test.topic)
		if test.whole != "" && got != test.whole {
			t.Errorf("-h %s is\n%s\nwant\n%s", test.topic, got, test.whole)
		}
		for _, part := range test.has {
			if !strings.Contains(got, part) {
				t.Errorf("-h %s has no %q:\n%s", test.topic, part, got)
			}
		}
		for _, part := range test.hasNo {
			if strings.Contains(got, part) {
				t.Errorf("-h %s has %q:\n%s", test.topic, part, got)
			}
		}
	}
	for topic, want := range map[string]string{
		"wrokers":  `nothing is called "wrokers"; did you mean gor -h workers?`,
		"old":      "--old does nothing any more: it is always on",
		"kafka":    "no Kafka here",
		"zzzzzzzz": "gor -h all shows every flag",
	} {
		if err := s.table().WriteHelp(new(strings.Builder), topic); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("-h %s: %v, want %q", topic, err, want)
		}
	}
}

// TestGroupsOfSeveralTopics: a flag that is named after one topic of its group
// is not shown for another, and one that is named after none for all.
func TestGroupsOfSeveralTopics(t *testing.T) {
	flag := func(name string) Def { return Def{Name: name, Help: "x", Value: Bool(new(bool))} }
	table := &Table{Groups: []Group{
		{Title: "Outputs", Topics: []string{"outputs"}, Flags: []Def{flag("out-a"), flag("out-ab")}},
		{Title: "Both", Topics: []string{"out-a", "out-ab"}, Flags: []Def{flag("out-a-size"), flag("out-ab-size"), flag("free")}},
	}}
	var b strings.Builder
	if err := table.WriteHelp(&b, "out-a"); err != nil {
		t.Fatal(err)
	}
	if got, want := b.String(), "Outputs:\n  --out-a\n      x\n\nBoth:\n  --out-a-size\n      x\n  --free\n      x\n"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func TestWrapCommand(t *testing.T) {
	for command, want := range map[string]string{
		"":                        "",
		"gor --a b":               "gor --a b",
		"gor --aa b --c":          "gor --aa b \\\n--c",
		`gor --a "b c" --ggg`:     `gor \` + "\n" + `--a "b c" \` + "\n--ggg",
		`gor --a "b c d e f" --g`: `gor --a \` + "\n" + `"b c d e f" \` + "\n--g",
		"gor --a 'b \" c' d":      "gor --a \\\n'b \" c' d",
	} {
		if got := strings.Join(wrapCommand(command, 12), "\n"); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", command, got, want)
		}
	}
}

func TestManualPage(t *testing.T) {
	got := helpOn(t, &settings{workers: 7}, "man")
	for _, part := range []string{
		".TH GOR 1 2026-01-02 \"gor 1.0\" \"User Commands\"\n.SH NAME\ngor \\- copies \\(aqtraffic\\(aq\n",
		".SH DESCRIPTION\nIt copies.\n.PP\nThen:\n.IP\n.EX\ngor \\-\\-a \\e\n.EE\n.PP\nMore.\n",
		".TP\n\\fB0\\fR\nall went well\n",
		".SS Plugins\n.TP\n\\fB\\-\\-input\\fR \\fIADDRESS\\fR\nRead from ADDRESS: a port; several.\n.IP\n.EX\ngor \\-\\-input :80\n.EE\n",
		"How many (default 7).\n",
		"\n\\&.hidden\n",
	} {
		if !strings.Contains(got, part) {
			t.Errorf("no %q in\n%s", part, got)
		}
	}
	if strings.Contains(got, `\-\-old`) {
		t.Error("it has an obsolete flag")
	}
}
