package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/ledger"
	"github.com/buger/gor/internal/middleware"
	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/plugin/plugintest"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/testkit"
)

// goldenVar makes TestOrderOfWrappers write what it gets in place of comparing.
const goldenVar = "GOR_TEST_WRITE_GOLDEN"

// exchanges are requests that a limit, filters and rewrites treat differently,
// each with a response, and bodies that --prettify-http decodes in both.
func exchanges(t *testing.T, kinds ...byte) (msgs [][]byte) {
	t.Helper()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := z.Write([]byte(strings.Repeat("plain ", 50)))
	testkit.Must(t, err)
	testkit.Must(t, z.Close())
	add := func(kind byte, id int, lines ...string) {
		msg := payload.AppendMeta(nil, payload.Meta{Type: kind, ID: payload.AppendID(nil, 5, uint32(id)), Time: int64(1e18) + int64(id), Duration: 1, Length: -1})
		body := ""
		if id%3 == 0 && len(lines) < 9 {
			lines = append(lines, "Content-Encoding: gzip", fmt.Sprintf("Content-Length: %d", packed.Len()))
			body = packed.String()
		}
		msgs = append(msgs, append(msg, strings.Join(lines, "\r\n")+"\r\n\r\n"+body...))
	}
	for i := range 60 {
		for _, kind := range kinds {
			switch {
			case kind != payload.Request:
				add(kind, i, "HTTP/1.1 200 OK", fmt.Sprintf("Number: %d", i))
			case i%10 == 7:
				add(kind, i, append([]string{"GET /many HTTP/1.1"}, slices.Repeat([]string{"A: b"}, http1.MaxFields+1)...)...)
			default:
				add(kind, i, []string{"GET", "POST", "PUT", "POST"}[i%4]+fmt.Sprintf(" /%d?a=1 HTTP/1.1", i), "Host: h", "X-Env: "+[]string{"a", "b", "c"}[i%3])
			}
		}
	}
	return msgs
}

// keptOutput keeps what it takes, and answers when it is given answers.
type keptOutput struct {
	nullOutput
	mu      sync.Mutex
	msgs    []string
	answers plugin.Input
}

func (k *keptOutput) Responses() plugin.Input { return k.answers }
func (k *keptOutput) Write(p []byte) (int, error) {
	k.mu.Lock()
	k.msgs = append(k.msgs, string(p))
	k.mu.Unlock()
	return k.nullOutput.Write(p)
}

// lateInput gives nothing before start is closed.
type lateInput struct {
	plugintest.ListInput
	start chan struct{}
}

func (l *lateInput) Read(p []byte) (int, error) {
	<-l.start
	return l.ListInput.Read(p)
}

// TestOrderOfWrappers: where a limit, filters, rewrites and --prettify-http
// stand between an input and the outputs decides what each of them counts,
// what it says and what comes out.
func TestOrderOfWrappers(t *testing.T) {
	rules := []string{"--http-disallow-header", "X-Env: c", "--http-allow-method", "GET", "--http-allow-method", "POST",
		"--http-set-header", "X-Env: replay", "--http-set-header", "Content-Encoding: none", "--http-rewrite-url", "/1(.):/one/$1"}
	for name, args := range map[string][]string{
		"plain":               {},
		"prettify":            {"--prettify-http"},
		"rules":               rules,
		"rewrites":            {"--http-set-param", "a=2", "--prettify-http"},
		"rules-prettify":      append([]string{"--prettify-http"}, rules...),
		"rules-live":          append([]string{"--prettify-http"}, rules...),
		"rules-live-tracked":  append([]string{"--prettify-http", "--input-raw-track-response"}, rules...),
		"middleware":          append([]string{"--prettify-http"}, rules...),
		"middleware-prettify": {"--prettify-http"},
	} {
		t.Run(name, func(t *testing.T) {
			input := []string{"--input-dummy", "--output-null", "--verbose", "3"}
			if slices.Contains(args, "--input-raw-track-response") {
				input[0] = "--input-raw=:80" // it is never opened
			}
			s, err := parseArgs(append(args, input...)...)
			testkit.Must(t, err)
			var mu sync.Mutex
			var said []string
			logf := func(format string, args ...any) {
				mu.Lock()
				said = append(said, fmt.Sprintf(format, args...))
				mu.Unlock()
			}
			kept := &keptOutput{}
			answers := &lateInput{plugintest.ListInput{Messages: exchanges(t, payload.ReplayResponse), IsLive: true}, make(chan struct{})}
			answering := &keptOutput{answers: answers}
			limit := pace.Limit{Kind: pace.LimitPercent, N: 70}
			p := &plugins{
				inputs:  []plugin.Input{limitInput(&plugintest.ListInput{Messages: exchanges(t, payload.Request, payload.Response), IsLive: strings.Contains(name, "live")}, limit)},
				outputs: []plugin.Output{limitOutput(kept, limit), answering},
			}
			if strings.HasPrefix(name, "middleware") {
				p.middle = openTestMiddleware(t, s, testEnv(t, &testkit.LockedBuffer{}))
			}
			e := newEmitter(p, s, logf)
			if !e.run() {
				t.Error("the input did not end well")
			}
			if m := p.middle; m != nil {
				testkit.Must(t, m.Feed.Drain(nil))
				close(answers.start)
				e.endAnswers()
				testkit.Must(t, m.Feed.Drain(nil))
				m.CloseStdin()
				e.returning.Wait()
			} else {
				close(answers.start)
				e.endAnswers()
			}
			wantGolden(t, filepath.Join("testdata", "wrappers", name), wrappersReport(t, e, said, kept, answering))
		})
	}
}

