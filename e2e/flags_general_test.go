package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/buger/gor/internal/testkit"
)

func generalFlagRows() []flagRow {
	return []flagRow{
		{"config", []string{"", "/no/such/file.toml"}, func(f *flagTest) {
			file := testkit.WriteFile(f.T, filepath.Join(f.TempDir(), "gor.toml"), []byte("output-stdout = true\nhttp-allow-url = [\"^/1\", \"^/3\"]\n"))
			f.replay("--config", file).passed("/1", "/3")
			f.replay("--config", file, "--http-allow-url", "/2").passed("/2")
		}},
		{"check", notBool, func(f *flagTest) {
			out := filepath.Join(f.TempDir(), "out.gor")
			f.replay("--output-file", out, "--check").says("gor: the settings are right").saysNot("ledger")
			if _, err := os.Stat(out); err == nil {
				f.Errorf("%s was made", out)
			}
			if r := f.gor("--input-tcp", "28020", "--output-file", out, "--check"); r.code != exitUsage {
				f.Errorf("exit %d:\n%s", r.code, r.stderr)
			}
		}},
		{"exit-after", []string{"10", "-1s", "soon"}, func(f *flagTest) {
			f.ok("--input-dummy", "--output-null", "--exit-after", "10ms").says("ledger after ")
		}},
		{"drain-timeout", []string{"30", "0s", "-1s"}, func(f *flagTest) {
			r := f.gor("--input-file", f.recording(0, gets(1)...), "--output-http", testkit.StartMute(f.T).Addr(), "--drain-timeout", "50ms")
			if r.says("made no progress for 50ms (--drain-timeout)", "1 unsent"); r.code != exitFailed {
				f.Errorf("exit %d", r.code)
			}
		}},
		{"copy-buffer-size", []string{"", "1kb", "2gb", "large"}, func(f *flagTest) {
			file := f.recording(0, get("/0"), get("/1", "X-Long: "+strings.Repeat("x", 5000)), get("/2"))
			f.ok("--input-file", file, "--output-stdout", "--copy-buffer-size", "4kb").says("1 records too large").passed("/0", "/2")
			f.ok("--input-file", file, "--output-stdout").passed("/0", "/1", "/2")
		}},
		{"stats", notBool, func(f *flagTest) {
			gor := testkit.StartGor(f.T, "--input-dummy", "--output-null", "--stats")
			gor.Await("gor: stats: input-dummy")
			gor.Await("gor: stats: output-null: ")
			gor.Stop()
		}},
		{"verbose", []string{"", "4", "-1", "loud"}, func(f *flagTest) {
			server := testkit.StartSink(f.T)
			file := f.recording(0, get("/keep"), get("/drop"))
			for level := range 4 {
				r := f.ok("--input-file", file, "--output-http", server.Addr(), "--http-disallow-url", "drop", "--verbose", strconv.Itoa(level))
				// What levels 1 to 3 name, beside all of the levels below.
				for i, text := range []string{": filtered: ", ": 200 in ", "gor: input-file " + file + ": 0"} {
					if i < level {
						r.says(text)
					} else {
						r.saysNot(text)
					}
				}
			}
		}},
		{"fail-on", []string{"", "failed", "faild>0", "failed>1s", "p99>500", "5xx>101%", "failed>1,,shed>0"}, func(f *flagTest) {
			target := serve(f.T, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/3" {
					w.WriteHeader(http.StatusInternalServerError)
				}
			})
			f.replay("--output-http", target, "--fail-on", "failed>0,5xx>25%,p99>1h", "--fail-on", "lost>0").saysNot("--fail-on")
			f.replayEnds(exitThreshold, "--output-http", target, "--fail-on", "failed>0,5xx>=25%").
				says("gor: --fail-on 5xx>=25%: output-http " + target + ": 1 of 4 answers were 5xx (25.0%)\n")
			f.ends(exitUsage, "--input-dummy", "--output-null", "--fail-on", "503>0").says("only --output-http knows statuses")
			f.ends(exitUsage, "--input-dummy", "--output-null", "--fail-on", "p99>1s").says("measure latencies")
		}},
		{"summary-json", []string{""}, func(f *flagTest) {
			file := filepath.Join(f.TempDir(), "summary.json")
			f.replay("--output-null", "--summary-json", file)
			content, err := os.ReadFile(file)
			testkit.Must(f.T, err)
			var summary struct {
				Outputs map[string]struct{ Fates map[string]int }
			}
			testkit.Must(f.T, json.Unmarshal(content, &summary))
			if n := summary.Outputs["output-null"].Fates["delivered"]; n != 4 {
				f.Errorf("%d delivered:\n%s", n, content)
			}
		}},
		{"log-format", []string{"", "xml", "JSON"}, func(f *flagTest) {
			began := time.Now().Add(-time.Second)
			for line := range strings.Lines(f.replay("--output-null", "--log-format", "json", "--stats").stderr) {
				var object struct {
					Time time.Time
					Msg  string
				}
				if err := json.Unmarshal([]byte(line), &object); err != nil || object.Time.Before(began) || object.Msg == "" || strings.HasPrefix(object.Msg, "gor:") {
					f.Errorf("%v: %q", err, line)
				}
			}
			r := f.replay("--output-null", "--log-format", "text")
			for line := range strings.Lines(r.stderr) {
				stamp, rest, _ := strings.Cut(line, " ")
				if at, err := time.Parse(time.RFC3339Nano, stamp); err != nil || at.Before(began) || !strings.HasPrefix(rest, "gor: ") && !strings.HasPrefix(rest, "  ") {
					f.Errorf("%v: %q", err, line)
				}
			}
			r.says(" gor: ledger after ", "     messages: 4 offered")
			// By default a pipe has no times, and a file has.
			if !strings.HasPrefix(f.replay("--output-null").stderr, "gor: ") {
				f.Errorf("a pipe has times")
			}
			name := filepath.Join(f.TempDir(), "gor.log")
			file, err := os.Create(name)
			testkit.Must(f.T, err)
			defer file.Close()
			cmd := testkit.GorCommand(f.T, nil, "--input-dummy", "--output-null", "--exit-after", "1ms")
			cmd.Stderr = file
			testkit.Must(f.T, cmd.Run())
			content, err := os.ReadFile(name)
			testkit.Must(f.T, err)
			if _, err := time.Parse(time.RFC3339Nano, strings.SplitN(string(content), " gor: ", 2)[0]); err != nil {
				f.Errorf("%v:\n%s", err, content)
			}
			// What was wrong is an object too.
			if wrong := f.ends(exitUsage, "--input-dummy", "--log-format", "json"); !strings.HasPrefix(wrong.stderr, `{"time":"`) {
				f.Errorf("%s", wrong.stderr)
			}
		}},
		{"cpuprofile", []string{""}, func(f *flagTest) {
			file := filepath.Join(f.TempDir(), "cpu.prof")
			if code, said := testkit.RunGor(f.T, "--input-dummy", "--output-null", "--exit-after", "1ms", "--cpuprofile", file); code != exitOK { // one process has one
				f.Errorf("exit %d:\n%s", code, said)
			}
			f.gzipped(file)
		}},
		{"memprofile", []string{""}, func(f *flagTest) {
			file := filepath.Join(f.TempDir(), "mem.prof")
			f.replay("--output-null", "--memprofile", file)
			f.gzipped(file)
		}},
		{"metrics", []string{"", "8181", "localhost", ":port"}, func(f *flagTest) {
			addr, server := testkit.FreePort(f.T), serve(f.T, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
			target := strings.Replace(server, "http://", "http://user:secret@", 1)
			gor := testkit.StartGor(f.T, "--input-dummy", "--output-http", target, "--metrics", addr)
			page := func(path string) string {
				answer, err := http.Get("http://" + addr + path)
				testkit.Must(f.T, err)
				body, err := io.ReadAll(answer.Body)
				testkit.Must(f.T, err)
				testkit.Must(f.T, answer.Body.Close())
				if answer.StatusCode != http.StatusOK {
					f.Errorf("%s: %s", path, answer.Status)
				}
				return string(body)
			}
			label := fmt.Sprintf(" output=%q", "output-http "+server)
			var got testkit.Scraped
			testkit.Eventually(f.T, "a response on the page", func() bool {
				text := page("/metrics")
				var err error
				if got, err = testkit.ParseMetrics(text); err != nil {
					f.Fatalf("%v\n%s", err, text)
				}
				if strings.Contains(text, "secret") {
					f.Fatalf("the page has the password:\n%s", text)
				}
				return got["gor_output_responses_total"+label+` status="418"`] != ""
			})
			for _, series := range []string{"gor_output_latency_seconds_count" + label, "gor_output_latency_seconds_bucket" + label + ` le="+Inf"`,
				"go_goroutines", "process_resident_memory_bytes", "process_open_fds", "process_cpu_seconds_total"} {
				if n, err := strconv.ParseFloat(got[series], 64); err != nil || n <= 0 {
					f.Errorf("%s is %q", series, got[series])
				}
			}
			if healthy := page("/healthz"); healthy != "ok\n" {
				f.Errorf("/healthz: %q", healthy)
			}
			http.DefaultClient.CloseIdleConnections()
			gor.Stop()
			if r := f.gor("--input-dummy", "--output-null", "--metrics", ":1", "--http-pprof", ":2").says("are one flag"); r.code != exitUsage {
				f.Errorf("exit %d", r.code)
			}
		}},
		{"http-pprof", []string{"", "8181", "localhost", ":port"}, func(f *flagTest) {
			addr := testkit.FreePort(f.T)
			gor := testkit.StartGor(f.T, "--input-dummy", "--output-null", "--http-pprof", addr)
			for path, want := range map[string]string{"/metrics": "gor_", "/debug/vars": `"gor"`, "/debug/pprof/": "goroutine"} {
				answer, err := http.Get("http://" + addr + path)
				testkit.Must(f.T, err)
				body, err := io.ReadAll(answer.Body)
				testkit.Must(f.T, err)
				testkit.Must(f.T, answer.Body.Close())
				if answer.StatusCode != http.StatusOK || !strings.Contains(string(body), want) {
					f.Errorf("%s: %s: %.200q", path, answer.Status, body)
				}
			}
			http.DefaultClient.CloseIdleConnections()
			gor.Stop()
		}},
		{"version", notBool, func(f *flagTest) {
			if r := f.ok("--version"); !strings.HasPrefix(r.stdout, "gor ") || strings.Count(r.stdout, "\n") != 1 {
				f.Errorf("it prints %q", r.stdout)
			}
		}},
	}
}

