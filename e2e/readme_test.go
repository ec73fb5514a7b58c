package e2e

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/testkit"
)

// readmeCommands returns the gor commands in the bash blocks of the README and
// of every page in docs/, lines joined and without sudo, each once.
func readmeCommands(t *testing.T) []string {
	t.Helper()
	pages, err := filepath.Glob("../docs/*.md")
	testkit.Must(t, err)
	var commands []string
	for _, page := range append(pages, "../README.md") {
		text, err := os.ReadFile(page)
		testkit.Must(t, err)
		in := false
		for line := range strings.Lines(strings.ReplaceAll(string(text), "\\\n", " ")) {
			line = strings.TrimSpace(line)
			switch {
			case line == "```bash":
				in = true
			case strings.HasPrefix(line, "```"):
				in = false
			case in && line != "" && !strings.HasPrefix(line, "#"):
				command := strings.Join(strings.Fields(strings.TrimPrefix(line, "sudo ")), " ")
				if !slices.Contains(commands, command) {
					commands = append(commands, command)
				}
			}
		}
	}
	return commands
}

// readmeRequests is the traffic that every example is given; the examples'
// filters tell them apart.
func readmeRequests() [][]byte {
	var requests [][]byte
	for i := range 12 {
		method := []string{"GET", "POST", "OPTIONS"}[i%3]
		host := []string{"www.example.com", "api.example.com"}[i%2]
		body, length := "", ""
		if method == "POST" {
			body, length = "body", "Content-Length: 4\r\n"
		}
		requests = append(requests, fmt.Appendf(nil, "%s /%d HTTP/1.1\r\nHost: %s\r\nX-Number: %d\r\nuser-agent: test\r\nuser-id: %d\r\napi-version: 1.%02d\r\n%s\r\n%s",
			method, i, host, i, i, i, length, body))
	}
	return requests
}

func all(http1.Request) bool { return true }

func isGET(r http1.Request) bool { return string(r.Method()) == "GET" }

func headerIs(r http1.Request, name, value string) bool {
	got, ok := r.Header(name)
	return ok && string(got) == value
}

