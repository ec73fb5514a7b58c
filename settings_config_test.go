package main

import (
	"bytes"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
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
		{"later stage", `output-kafka-host = "a"`, nil, []string{"no Kafka", "--output-ws"}},
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

func TestLaterStages(t *testing.T) {
	for _, args := range [][]string{
		{"--input-kafka-topic", "x"}, {"--output-kafka-json-format"}, {"--kafka-tls-ca-cert", "x"}, {"--output-file-buffer", "/tmp"}, {"--input-raw-k8s-skip-ns", "x"}, {"--input-file-watch"},
		{"--output-file", "s3://bucket/x.gor"}, {"--input-file", "s3://bucket/x.gor"}, {"--input-raw", "k8s://pod/x:80"},
	} {
		_, err := parseArgs(append([]string{"--input-dummy", "--output-null"}, args...)...)
		if err == nil || !strings.Contains(err.Error(), args[0]) || !strings.Contains(err.Error(), "this version has no ") {
			t.Errorf("%q: %v", args, err)
		}
	}
}

// TestCheck: --check says all that is wrong, or what would run, and makes
// nothing.
func TestCheck(t *testing.T) {
	dir := t.TempDir()
	recording := testkit.WriteFile(t, filepath.Join(dir, "in.gor"), testkit.Recording(testkit.NumberedRequests(1, "a"), make([]time.Duration, 1)))
	out := filepath.Join(dir, "new", "out.gor")
	check := func(args ...string) (int, string) {
		var stderr bytes.Buffer
		code := run(append(args, "--check"), nil, strings.NewReader(""), io.Discard, &stderr)
		return code, stderr.String()
	}
	code, said := check("--input-file", recording, "--input-raw", ":80", "--output-file", out+"|10", "--output-http", "staging.com", "--output-tcp", "a:1", "--middleware", "cat -u")
	if code != exitOK || !strings.Contains(said, "gor: the settings are right\n") || !strings.Contains(said, "gor: to output-file "+out+"|10\n") {
		t.Errorf("exit %d: %s", code, said)
	}
	if list, _ := filepath.Glob(filepath.Join(dir, "*")); len(list) != 1 {
		t.Errorf("there are %v", list)
	}
	wrong := []struct{ args, want string }{
		{"--input-raw :99999", `"99999`},
		{"--input-raw " + dir + "/no.pcap:80", "no.pcap: no such file"},
		{"--input-tcp 5", "a port alone is written :5"},
		{"--input-file " + dir + "/no.gor", "no.gor: no such file"},
		{"--input-file " + recording + "|fast", `"fast"`},
		{"--output-http ht!tp://x", "is not a target"},
		{"--output-http x|200%", "200%"},
		{"--output-tcp :1", "names no host"},
		{"--output-tcp a:1 --output-tcp-secure --output-tcp-ca " + dir + "/ca.pem", "ca.pem: no such file"},
		{"--output-tcp a:1 --output-tcp-spill " + recording + "/x", "not a directory"},
		{"--output-file " + recording + "/x.gor", "must be a folder"},
		{"--output-file " + dir, "name a file in it"},
		{"--middleware /no/such", "/no/such"},
		{"--summary-json " + recording + "/x", "not a directory"},
	}
	var all []string
	for _, w := range wrong {
		args := strings.Fields(w.args)
		code, said := check(append([]string{"--input-dummy", "--output-null"}, args...)...)
		if code != exitUsage || !strings.Contains(said, w.want) {
			t.Errorf("%s: exit %d: %s", w.args, code, said)
		}
		if !strings.Contains(w.args, "output-tcp-") && !strings.Contains(w.args, "middleware") {
			all = append(all, args...)
		}
	}
	_, said = check(all...)
	for _, w := range wrong {
		if slices.Contains(all, strings.Fields(w.args)[1]) && !strings.Contains(said, w.want) {
			t.Errorf("of several mistakes it does not name %q:\n%s", w.want, said)
		}
	}
}

func TestCompletion(t *testing.T) {
	var b bytes.Buffer
	for _, wrong := range [][]string{nil, {"csh"}, {"bash", "zsh"}} {
		if err := writeCompletion(&b, wrong); err == nil || !strings.Contains(err.Error(), "gor completion fish") || b.Len() > 0 {
			t.Errorf("%q: %v, %q", wrong, err, b.String())
		}
	}
	scripts := map[string]string{}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		b.Reset()
		if code := run([]string{"completion", shell}, nil, nil, &b, io.Discard); code != exitOK {
			t.Fatalf("exit %d", code)
		}
		scripts[shell] = b.String()
		for _, group := range defaultSettings().groups {
			for _, def := range group.flags {
				if !strings.Contains(b.String(), def.name) {
					t.Errorf("%s does not know --%s", shell, def.name)
				}
			}
		}
	}
	dir := t.TempDir()
	file := testkit.WriteFile(t, filepath.Join(dir, "some.gor"), nil)
	for _, tt := range []struct{ before, word, want string }{
		{"gor", "--output-http-wo", "--output-http-workers --output-http-workers-min --output-http-worker-timeout"},
		{"--on-full", "", "wait shed"},
		{"--input-raw-engine", "v", "vxlan"},
		{"-input-raw-protocol", "", "http binary"},
		{"--input-file", filepath.Join(dir, "so"), file},
		{"--output-tcp-spill", dir[:len(dir)-1], dir},
		{"--output-http", "", ""},
		{"--stats", "--split", "--split-output"},
	} {
		script := fmt.Sprintf("%s\nCOMPREPLY=(old); COMP_WORDS=(gor %q %q); COMP_CWORD=2; _gor; echo ${COMPREPLY[@]}", scripts["bash"], tt.before, tt.word)
		out, err := exec.Command("bash", "-c", script).CombinedOutput()
		testkit.Must(t, err)
		if got := strings.TrimSpace(string(out)); got != tt.want {
			t.Errorf("bash: after %s %q it has %q, want %q", tt.before, tt.word, got, tt.want)
		}
	}
	for shell, check := range map[string][]string{
		"zsh":  {"-c", "autoload -U compinit; compinit -D; source /dev/stdin && [[ $_comps[gor] == _gor ]] && whence -w _gor"},
		"fish": {"-c", "source; complete -C 'gor --on-full '; complete -C 'gor --split-o'"},
	} {
		t.Run(shell, func(t *testing.T) {
			cmd := exec.Command(testkit.NeedTool(t, shell, shell), check...)
			cmd.Stdin = strings.NewReader(scripts[shell])
			out, err := cmd.CombinedOutput()
			wants := map[string][]string{"zsh": {"_gor: function"}, "fish": {"wait", "shed", "--split-output"}}[shell]
			for _, want := range wants {
				if err != nil || !strings.Contains(string(out), want) {
					t.Errorf("%v, no %q in %s", err, want, out)
				}
			}
		})
	}
}
