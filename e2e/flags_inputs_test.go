package e2e

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/buger/gor/internal/testkit"
)

// notBool is what no switch takes.
var notBool = []string{"maybe", ""}

func inputFlagRows() []flagRow {
	return []flagRow{
		{"input-raw", []string{"", ":99999", "nope:80:80", ":80|x", ":80|0"}, func(f *flagTest) {
			file := f.pcap(newTalk(f, 80).ask("/0").ask("/1"))
			f.ok("--input-raw", file+":80", "--output-stdout").passed("/0", "/1")
			f.ends(exitFailed, "--input-raw", file+":81", "--output-stdout").passed()
		}},
		{"input-tcp", []string{"", "28020", "localhost", ":port", ":28020|x"}, func(f *flagTest) {
			_, received := f.link(nil, nil)
			received.passed("/0", "/1", "/2", "/3")
		}},
		{"input-file", []string{"", "in.gor|x", "in.gor|0%"}, func(f *flagTest) {
			f.ok("--input-file", f.recording(time.Millisecond, gets(3)...), "--output-stdout").passed("/0", "/1", "/2")
		}},
		{"input-dummy", []string{"|x", "|101%"}, func(f *flagTest) {
			server := testkit.StartSink(f.T)
			gor := testkit.StartGor(f.T, "--input-dummy", "", "--output-http", server.Addr())
			raw := server.Await(f.T, 1)[0].Raw
			gor.Stop()
			if !bytes.HasPrefix(raw, []byte("GET / HTTP/1.1\r\n")) {
				f.Errorf("it made %q", raw)
			}
		}},
	}
}

func fileReplayFlagRows() []flagRow {
	return []flagRow{
		{"input-file-loop", notBool, func(f *flagTest) {
			server := testkit.StartSink(f.T)
			gor := testkit.StartGor(f.T, "--input-file", f.recording(0, gets(1)...), "--input-file-loop", "--output-http", server.Addr())
			server.Await(f.T, 3)
			gor.Stop()
		}},
		{"input-file-max-wait", []string{"5", "-1s"}, func(f *flagTest) {
			file := f.recording(10*time.Minute, gets(3)...)
			f.ok("--input-file", file, "--input-file-max-wait", "1ms", "--output-stdout").passed("/0", "/1", "/2")
			f.dryRun("takes 20m0s", "--input-file", file)
			f.dryRun("takes 2s, 2 pauses shortened by 19m58s", "--input-file", file, "--input-file-max-wait", "1s")
		}},
		{"input-file-read-depth", []string{"0", "-1", "many", "1000001"}, func(f *flagTest) {
			ms := time.Millisecond
			file := f.recordingAt(gets(4), []time.Duration{1 * ms, 2 * ms, 3 * ms, 0})
			f.ok("--input-file", file, "--output-stdout").passed("/3", "/0", "/1", "/2")
			f.ok("--input-file", file, "--output-stdout", "--input-file-read-depth", "1").passed("/0", "/1", "/2", "/3")
		}},
		{"input-file-catchup", []string{"fast", "-1", "-1%", "1000001"}, func(f *flagTest) {
			// The first answer comes when all of the recording is due.
			const n, gap = 20, 15 * time.Millisecond
			span := n * gap
			file := f.recording(gap, gets(n)...)
			backlog := func(args ...string) time.Duration {
				server, err := testkit.NewSink("tcp", "127.0.0.1:0")
				testkit.Must(f.T, err)
				server.Each = func(testkit.Arrival) {
					if len(server.Got) == 1 {
						time.Sleep(span) // it is what such a target does
					}
				}
				server.Start(f.T)
				f.ok(append(args, "--input-file", file, "--output-http", server.Addr(), "--output-http-workers", "1", "--output-http-queue-len", "1", "--on-full", "wait")...)
				got := server.Arrivals()
				if len(got) != n {
					f.Fatalf("%d requests arrived, want %d", len(got), n)
				}
				return got[n-1].At.Sub(got[0].At) - span // from the first answer on
			}
			capped, atOnce := backlog("--input-file-catchup", "110%"), backlog()
			for tries := 1; atOnce > capped*8/10 && tries < 5; tries++ { // on a busy machine at once is not soon
				atOnce = min(atOnce, backlog())
			}
			if capped < span/2 || atOnce > capped*8/10 {
				f.Errorf("a backlog of %s went out in %s at 110%% of its pace, and in %s at once", span, capped, atOnce)
			}
		}},
		{"input-file-rate", []string{"-1", "1.5", "fast"}, func(f *flagTest) {
			server, began := testkit.StartSink(f.T), time.Now()
			f.ok("--input-file", f.recording(0, gets(11)...), "--input-file-rate", "25", "--output-http", server.Addr())
			if took := server.Await(f.T, 11)[10].At.Sub(began); took < 400*time.Millisecond {
				f.Errorf("11 requests at 25 a second took %s", took)
			}
		}},
		{"log-line-format", []string{"", "nonsense", "$remote_addr", "%h %{x"}, func(f *flagTest) {
			f.ok("--input-file", f.accessLog(`7 1760104536.250 GET /a`), "--log-line-format", "$status $msec $request_method $request_uri", "--output-null")
			if r := f.gor("--input-file", f.accessLog(`7 1760104536.250 GET /a`), "--log-line-format", "common", "--output-null"); r.code == 0 {
				f.Errorf("a log of another format passes: %s", r.stderr)
			}
		}},
		{"log-host", []string{"", "a b"}, func(f *flagTest) {
			f.logged("GET /a HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: x\r\n\r\n", "GET", "--log-host", "www.example.com")
		}},
		{"log-timezone", []string{"", "Nowhere/Land", "2"}, func(f *flagTest) {
			log := f.accessLog(`2025-10-10 13:55:36 GET /a`)
			f.dryRun("recorded: "+time.Unix(1760104536-2*3600, 0).Format("2006-01-02 15:04:05"), "--input-file", log, "--log-line-format", "%{%F %T}t %m %U", "--log-timezone", "+02:00")
		}},
		{"log-empty-bodies", notBool, func(f *flagTest) {
			f.logged("POST /a HTTP/1.1\r\nUser-Agent: x\r\nContent-Length: 0\r\n\r\n", "POST", "--log-empty-bodies")
		}},
		{"input-file-dry-run", notBool, func(f *flagTest) {
			server := testkit.StartSink(f.T)
			f.dryRun("records: 3 requests,", "--input-file", f.recording(time.Hour, gets(3)...)+"|200%", "--output-http", server.Addr()).
				contains("over 2h0m0s", "replay: takes 1h0m0s")
			if n := len(server.Arrivals()); n > 0 {
				f.Errorf("%d requests were sent", n)
			}
			recorded := time.Unix(1_700_000_000, 0) // as far as the zone goes
			file := f.recording(time.Hour, get("/0"), get("/1"), []byte("POST http://c/1 HTTP/1.1\r\nContent-Length: 0\r\n\r\n"))
			f.dryRun("  methods: GET 2, POST 1\n", "--input-file", file).
				contains("  hosts: prod 2, c 1\n", recorded.Format(" -07:00 to "), recorded.Format(" -07:00")+", over 2h0m0s\n")
			f.dryRun("  after the filters: 2 requests, 0 responses,", "--input-file", file, "--http-allow-url", "/1$", "--http-set-header", "Host: d").
				contains("  records: 3 requests,", "  methods: GET 1, POST 1\n", "  hosts: c 1, d 1\n", "  their times: ", "  recorded: ")
		}},
	}
}

