package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/testkit"
)

// A flagRow is what TestFlags knows of one flag: values that must be refused,
// and what the flag does to the real program.
type flagRow struct {
	name   string
	wrong  []string
	effect func(f *flagTest)
}

// flagRowsAtOnce is how many rows are tried at the same time: most of them
// wait for something most of the time. Those that do nothing but wait for what
// comes every few seconds are tried beside them.
const flagRowsAtOnce = 6

func onlyWaits(flag string) bool {
	return slices.Contains([]string{"stats", "input-raw-stats", "input-dummy", "input-file-loop"}, flag)
}

// flagRows is the table, a part for each group of settings.go.
func flagRows() []flagRow {
	return slices.Concat(
		inputFlagRows(), captureFlagRows(), fileReplayFlagRows(), outputFlagRows(), httpOutputFlagRows(),
		linkFlagRows(), fileOutputFlagRows(), middlewareFlagRows(), filterFlagRows(), rewriteFlagRows(),
		generalFlagRows(), goneFlagRows(), newFlagRows(), tlsFlagRows(), kafkaFlagRows(), verdictFlagRows())
}

// flagInHelp is the line of a flag in gor -h all and gor -h obsolete, which
// together show all of them (TestHelpShowsEveryFlag).
var flagInHelp = regexp.MustCompile(`(?m)^  --([a-z0-9-]+)`)

// TestFlags: each flag that the help shows is accepted, does to the program what
// a row here observes, and refuses what it cannot mean, with the value quoted.
// A flag without a row fails by its name.
func TestFlags(t *testing.T) {
	var running sync.WaitGroup
	defer running.Wait()
	room := make(chan struct{}, flagRowsAtOnce)
	rows := map[string]flagRow{}
	for _, row := range flagRows() {
		if _, twice := rows[row.name]; twice {
			t.Errorf("--%s has two rows", row.name)
		}
		rows[row.name] = row
	}
	for _, m := range flagInHelp.FindAllStringSubmatch(newFlagTest(t).ok("-h", "all").stdout+newFlagTest(t).ok("-h", "obsolete").stdout, -1) {
		name := m[1]
		row, ok := rows[name]
		if delete(rows, name); !ok {
			t.Errorf("--%s has no row that says what it does", name)
			continue
		}
		running.Go(func() {
			if !onlyWaits(name) {
				room <- struct{}{}
				defer func() { <-room }()
			}
			t.Run(name, func(t *testing.T) { row.try(&flagTest{t}) })
		})
	}
	for name := range rows {
		t.Errorf("there is a row for --%s, which is not a flag", name)
	}
}

func (row flagRow) try(f *flagTest) {
	if len(row.wrong) == 0 {
		f.Error("no value is known to be wrong")
	}
	for _, value := range row.wrong {
		f.refused(row.name, value)
	}
	row.effect(f)
}

// A flagTest runs Gor for one row.
type flagTest struct{ *testing.T }

func newFlagTest(t *testing.T) *flagTest { return &flagTest{t} }

// A flagRun is one run of Gor that has ended.
type flagRun struct {
	f              *flagTest
	args           []string
	code           int
	stdout, stderr string
}

// gor runs Gor to its end.
func (f *flagTest) gor(args ...string) flagRun {
	f.Helper()
	var stdout bytes.Buffer
	p := testkit.SpawnTo(f.T, &stdout, args...)
	code := p.Wait()
	return flagRun{f, args, code, stdout.String(), p.Stderr()}
}

// ok runs Gor and wants it to end well.
func (f *flagTest) ok(args ...string) flagRun {
	f.Helper()
	return f.ends(exitOK, args...)
}

// ends runs Gor and wants that exit code.
func (f *flagTest) ends(code int, args ...string) flagRun {
	f.Helper()
	r := f.gor(args...)
	if r.code != code {
		f.Fatalf("gor %q: exit %d, want %d:\n%s", args, r.code, code, r.stderr)
	}
	return r
}

// refused wants one value of a flag to be a usage error that quotes it.
func (f *flagTest) refused(name, value string) {
	f.Helper()
	r := f.gor("--input-dummy", "--output-null", "--exit-after", "1ms", "--"+name+"="+value)
	quoted := strings.Contains(r.stderr, fmt.Sprintf("%q", value)) || strings.Contains(r.stderr, fmt.Sprintf("--%s %s: ", name, value))
	if r.code != exitUsage || !quoted || !strings.Contains(r.stderr, "--"+name) {
		f.Errorf("--%s=%s: exit %d, want %d and the flag and the value in the error:\n%s", name, value, r.code, exitUsage, r.stderr)
	}
}

