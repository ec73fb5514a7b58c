package main

import (
	"bytes"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/buger/gor/internal/testkit"
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

// TestFlagsWithoutTheirPlugin: a flag that does nothing is refused, wherever it
// was given and also with its default or with false; an obsolete one too.
func TestFlagsWithoutTheirPlugin(t *testing.T) {
	config := filepath.Join(t.TempDir(), "gor.toml")
	testkit.WriteFile(t, config, []byte("output-ws-workers = 2\n"))
	for _, tt := range []struct {
		args, environ string
		wants         []string // parts of a line each; none: it is right
	}{
		{"--input-dummy --output-null --output-file-size-limit 1mb", "", []string{"--output-file-size-limit does nothing without --output-file"}},
		{"--input-dummy --output-null --output-http-workers -1", "", []string{"--output-http-workers does nothing without --output-http"}},
		{"--input-dummy --output-null --output-http-debug=false", "", []string{"--output-http-debug does nothing without --output-http"}},
		{"--input-dummy --output-null --input-raw-promisc --input-raw-expire 3s", "",
			[]string{"--input-raw-expire does nothing without --input-raw", "--input-raw-promisc does nothing"}},
		{"--input-dummy --output-null --input-file-loop --log-host x.org", "", []string{"--input-file-loop does nothing", "--log-host does nothing without --input-file"}},
		{"--input-dummy --output-null --output-binary-timeout 1s", "", []string{"--output-binary-timeout does nothing without --output-binary"}},
		{"--input-dummy --output-null --output-tcp-response-buffer 1mb", "", []string{"--output-tcp-response-buffer does nothing without --output-binary"}},
		{"--input-dummy --output-tcp a:1 --input-tcp-secure", "", []string{"does nothing without --input-tcp; for --output-tcp it is --output-tcp-secure"}},
		{"--input-tcp :1 --output-null --output-tcp-secure", "", []string{"does nothing without --output-tcp; for --input-tcp it is --input-tcp-secure"}},
		{"--input-tcp :1 --output-null --output-tcp-compress", "", []string{"--output-tcp-compress does nothing without --output-tcp"}},
		{"--input-dummy --output-null --min-free 1gb", "", []string{"--min-free does nothing without --output-file or --output-tcp-spill"}},
		{"--input-dummy --output-tcp a:1 --output-tcp-spill /tmp --min-free 1gb", "", nil},
		{"--input-dummy --output-tcp a:1 --output-tcp-spill-size 1gb", "", []string{"--output-tcp-spill-size does nothing without --output-tcp-spill"}},
		{"--input-dummy --output-http a --output-http-stats-ms 100", "", []string{"--output-http-stats-ms does nothing without --output-http-stats"}},
		{"--input-raw :80 --output-null --input-raw-vxlan-port 4789", "", []string{"--input-raw-vxlan-port does nothing without --input-raw-engine vxlan"}},
		{"--input-dummy --output-null", "GOR_OUTPUT_FILE_APPEND=true", []string{"--output-file-append does nothing without --output-file"}},
		{"--input-dummy --output-file x.gor", "GOR_OUTPUT_FILE_APPEND=true", nil},
		{"--input-dummy --output-null --config " + config, "", []string{"--output-ws-workers does nothing without --output-ws"}},
		{"--input-dummy --output-ws ws://a --config " + config, "", nil},
		{"--output-null --input-raw-stats", "", []string{"no input", "--input-raw-stats does nothing without --input-raw"}},
	} {
		_, err := parseSettings(strings.Fields(tt.args), []string{tt.environ}, io.Discard)
		var lines []string
		if err != nil {
			lines = strings.Split(err.Error(), "\n")
		}
		if len(lines) != len(tt.wants) {
			t.Errorf("gor %s %s: %d lines, want %d: %v", tt.environ, tt.args, len(lines), len(tt.wants), err)
			continue
		}
		for i, want := range tt.wants {
			if !strings.Contains(lines[i], want) {
				t.Errorf("gor %s %s: line %q has no %q", tt.environ, tt.args, lines[i], want)
			}
		}
	}
}

func TestPageAddresses(t *testing.T) {
	for addr, good := range map[string]bool{
		":8181": true, "127.0.0.1:8181": true, "[::1]:8181": true, "8181": false, "": false, "localhost": false, ":http": false, "a:b:c": false,
	} {
		s, err := parseArgs("--input-dummy", "--output-null", "--http-pprof="+addr)
		if (err == nil) != good || good && s.HTTPPprof != addr {
			t.Errorf("%q: %v", addr, err)
		}
		if err != nil && !(strings.Contains(err.Error(), strconv.Quote(addr)) && strings.Contains(err.Error(), "127.0.0.1:8181")) {
			t.Errorf("%q: %v", addr, err)
		}
	}
}