// accessLog writes a log.
func (f *flagTest) accessLog(line string) string {
	return testkit.WriteFile(f.T, filepath.Join(f.TempDir(), "access.log"), []byte(line+"\n"))
}

// logged replays a line of a log and wants that request of it in a recording.
func (f *flagTest) logged(want, method string, args ...string) {
	f.Helper()
	log := f.accessLog(`1.1.1.1 - - [10/Oct/2025:13:55:36 +0000] "` + method + ` /a HTTP/1.1" 200 1 "-" "x"`)
	out := filepath.Join(f.TempDir(), "out.gor")
	f.ok(append(args, "--input-file", log, "--output-file", out)...)
	got, err := os.ReadFile(out)
	testkit.Must(f.T, err)
	if !strings.Contains(string(got), " o=log\n"+want+"\n") {
		f.Errorf("recorded %q, want %q", got, want)
	}
}

// dryRun runs Gor with --input-file-dry-run and wants text on stdout.
func (f *flagTest) dryRun(text string, args ...string) flagRun {
	f.Helper()
	r := f.ok(append(args, "--input-file-dry-run")...)
	r.contains(text)
	return r
}

// contains wants all of texts on stdout.
func (r flagRun) contains(texts ...string) {
	r.f.Helper()
	for _, text := range texts {
		if !strings.Contains(r.stdout, text) {
			r.f.Errorf("gor %q prints no %q:\n%s", r.args, text, r.stdout)
		}
	}
}

