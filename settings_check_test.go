package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

// TestEveryMistakeOfTheLine: what is wrong is said at once, and not one by one
// as each is put right; with --check that of the plugins too.
func TestEveryMistakeOfTheLine(t *testing.T) {
	for _, tt := range []struct {
		args  string
		wants []string // a line each, and no more lines
	}{
		{"--exit-after soon --on-full drop --input-dummy --output-null", []string{`"soon" for --exit-after`, `"drop" for --on-full`}},
		{"--output-htpp staging.com --on-full drop", []string{"did you mean --output-http?", `"drop"`}},
		{"--output-htpp --on-full drop", []string{"did you mean --output-http?", `"drop"`}},
		{"--output-htpp=staging.com --stats=x", []string{"did you mean --output-http?", `"x" for --stats`}},
		{"---stats --on-full drop", []string{"---stats", `"drop"`}},
		{"--on-full drop ---stats --exit-after", []string{`"drop"`, "---stats", "--exit-after wants a value"}},
		{"--on-full drop stray --exit-after soon", []string{`"drop"`, `"stray" is not a flag`}},
		{"--on-full drop -- --exit-after soon", []string{`"drop"`, `"--exit-after" is not a flag`}},
		{"--on-full drop -h", []string{`"drop"`}},
		{"--output-kafka-host x --on-full drop", []string{"no Kafka", `"drop"`}},
		{"--on-full drop --config missing.toml", []string{`"drop"`, "missing.toml: no such file"}},
		{"--on-full drop --output-http ftp://x --check", []string{`"drop"`, `--output-http: "ftp://x": ftp is not a scheme`}},
	} {
		var stderr bytes.Buffer
		code := run(strings.Fields(tt.args), nil, strings.NewReader(""), io.Discard, &stderr)
		said := stderr.String()
		lines := strings.Split(strings.TrimSuffix(said, "\n"), "\n")
		if code != exitUsage || len(lines) != len(tt.wants) {
			t.Errorf("gor %s: exit %d, want %d and %d lines:\n%s", tt.args, code, exitUsage, len(tt.wants), said)
			continue
		}
		for i, want := range tt.wants {
			if !strings.HasPrefix(lines[i], "gor: ") || !strings.Contains(lines[i], want) {
				t.Errorf("gor %s: line %q has no %q", tt.args, lines[i], want)
			}
		}
	}
}

// TestCheckOfAFlagWithoutAPlugin: what has no row in the tables does not start.
func TestCheckOfAFlagWithoutAPlugin(t *testing.T) {
	s := defaultSettings()
	s.Inputs = []pluginArg{{"input-none", "a"}}
	s.Outputs = []pluginArg{{"output-none", "b"}}
	err := s.checkPlugins()
	if err == nil || err.Error() != "--input-none a: no such input\n--output-none b: no such output" {
		t.Errorf("%v", err)
	}
}