// gzipped wants a file that begins as gzip does, in which profiles are.
func (f *flagTest) gzipped(name string) {
	f.Helper()
	content, err := os.ReadFile(name)
	testkit.Must(f.T, err)
	if !bytes.HasPrefix(content, []byte{0x1f, 0x8b}) {
		f.Errorf("%s begins with % x", name, content[:min(len(content), 10)])
	}
}

// goneFlagRows are flags that are accepted, do nothing, and say so in a line.
func goneFlagRows() (rows []flagRow) {
	for _, name := range []string{
		"input-raw-override-snaplen", "input-raw-monitor", "input-raw-immediate-mode", "output-http-compatibility-mode", "output-http-debug",
		"output-tcp-sticky", "output-ws-sticky", "output-binary-debug", "debug",
	} {
		rows = append(rows, goneFlagRow(name, notBool, nil))
	}
	return append(rows, goneFlagRow("input-raw-timestamp-type", []string{""}, []string{"go"}))
}

func goneFlagRow(name string, wrong, value []string) flagRow {
	return flagRow{name, wrong, func(f *flagTest) {
		run := func(args ...string) flagRun { return f.replay(append(args, "--output-stdout")...) }
		plugin := pluginOfRemoved(name)
		if plugin != nil { // it takes a capture or a server: only what is said is looked at
			f.ends(exitUsage, append([]string{"--input-dummy", "--output-null", "--" + name}, value...)...).says("--" + name + " does nothing without " + plugin[0])
			run = func(args ...string) flagRun {
				return f.ok(slices.Concat([]string{"--input-dummy", "--output-null", "--check"}, plugin, args)...)
			}
		}
		r := run(append([]string{"--" + name}, value...)...)
		r.says("gor: --" + name + " is accepted and no longer needed: ")
		if plugin == nil {
			r.passed("/0", "/1", "/2", "/3")
		}
		if n := strings.Count(r.stderr, "--"+name); n != 1 {
			f.Errorf("--%s is named %d times:\n%s", name, n, r.stderr)
		}
		var plain, with []string
		for line := range strings.Lines(r.stderr) {
			with = append(with, line)
		}
		for line := range strings.Lines(run().stderr) {
			plain = append(plain, line)
		}
		if len(with) != len(plain)+1 {
			f.Errorf("%d lines are said with it, %d without:\n%s", len(with), len(plain), r.stderr)
		}
	}}
}

// pluginOfRemoved is the plugin that such a flag is accepted with; nil: any.
func pluginOfRemoved(name string) []string {
	for _, plugin := range [][]string{
		{"--input-raw", ":80"}, {"--output-http", "staging.com"}, {"--output-tcp", "replay.local:28020"},
		{"--output-ws", "ws://replay.local:28020"}, {"--output-binary", "staging.com:9000"},
	} {
		if strings.HasPrefix("--"+name, plugin[0]+"-") {
			return plugin
		}
	}
	return nil
}