// readmeExamples says what each example of the README and of docs/ does: which
// requests pass, and what is true of them at the target. A command that has no
// row here fails the test.
var readmeExamples = map[string]struct {
	pass  func(http1.Request) bool // nil: a rate limit decides, the sums are checked
	there func(http1.Request) bool // true of each request at the target, nil: nothing more
}{
	`gor --input-raw :80 --output-tcp replay.local:28020`:                                                                    {pass: all},
	`gor --input-raw :80 --output-tcp replay.local:28020 --output-tcp-spill ./spill`:                                         {pass: all},
	`gor --input-tcp :28020 --output-http http://staging.com`:                                                                {pass: all},
	`gor --input-tcp replay.local:28020 --output-http http://staging.com`:                                                    {pass: all},
	`gor --input-raw :80 --output-http "http://staging.com"`:                                                                 {pass: all},
	`gor --input-file requests.gor --output-http http://staging.com --http-allow-method GET`:                                 {pass: isGET},
	`gor --input-tcp :28020 --output-http http://staging.com --http-allow-method GET`:                                        {pass: isGET},
	`gor --input-raw :80 --output-file requests.gor`:                                                                         {pass: all},
	`gor --input-file requests.gor --output-http "http://staging.com"`:                                                       {pass: all},
	`gor --input-file "requests.gor|200%" --output-http http://staging.com`:                                                  {pass: all},
	`gor --input-file "requests.gor|50%" --output-http http://staging.com`:                                                   {pass: all},
	`gor --input-file "requests.gor|max" --output-http http://staging.com`:                                                   {pass: all},
	`gor --input-raw :80 --input-raw-bpf-filter "src net 127.0.0.0/8 and not src host 127.0.0.7" --output-file requests.gor`: {pass: all},
	`gor --input-file requests.gor --input-file-rate 500 --output-http http://staging.com`:                                   {pass: all},
	`gor --input-file requests.gor --output-http http://staging.com --recognize-tcp-sessions`:                                {pass: all},
	`gor --input-file requests.gor --output-http http://staging.com --output-http-track-response --output-file answered.gor`: {pass: all},
	`gor --input-file "requests.gor|200%" --input-file-dry-run`:                                                              {pass: all},
	`gor --input-raw eth0:80 --input-raw-tunnels --output-file requests.gor`:                                                 {pass: all},
	`gor --input-raw :80 --input-raw-engine vxlan --input-raw-vxlan-vni 7 --output-file requests.gor`:                        {pass: all},
	`gor --input-raw traffic.pcap:80 --output-file requests.gor`:                                                             {pass: all},
	`gor --input-tcp :28020 --middleware "grep --line-buffered -v 2f61646d696e" --output-http http://staging.com`:            {pass: all},
	`gor --input-raw :9000 --input-raw-protocol binary --output-binary staging.com:9000`:                                     {pass: all},
	`gor --input-http 127.0.0.1:28021 --output-http http://staging.com`:                                                      {pass: all},
	`gor --input-tcp :28020 --output-http "http://staging.com|10"`:                                                           {},
	`gor --input-raw :80 --output-tcp "replay.local:28020|10%"`:                                                              {},
	`gor --input-raw :80 --input-raw-track-response --prettify-http --output-stdout`:                                         {pass: all},
	`gor --input-raw :80 --input-raw-ignore-interface cbr0 --input-raw-realip-header X-Real-IP --output-http http://staging.com`: {
		pass: all, there: func(r http1.Request) bool { return headerIs(r, "X-Real-IP", "127.0.0.1") }},
	`gor --input-raw :80 --output-stdout`:                                                                          {pass: all},
	`gor --input-tcp :28020 --output-http "http://staging.com" --output-http "http://dev.com"`:                     {pass: all},
	`gor --input-tcp :28020 --output-http "http://staging.com" --output-http "http://dev.com" --split-output true`: {pass: all},
	`gor --input-raw :8080 --output-http staging.com --output-http-url-regexp ^www.`: {
		pass: func(r http1.Request) bool { return headerIs(r, "Host", "www.example.com") }},
	`gor --input-raw :8080 --output-http staging.com --output-http-header-filter "api-version:^1\.0\d"`: {
		pass: func(r http1.Request) bool { v, _ := r.Header("api-version"); return string(v) < "1.10" }}, // of 1.00 to 1.11
	`gor --input-raw :8080 --output-http staging.com --output-http-header-hash-filter user-id:1/32`: {
		pass: func(r http1.Request) bool { id, _ := r.Header("user-id"); return fnv1a(id) < 1<<27 }},
	`gor --input-raw :80 --output-http "http://staging.server" --output-http-method GET --output-http-method OPTIONS`: {
		pass: func(r http1.Request) bool { return string(r.Method()) != "POST" }},
	`gor --input-raw :80 --output-http "http://staging.server" --output-http-header "User-Agent: Replayed by Gor" --output-http-header "Enable-Feature-X: true"`: {
		pass: all, there: func(r http1.Request) bool {
			return headerIs(r, "User-Agent", "Replayed by Gor") && headerIs(r, "Enable-Feature-X", "true")
		}},
	`gor --input-raw :80 --output-http "http://user:pass@staging.com"`: {
		pass: all, there: func(r http1.Request) bool { return headerIs(r, "Authorization", "Basic dXNlcjpwYXNz") }},
}

// fnv1a is the hash as its authors give it, written again to check ours.
func fnv1a(b []byte) (h uint32) {
	h = 0x811c9dc5
	for _, c := range b {
		h = (h ^ uint32(c)) * 0x01000193
	}
	return h
}