// says wants all of texts on stderr.
func (r flagRun) says(texts ...string) flagRun {
	r.f.Helper()
	for _, text := range texts {
		if !strings.Contains(r.stderr, text) {
			r.f.Errorf("gor %q does not say %q:\n%s", r.args, text, r.stderr)
		}
	}
	return r
}

// untilSays runs Gor until it says text, at most twenty times. A server that closes a
// connection with more to read resets it, and the reset may overtake what the server
// wrote last.
func (f *flagTest) untilSays(text string, run func() flagRun) (r flagRun) {
	f.Helper()
	for tries := 0; tries < 20 && !strings.Contains(r.stderr, text); tries++ {
		r = run()
	}
	return r
}

// saysNot wants text not to be on stderr.
func (r flagRun) saysNot(text string) flagRun {
	r.f.Helper()
	if strings.Contains(r.stderr, text) {
		r.f.Errorf("gor %q says %q:\n%s", r.args, text, r.stderr)
	}
	return r
}

// records returns the messages that stdout holds, and their headers.
func (r flagRun) records() (bodies [][]byte, metas []payload.Meta) {
	r.f.Helper()
	src, err := payload.Open(strings.NewReader(r.stdout), "", testkit.MessageLimit)
	testkit.Must(r.f.T, err)
	for {
		msg, err := src.Next()
		if errors.Is(err, io.EOF) {
			return bodies, metas
		}
		testkit.Must(r.f.T, err)
		meta, body, err := payload.Split(msg)
		testkit.Must(r.f.T, err)
		meta.ID, meta.Attributes = bytes.Clone(meta.ID), bytes.Clone(meta.Attributes)
		bodies, metas = append(bodies, bytes.Clone(body)), append(metas, meta)
	}
}

// kinds are the types of the records on stdout, in their order.
func (r flagRun) kinds() string {
	r.f.Helper()
	var kinds []byte
	_, metas := r.records()
	for _, meta := range metas {
		kinds = append(kinds, meta.Type)
	}
	return string(kinds)
}

// passed wants the requests on stdout to have these targets, in that order.
func (r flagRun) passed(targets ...string) {
	r.f.Helper()
	bodies, metas := r.records()
	var got []string
	for i, body := range bodies {
		if metas[i].Type == payload.Request {
			got = append(got, uriOf(r.f, body))
		}
	}
	if !slices.Equal(got, targets) {
		r.f.Errorf("gor %q passed %q, want %q:\n%s", r.args, got, targets, r.stderr)
	}
}

func uriOf(f *flagTest, raw []byte) string {
	f.Helper()
	var r http1.Request
	testkit.Must(f.T, r.Parse(raw))
	return string(r.Target())
}

// get is a request for target with these header lines.
func get(target string, headers ...string) []byte {
	return []byte("GET " + target + " HTTP/1.1\r\nHost: prod\r\n" + strings.Join(append(headers, "", ""), "\r\n"))
}

// gets are n requests, for /0 and so on; ten are one connection.
func gets(n int) (requests [][]byte) {
	for i := range n {
		requests = append(requests, get(fmt.Sprintf("/%d", i)))
	}
	return requests
}

// recording writes a recording of requests, gap apart.
func (f *flagTest) recording(gap time.Duration, requests ...[]byte) string {
	f.Helper()
	times := make([]time.Duration, len(requests))
	for i := range times {
		times[i] = time.Duration(i) * gap
	}
	return f.recordingAt(requests, times)
}

func (f *flagTest) recordingAt(requests [][]byte, times []time.Duration) string {
	f.Helper()
	return testkit.WriteFile(f.T, filepath.Join(f.TempDir(), "in.gor"), testkit.Recording(requests, times))
}

// replay runs Gor on a recording of four requests, without waiting.
func (f *flagTest) replay(args ...string) flagRun {
	f.Helper()
	return f.replayEnds(exitOK, args...)
}

// replayEnds is the same with that exit code.
func (f *flagTest) replayEnds(code int, args ...string) flagRun {
	f.Helper()
	return f.ends(code, append([]string{"--input-file", f.recording(0, gets(4)...) + "|max"}, args...)...)
}