func outputFlagRows() []flagRow {
	return []flagRow{
		{"output-http", []string{"", "gopher://x", "http://", "staging.com|x"}, func(f *flagTest) {
			server := testkit.StartSink(f.T)
			f.replay("--output-http", "http://user:pass@"+server.Addr()+"/v2")
			for _, a := range server.Await(f.T, 4) {
				if path := uriOf(f, a.Raw); !strings.HasPrefix(path, "/v2/") || !bytes.Contains(a.Raw, []byte("\r\nAuthorization: Basic dXNlcjpwYXNz\r\n")) {
					f.Errorf("at the target: %q", a.Raw)
				}
			}
		}},
		{"output-tcp", []string{"", "28020", ":28020", "host:port", "host:28020|x"}, func(f *flagTest) {
			web := strings.TrimPrefix(serve(f.T, func(http.ResponseWriter, *http.Request) {}), "http://")
			for _, plain := range []string{"auto", "always"} {
				f.untilSays("this is no Gor", func() flagRun {
					return f.gor("--input-file", f.recording(0, gets(4)...)+"|max", "--output-tcp", web, "--output-tcp-plain", plain, "--drain-timeout", "500ms")
				}).says("this is no Gor but an HTTP server: it answers \"HTTP/1.1 400 Bad Request\"", "with --output-http http://"+web)
			}
			sent, received := f.link(nil, nil)
			sent.says("4 delivered")
			received.passed("/0", "/1", "/2", "/3")
		}},
		{"output-file", []string{"", "x.gor|x"}, func(f *flagTest) {
			name := filepath.Join(f.TempDir(), "a", "x.gor")
			for range 2 { // the second run appends
				f.replay("--output-file", name)
			}
			got, _ := testkit.ReadRecording(f.T, name, '1')
			testkit.WantSame(f.T, got, append(gets(4), gets(4)...))
		}},
		{"output-dummy", []string{"|x"}, func(f *flagTest) {
			f.replay("--output-dummy", "").passed("/0", "/1", "/2", "/3")
		}},
		{"output-stdout", []string{"|x"}, func(f *flagTest) {
			f.replay("--output-stdout").passed("/0", "/1", "/2", "/3")
		}},
		{"output-null", []string{"|x"}, func(f *flagTest) {
			f.replay("--output-null").says("4 offered = 0 shed + 4 delivered").passed()
		}},
		{"split-output", notBool, func(f *flagTest) {
			for _, test := range []struct{ split, a, b string }{{"true", "/0 /2", "/1 /3"}, {"false", "/0 /1 /2 /3", "/0 /1 /2 /3"}} {
				dir := f.TempDir()
				a, b := filepath.Join(dir, "a.gor"), filepath.Join(dir, "b.gor")
				f.replay("--output-file", a, "--output-file", b, "--split-output", test.split)
				if gotA, gotB := f.targets(a), f.targets(b); gotA != test.a || gotB != test.b {
					f.Errorf("split %s: %q and %q, want %q and %q", test.split, gotA, gotB, test.a, test.b)
				}
			}
			f.replay("--output-null", "--split-output").says("--split-output does nothing with a single output")
		}},
		{"recognize-tcp-sessions", notBool, func(f *flagTest) {
			file := f.recording(0, gets(20)...) // two connections of ten
			sent := func(args ...string) map[int]string {
				server := testkit.StartSink(f.T)
				f.ok(append(args, "--input-file", file+"|max", "--output-http", server.Addr())...)
				byConn := map[int]string{}
				for _, a := range server.Await(f.T, 20) {
					byConn[a.Conn] += uriOf(f, a.Raw)
				}
				return byConn
			}
			first, second := "/0/1/2/3/4/5/6/7/8/9", "/10/11/12/13/14/15/16/17/18/19"
			if got := sent("--output-http-workers", "1"); got[1] != first+second {
				f.Errorf("one worker's connections: %v", got)
			}
			if got := sent("--recognize-tcp-sessions"); len(got) != 2 || got[1]+got[2] != first+second && got[2]+got[1] != first+second {
				f.Errorf("two recorded connections became %v", got)
			}
		}},
		{"on-full", []string{"", "block"}, func(f *flagTest) {
			// The target answers nothing: one request is with the worker, one
			// waits, and there is no room for others.
			f.crowdedOut(3, gets(5), "--on-full", "shed", "--output-http-queue-len", "1")
			f.ends(exitFailed, "--input-file", f.recording(20*time.Millisecond, gets(5)...), "--output-http", testkit.StartMute(f.T).Addr(), "--on-full", "wait",
				"--output-http-workers", "1", "--output-http-queue-len", "1", "--output-http-timeout", "150ms").says(" 0 shed + 0 delivered")
		}},
	}
}

// targets lists the requests of a recording.
func (f *flagTest) targets(name string) string {
	f.Helper()
	var list []string
	got, _ := testkit.ReadRecording(f.T, name, '1')
	for _, raw := range got {
		list = append(list, uriOf(f, raw))
	}
	return strings.Join(list, " ")
}
