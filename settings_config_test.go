package main

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/testkit"
)

func parseAll(args, environ []string) (*Settings, error) {
	return parseSettings(args, environ, io.Discard)
}

func TestConfigFile(t *testing.T) {
	file := testkit.WriteFile(t, filepath.Join(t.TempDir(), "gor.toml"), []byte(`
# a comment
output-file = "second.gor|10"
input-raw = [":80", "eth0:8080"]
output-http = "first.com"
split-output = true
output-stdout = true
output-null = false
output-http-workers = 20
exit-after = "30s"
copy-buffer-size = 65536
verbose = 2
http-allow-method = ["GET", "put"]
input-raw-vxlan-vni = [7, -8]
input-raw-engine = "vxlan"
input-raw-monitor = true
`))
	s, err := parseAll([]string{"--config", file}, nil)
	testkit.Must(t, err)
	if want := []pluginArg{{"input-raw", ":80"}, {"input-raw", "eth0:8080"}}; !slices.Equal(s.Inputs, want) {
		t.Errorf("inputs %v", s.Inputs)
	}
	if want := []pluginArg{{"output-file", "second.gor|10"}, {"output-http", "first.com"}, {"output-stdout", ""}}; !slices.Equal(s.Outputs, want) {
		t.Errorf("outputs %v, want the order of the file", s.Outputs)
	}
	if !s.SplitOutput || s.http.Workers != 20 || s.ExitAfter != 30*time.Second || s.MessageLimit != 64<<10 || s.Verbose != 2 ||
		!slices.Equal(s.raw.VNIs, []int{7, -8}) || len(s.modifier.Rules) != 2 || s.modifier.Rules[1].Flag != "http-allow-method" || s.modifier.Rules[1].Value != "put" {
		t.Errorf("settings %+v", s)
	}
	if len(s.Notes) != 1 || !strings.Contains(s.Notes[0], "--input-raw-monitor is accepted and no longer needed: ") {
		t.Errorf("notes %q", s.Notes)
	}
}

// TestPrecedence: the command line goes before the environment, and that before
// the file, for each flag by itself.
func TestPrecedence(t *testing.T) {
	file := testkit.WriteFile(t, filepath.Join(t.TempDir(), "gor.toml"), []byte(`
input-raw = ":1"
output-http = ["file1.com", "file2.com"]
output-tcp = "file:1"
output-http-workers = 1
output-http-queue-len = 1
output-http-timeout = "1s"
`))
	environ := []string{"PATH=/bin", "GOR_CONFIG=" + file, "GOR_INPUT_RAW=:2\n:3\n", "GOR_OUTPUT_HTTP=env.com",
		"GOR_OUTPUT_HTTP_WORKERS=2", "GOR_OUTPUT_HTTP_QUEUE_LEN=2", "GOR_STATS=", "GOR_FAULT_MESSAGES=200000", "GOR_SERVICE_HOST=10.0.0.1", "GOR_VERSION=1.3.0"}
	s, err := parseAll([]string{"--output-http", "line.com", "--output-http-workers", "3"}, environ)
	testkit.Must(t, err)
	if want := []pluginArg{{"input-raw", ":2"}, {"input-raw", ":3"}}; !slices.Equal(s.Inputs, want) {
		t.Errorf("inputs %v", s.Inputs)
	}
	if want := []pluginArg{{"output-http", "line.com"}, {"output-tcp", "file:1"}}; !slices.Equal(s.Outputs, want) {
		t.Errorf("outputs %v", s.Outputs)
	}
	if s.http.Workers != 3 || s.http.QueueLen != 2 || s.http.Timeout != time.Second || s.Stats {
		t.Errorf("workers %d, queue %d, timeout %v", s.http.Workers, s.http.QueueLen, s.http.Timeout)
	}
	if s.Notes != nil {
		t.Errorf("notes %q", s.Notes)
	}
}