// TestREADMEExamples runs every example of the README and of docs/ with the real
// program, and its addresses put on loopback.
func TestREADMEExamples(t *testing.T) {
	commands := readmeCommands(t)
	commands = slices.DeleteFunc(commands, func(command string) bool {
		return strings.Contains(command, "--config") || strings.Contains(command, "-tcp-secure") ||
			strings.Contains(command, "verdict") || strings.Contains(command, "production.gor") || strings.Contains(command, "#candidate")
	}) // TestREADMEConfiguration, TestTLSExample, TestVerdictExamples
	if len(commands) < len(readmeExamples) {
		t.Errorf("the README and docs/ have %d examples, the test %d", len(commands), len(readmeExamples))
	}
	for _, command := range commands {
		t.Run(command, func(t *testing.T) {
			example, known := readmeExamples[command]
			if !known {
				t.Fatal("no row in readmeExamples says what this example does")
			}
			w := newReadmeWorld(t)
			args := w.place(t, testkit.SplitCommand(t, command)[1:])
			if strings.Contains(command, "--input-raw") && w.mirror == "" && w.capture == "" {
				testkit.NeedCapture(t)
			}
			said, got := w.run(t, args)
			if slices.Contains(args, "--input-file-dry-run") {
				return // it has sent nothing, and run wants it to end well
			}
			testkit.WantSums(t, said)
			if example.pass == nil {
				if !strings.Contains(said, "limited") {
					t.Errorf("nothing is said of the limit:\n%s", said)
				}
				return
			}
			var want []int
			for i, raw := range w.requests {
				if example.pass(parsed(t, raw)) {
					want = append(want, i)
				}
			}
			// With several outputs each gets everything, or together they do.
			for _, numbers := range got {
				slices.Sort(numbers)
				if !slices.Equal(numbers, want) {
					t.Errorf("requests %v, want %v\n%s", numbers, want, said)
				}
			}
			if example.there != nil {
				for _, a := range w.staging.Arrivals() {
					if !example.there(parsed(t, a.Raw)) {
						t.Errorf("at the target: %q", a.Raw)
					}
				}
			}
		})
	}
}

// TestREADMEConfiguration runs the file that docs/configuration.md shows.
func TestREADMEConfiguration(t *testing.T) {
	page, err := os.ReadFile("../docs/configuration.md")
	testkit.Must(t, err)
	_, rest, _ := strings.Cut(string(page), "```toml\n")
	text, _, found := strings.Cut(rest, "```")
	if !found || !strings.Contains(string(page), "gor --config gor.toml --check\n") {
		t.Fatal("docs/configuration.md shows no configuration, or not how to check it")
	}
	w := newReadmeWorld(t)
	file := testkit.WriteFile(t, filepath.Join(t.TempDir(), "gor.toml"), []byte(w.names().Replace(text)))
	if code, said := testkit.RunGor(t, "--config", file, "--check"); code != exitOK || !strings.Contains(said, "the settings are right") {
		t.Errorf("exit %d: %s", code, said)
	}
	_, _ = w.run(t, []string{"--config", file, "--input-tcp", w.link})
	var got, want []int
	for _, a := range w.staging.Arrivals() {
		got = append(got, testkit.Number(t, a.Raw))
	}
	for i, raw := range w.requests {
		if r := parsed(t, raw); string(r.Method()) == "GET" {
			want = append(want, i)
		}
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("staging has %v, want %v", got, want)
	}
	if n := len(w.dev.Arrivals()); n > len(want) {
		t.Errorf("dev has %d", n)
	}
}

func parsed(t *testing.T, raw []byte) (r http1.Request) {
	t.Helper()
	testkit.Must(t, r.Parse(raw))
	return r
}

// readmeWorld is what the examples' names stand for.
type readmeWorld struct {
	production, staging, dev *testkit.Sink
	link, file               string
	mirror                   string // where the end of a VXLAN tunnel is
	capture                  string // a capture file
	requests                 [][]byte
}

func newReadmeWorld(t *testing.T) *readmeWorld {
	return &readmeWorld{
		production: testkit.StartSink(t), staging: testkit.StartSink(t), dev: testkit.StartSink(t),
		link: testkit.FreePort(t), file: filepath.Join(t.TempDir(), "requests.gor"),
		requests: readmeRequests(),
	}
}

// names puts the examples' names on loopback.
func (w *readmeWorld) names() *strings.Replacer {
	return strings.NewReplacer(
		"127.0.0.1:28021", w.link, "replay.local:28020", w.link, ":28020", w.link,
		"staging.com:9000", w.staging.Addr(), "staging.com", w.staging.Addr(), "staging.server", w.staging.Addr(), "dev.com", w.dev.Addr(),
		"requests.gor", w.file, "answered.gor", w.file+".answered", "./spill", w.file+".spill")
}