func wrappersReport(t *testing.T, e *emitter, said []string, outs ...*keptOutput) []byte {
	t.Helper()
	var b bytes.Buffer
	l := takeLedger(e)
	l.Write(&b, 0, 0)
	vars := l.Vars("test", time.Now())
	vars.Uptime = 0
	text, err := json.MarshalIndent(vars, "", " ")
	testkit.Must(t, err)
	b.Write(append(text, '\n'))
	slices.Sort(said)
	fmt.Fprintf(&b, "said: %s\n", digest(said))
	for _, out := range outs {
		slices.Sort(out.msgs) // inputs run side by side
		fmt.Fprintf(&b, "got: %s\n", digest(out.msgs))
	}
	return b.Bytes()
}

// digest is how many lines there are, and a sum over them.
func digest(lines []string) string {
	return fmt.Sprintf("%d, sha256 %x", len(lines), sha256.Sum256([]byte(strings.Join(lines, "\x00"))))
}

// wantGolden compares got with the file.
func wantGolden(t *testing.T, file string, got []byte) {
	t.Helper()
	if os.Getenv(goldenVar) != "" {
		testkit.Must(t, os.MkdirAll(filepath.Dir(file), 0o755))
		testkit.Must(t, os.WriteFile(file, got, 0o644))
		return
	}
	want, err := os.ReadFile(file)
	testkit.Must(t, err)
	if !bytes.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestCountLimitIsPerSecond(t *testing.T) {
	now := int64(0)
	v := newLimiter(pace.Limit{Kind: pace.LimitCount, N: 3}, "x")
	v.now = func() int64 { return now }
	out := &limitedOutput{&nullOutput{}, v}
	for i, msg := range testMessages(40, 1) {
		now = int64(i) * int64(100*time.Millisecond)
		if _, err := out.Write(msg); err != nil {
			t.Fatal(err)
		}
	}
	rows := ledger.Words(out.Counts())
	if rows != "28 limited, 12 delivered" {
		t.Errorf("four seconds of ten messages at |3: %s", rows)
	}
}

// TestFullOutputCostsNoToken: what finds no room behind the limiter has not
// used the limit up.
func TestFullOutputCostsNoToken(t *testing.T) {
	tight := &tightOutput{}
	out := limitOutput(tight, pace.Limit{Kind: pace.LimitCount, N: 1})
	msg := testMessages(1, 1)[0]
	for range 5 {
		if _, err := out.Write(msg); err != queue.ErrFull {
			t.Fatalf("full output: %v", err)
		}
	}
	tight.room.Store(1)
	if _, err := out.Write(msg); err != nil || tight.delivered.Load() != 1 {
		t.Errorf("with room: %v, %d delivered", err, tight.delivered.Load())
	}
}

func TestLingerFitsIntoTheDrain(t *testing.T) {
	if middleware.LingerFirst >= defaultSettings().DrainTimeout {
		t.Error("the drain is over before the middleware has had its time")
	}
}