func TestWrongConfiguration(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct {
		name, file string
		environ    []string
		wants      []string
	}{
		{"unknown key", `output-htpp = "a"`, nil, []string{"gor.toml", "no flag output-htpp; did you mean output-http?"}},
		{"underscores", `output_http = "a"`, nil, []string{"did you mean output-http?"}},
		{"later stage", `output-file-buffer = "a"`, nil, []string{"no S3", "--output-file"}},
		{"wrong value", `exit-after = "soon"`, nil, []string{"gor.toml", `invalid value "soon" for exit-after`, "30s"}},
		{"wrong number", `exit-after = 5`, nil, []string{`"5"`, "exit-after"}},
		{"wrong type", `exit-after = 2020-01-01`, nil, []string{"exit-after", "want a text"}},
		{"list for one", `exit-after = ["1s", "2s"]`, nil, []string{"takes one value, not a list of 2"}},
		{"list in a list", `input-raw = [[":80"]]`, nil, []string{"a list in a list"}},
		{"table", "[output]\nhttp = 1", nil, []string{"[output] is a table", "whole name"}},
		{"table in a table", "[output.http]\nworkers = 1", nil, []string{"[output] is a table"}},
		{"dotted key", `output.http-workers = 1`, nil, []string{"[output] is a table", "whole name"}},
		{"dotted switch", `stats.x = true`, nil, []string{"[stats] is a table"}},
		{"inline table", `input-raw = {port = 80}`, nil, []string{"[input-raw] is a table"}},
		{"list of tables", "[[output-http]]\nurl = \"a\"", nil, []string{"[output-http] is a table"}},
		{"tables in a list", `output-http = [{url = "a"}]`, nil, []string{"[output-http] is a table"}},
		{"no name", `"" = 1`, nil, []string{`no flag "";`}},
		{"a name of two lines", `"a\nb" = 1`, nil, []string{`no flag "a\nb";`}},
		{"far too many mistakes", manyKeys(120), nil, []string{"no flag k0;", fmt.Sprintf("no flag k%d;", 19), "what follows was not read"}},
		{"several mistakes", "a-flag = 1\nexit-after = \"x\"", nil, []string{"no flag a-flag", `"x"`}},
		{"no TOML", "input-raw :80", nil, []string{"gor.toml, line 1"}},
		{"twice", "stats = true\nstats = true", nil, []string{"line 2"}},
		{"not text", "stats = \"\xff\"", nil, []string{"not UTF-8"}},
		{"config in it", `config = "other"`, nil, []string{"belongs on the command line"}},
		{"too large", strings.Repeat("#", 1<<20+1), nil, []string{"larger than 1mb"}},
		{"environment", "", []string{"GOR_EXIT_AFTER=5"}, []string{`invalid value "5" in the environment's GOR_EXIT_AFTER`, "30s"}},
		{"a line of it", "", []string{"GOR_HTTP_ALLOW_METHOD=GET\nP T"}, []string{`"P T"`, "GOR_HTTP_ALLOW_METHOD"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := testkit.WriteFile(t, filepath.Join(dir, "gor.toml"), []byte(tt.file))
			_, err := parseAll([]string{"--input-dummy", "--output-null", "--config", file}, tt.environ)
			if err == nil {
				t.Fatal("accepted")
			}
			for _, want := range tt.wants {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q has no %q", err, want)
				}
			}
		})
	}
	for _, name := range []string{filepath.Join(dir, "missing"), dir} {
		if _, err := parseAll([]string{"--input-dummy", "--output-null", "--config", name}, nil); err == nil || !strings.Contains(err.Error(), "--config "+name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "k%d = 1\n", i)
	}
	return b.String()
}

// TestConfigOnce: of two files one would go unread.
func TestConfigOnce(t *testing.T) {
	_, err := parseArgs("--input-dummy", "--output-null", "--config", "a.toml", "--config", "b.toml")
	if err == nil || !strings.Contains(err.Error(), `"b.toml" for --config: it is "a.toml" already`) {
		t.Errorf("%v", err)
	}
}

func TestEnvironmentSlips(t *testing.T) {
	s, err := parseAll([]string{"--input-dummy", "--output-null"}, []string{"GOR_OUTPUT_HTPT=x", "GOR_PORT=tcp://10.0.0.1:80"})
	testkit.Must(t, err)
	if len(s.Notes) != 1 || !strings.Contains(s.Notes[0], "did you mean GOR_OUTPUT_HTTP?") {
		t.Errorf("notes %q", s.Notes)
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