func (w *readmeWorld) place(t *testing.T, args []string) []string {
	names := w.names()
	placed := slices.Clone(args)
	for i := range placed {
		switch {
		case i == 0 || placed[i-1] != "--input-raw":
			placed[i] = names.Replace(placed[i])
		case strings.Contains(placed[i], ".pcap"):
			w.capture = testkit.WriteFile(t, filepath.Join(t.TempDir(), "traffic.pcap"), testkit.CaptureFile(t, testkit.TCPFrames(t, w.requests)))
			placed[i] = w.capture + ":80"
		case slices.Contains(args, "vxlan"):
			w.mirror = fmt.Sprintf("127.0.0.1:%d", testkit.FreeUDPPort(t))
		default:
			placed[i] = w.production.Addr()
		}
	}
	if w.mirror != "" {
		placed = append(placed, "--input-raw-vxlan-port", testkit.PortOf(t, w.mirror))
	}
	return placed
}

// run runs the example to its end. got is the numbers of the requests at each
// of its outputs, or together when they share the traffic.
func (w *readmeWorld) run(t *testing.T, args []string) (said string, got [][]int) {
	t.Helper()
	has := func(flag string) bool { return slices.Contains(args, flag) }
	feed := testkit.WriteFile(t, filepath.Join(t.TempDir(), "feed.gor"), testkit.Recording(w.requests, make([]time.Duration, len(w.requests))))
	if has("--input-file") || w.capture != "" {
		if w.capture == "" {
			testkit.WriteFile(t, w.file, testkit.Recording(w.requests, make([]time.Duration, len(w.requests))))
		}
		code, said := testkit.RunGor(t, args...)
		if code != 0 {
			t.Fatalf("exit %d:\n%s", code, said)
		}
		return said, w.outputs(t, args, nil)
	}
	received := filepath.Join(t.TempDir(), "received.gor")
	var receiver *testkit.Process
	if has("--output-tcp") {
		receiver = testkit.StartGor(t, "--input-tcp", w.link, "--output-file", received)
	}
	var stdout bytes.Buffer
	gor := w.start(t, args, &stdout)
	switch {
	case w.mirror != "":
		sendVXLAN(t, w.mirror, 7, testkit.TCPFrames(t, w.requests))
	case has("--input-tcp"):
		if code, said := testkit.RunGor(t, "--input-file", feed+"|max", "--output-tcp", w.link); code != 0 {
			t.Fatalf("feeder: exit %d:\n%s", code, said)
		}
	case has("--input-http"):
		testkit.Must(t, testkit.SendAll(w.link, w.requests))
	default:
		testkit.Must(t, testkit.SendAll(w.production.Addr(), w.requests))
	}
	gor.Stop()
	if receiver != nil {
		receiver.Stop()
		list, _ := testkit.ReadRecording(t, received, payload.Request)
		return gor.Stderr(), [][]int{numbers(t, list)}
	}
	return gor.Stderr(), w.outputs(t, args, stdout.Bytes())
}

func (w *readmeWorld) start(t *testing.T, args []string, stdout *bytes.Buffer) *testkit.Process {
	p := testkit.SpawnTo(t, stdout, args...)
	p.Await("gor: to ")
	return p
}

func (w *readmeWorld) outputs(t *testing.T, args []string, stdout []byte) [][]int {
	var got [][]int
	shared := map[int]bool{}
	add := func(list [][]byte) {
		n := numbers(t, list)
		got = append(got, n)
		for _, i := range n {
			shared[i] = true
		}
	}
	for i, arg := range args {
		switch {
		case arg == "--output-file":
			list, _ := testkit.ReadRecording(t, args[i+1], payload.Request)
			add(list)
		case arg == "--output-stdout":
			list, _ := testkit.ReadRecording(t, testkit.WriteFile(t, filepath.Join(t.TempDir(), "stdout.gor"), stdout), payload.Request)
			add(list)
		case arg == "--output-binary" || arg == "--output-http" && strings.Contains(args[i+1], w.staging.Addr()):
			add(testkit.Raws(w.staging.Arrivals()))
		case arg == "--output-http":
			add(testkit.Raws(w.dev.Arrivals()))
		}
	}
	if slices.Contains(args, "--split-output") {
		for _, n := range got {
			if len(n) != len(w.requests)/len(got) {
				t.Errorf("an output's share is %d of %d", len(n), len(w.requests))
			}
		}
		return [][]int{slices.Collect(maps.Keys(shared))}
	}
	return got
}

func numbers(t *testing.T, list [][]byte) []int {
	out := make([]int, len(list))
	for i, raw := range list {
		out[i] = testkit.Number(t, raw)
	}
	return out
}
