package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/testkit"
)

func TestMiddlewarePassesEveryByte(t *testing.T) {
	in, msgs := testkit.MixedRecording(t, 500)
	out := filepath.Join(t.TempDir(), "out.gor")
	code, said := testkit.RunGor(t, "--input-file", in+"|max", "--middleware", "cat", "--output-file", out)
	if code != exitOK {
		t.Fatalf("exit %d: %s", code, said)
	}
	testkit.WantSums(t, said)
	want, err := os.ReadFile(in)
	testkit.Must(t, err)
	got, err := os.ReadFile(out)
	testkit.Must(t, err)
	if !bytes.Equal(got, want) {
		t.Errorf("%d bytes became %d others, of %d messages", len(want), len(got), len(msgs))
	}
}

// What a middleware drops is dropped, and what it changes is what filters and
// rewrites see.
func TestMiddlewareBeforeTheModifier(t *testing.T) {
	in, _ := testkit.MixedRecording(t, 100)
	out := filepath.Join(t.TempDir(), "out.gor")
	// In hex, " /1" is 202f31. Requests to /1... become /z..., others stay.
	code, said := testkit.RunGor(t, "--input-file", in+"|max", "--middleware", "sed -u 's,202f31,202f7a,'",
		"--http-allow-url", "^/z", "--http-set-header", "Seen: yes", "--output-file", out)
	if code != exitOK {
		t.Fatalf("exit %d: %s", code, said)
	}
	testkit.WantSums(t, said)
	requests, _ := testkit.ReadRecording(t, out, payload.Request)
	responses, _ := testkit.ReadRecording(t, out, payload.Response)
	if len(requests) != 11 || len(responses) != 11 { // 1 and 10 to 19
		t.Errorf("%d requests and %d responses passed, want 11 each", len(requests), len(responses))
	}
	for _, r := range requests {
		if !bytes.HasPrefix(r, []byte("POST /z")) || !bytes.Contains(r, []byte("\r\nSeen: yes\r\n")) {
			t.Errorf("passed: %q", r)
		}
	}
	if !strings.Contains(said, "89 filtered") && !strings.Contains(said, "267 filtered") {
		t.Errorf("the filtered ones are not in the ledger: %s", said)
	}
}

func TestMiddlewareFates(t *testing.T) {
	in, _ := testkit.MixedRecording(t, 50) // 150 messages
	junk := `echo starting up; echo; cat; echo 31206`
	for _, tt := range []struct {
		name, command string
		code          int
		said          []string
	}{
		// Types in hex: 3120 is a request.
		{"drops", "grep -v ^3120", exitOK, []string{"50 dropped by the middleware", "100 offered"}},
		{"adds", `sh -c "cat; echo 31206e65772035202d310a474554202f20485454502f312e310d0a0d0a"`, exitOK, []string{"1 added by the middleware", "151 offered = 0 shed + 151 delivered"}},
		{"says other things", fmt.Sprintf("sh -c '%s'", junk), exitOK, []string{"2 lines that are not hexadecimal", `not a message, and is left out (not hexadecimal): "starting up`, "150 offered = 0 shed + 150 delivered"}},
		{"speaks to people", `sh -c "echo hello people >&2; cat"`, exitOK, []string{"hello people\n", "150 offered = 0 shed + 150 delivered"}},
		{"keeps quiet", `sh -c "cat >/dev/null"`, exitOK, []string{"150 dropped by the middleware"}},
		{"does not end", `sh -c "cat; exec sleep 1000"`, exitOK, []string{"150 offered = 0 shed + 150 delivered"}},
		{"does not end, nor on SIGTERM", `sh -c "trap '' TERM; cat; while :; do sleep 1; done"`, exitOK, []string{"150 offered = 0 shed + 150 delivered"}},
		{"leaves another behind", `sh -c "sleep 1000 & cat"`, exitOK, []string{"150 offered = 0 shed + 150 delivered"}},
		{"fails at the end", `sh -c "cat; exit 4"`, exitFailed, []string{"exit status 4", "150 offered = 0 shed + 150 delivered"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			code, said := testkit.RunGor(t, "--input-file", in+"|max", "--middleware", tt.command, "--output-null")
			if code != tt.code {
				t.Errorf("exit %d, want %d", code, tt.code)
			}
			testkit.WantSums(t, said)
			for _, want := range tt.said {
				if !strings.Contains(said, want) {
					t.Errorf("it does not say %q:\n%s", want, said)
				}
			}
			if n := strings.Count(said, "is not a message"); n > 1 {
				t.Errorf("bad lines are reported %d times", n)
			}
		})
	}
}

// A middleware that dies ends Gor, although the input would go on for ever.
func TestMiddlewareDies(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, command, said string }{
		{"with a status", `sh -c "head -n 1; exit 3"`, "exit status 3"},
		{"with status 0", `head -n 1`, "exited with status 0, and there are messages still to come"},
		{"by a signal", `sh -c 'head -n 1; kill -9 $$'`, "signal: killed"},
		{"closing its stdout", `sh -c "head -n 1; exec sleep 1000 >&-"`, "closed its stdout"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			code, said := testkit.RunGor(t, "--input-dummy", "", "--middleware", tt.command, "--output-null")
			if code != exitFailed || !strings.Contains(said, tt.said) {
				t.Errorf("exit %d, and no %q in:\n%s", code, tt.said, said)
			}
			testkit.WantSums(t, said)
		})
	}
}

// What a middleware that died had not answered is not what it dropped.
func TestMiddlewareDiesWithMessages(t *testing.T) {
	in, _ := testkit.MixedRecording(t, 1000)
	for _, command := range []string{`sh -c "head -n 1; exit 3"`, `sh -c 'head -n 1; kill -9 $$'`, `head -n 1`} {
		_, said := testkit.RunGor(t, "--input-file", in+"|max", "--middleware", command, "--output-null")
		testkit.WantSums(t, said)
		given := regexp.MustCompile(`offered = \d+ shed \+ (\d+) delivered`).FindStringSubmatch(said)
		lost := regexp.MustCompile(`(\d+) unanswered: the middleware died`).FindStringSubmatch(said)
		unanswered := 0 // when it was given one only
		if lost != nil {
			unanswered = testkit.Atoi(t, lost[1])
		}
		if given == nil || unanswered != testkit.Atoi(t, given[1])-1 || strings.Contains(said, "dropped by the middleware") {
			t.Errorf("%s: all it was given but the one that came back is unanswered, and nothing dropped:\n%s", command, said)
		}
	}
}

func TestMiddlewareDoesNotStart(t *testing.T) {
	for command, want := range map[string]string{
		"/no/such/program -x": `--middleware "/no/such/program ...": it does not start`,
		"a | b":               `sh -c '...'`,
		`a "b`:                "closing quote",
		"   ":                 "want a program and its arguments",
	} {
		out := filepath.Join(t.TempDir(), "out.gor")
		code, said := testkit.RunGor(t, "--input-dummy", "", "--middleware", command, "--output-file", out)
		if code == exitOK || !strings.Contains(said, want) {
			t.Errorf("%q: exit %d, %s", command, code, said)
		}
	}
}

// A middleware that reads nothing holds up no end: what it did not take is
// counted.
func TestMiddlewareHangs(t *testing.T) {
	in, _ := testkit.MixedRecording(t, 2000)
	code, said := testkit.RunGor(t, "--input-file", in+"|max", "--middleware", "sleep 1000", "--output-null", "--drain-timeout", "200ms")
	if code != exitFailed || !strings.Contains(said, "gave up on what is counted as unsent") {
		t.Errorf("exit %d:\n%s", code, said)
	}
	testkit.WantSums(t, said)
}

// A Ctrl-C goes to every process of a terminal; the middleware must live on
// until it has been given all.
func TestMiddlewareOutlivesCtrlC(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "out.gor")
	p := testkit.Spawn(t, "gor", nil, nil, "--input-dummy", "", "--middleware", `sh -c 'head -n 1; echo here $$ >&2; exec cat'`, "--output-file", out)
	p.Await("\nhere ")
	_, rest, _ := strings.Cut(p.Stderr(), "\nhere ")
	number, _, _ := strings.Cut(rest, "\n")
	child := testkit.Atoi(t, number)
	group, err := syscall.Getpgid(child)
	testkit.Must(t, err)
	if group != child {
		t.Errorf("the middleware %d is in the process group %d", child, group)
	}
	p.Stop()
	testkit.WantSums(t, p.Stderr())
	if requests, _ := testkit.ReadRecording(t, out, payload.Request); len(requests) == 0 {
		t.Error("nothing came through")
	}
	if err := syscall.Kill(child, 0); err == nil {
		t.Error("the middleware is still there")
	}
}

// Responses of the target go to the middleware too, under their requests'
// ids, and what it returns goes to the other outputs.
func TestMiddlewareSeesAnswers(t *testing.T) {
	// What a middleware gives after a second of silence at the end has no answers
	// any more.
	testkit.InSomeRun(t, 0, func() error { return middlewareSeesAnswers(t) })
}

func middlewareSeesAnswers(t *testing.T) error {
	t.Helper()
	target := testkit.StartSink(t)
	dir := t.TempDir()
	in := testkit.WriteFile(t, filepath.Join(dir, "in.gor"), testkit.Recording(testkit.NumberedRequests(200, "a"), make([]time.Duration, 200)))
	seen, out := filepath.Join(dir, "seen"), filepath.Join(dir, "out.gor")
	code, said := testkit.RunGor(t, "--input-file", in+"|max", "--middleware", "tee "+seen,
		"--output-http", target.Addr(), "--output-http-track-response", "--output-file", out)
	if code != exitOK {
		t.Fatalf("exit %d: %s", code, said)
	}
	testkit.WantSums(t, said)
	b, err := os.ReadFile(seen)
	testkit.Must(t, err)
	kinds := map[string]int{}
	for line := range strings.Lines(string(b)) {
		kinds[line[:4]]++
	}
	if kinds["3120"] != 200 || kinds["3320"] != 200 {
		return fmt.Errorf("the middleware saw %v, want 200 requests and 200 answers", kinds)
	}
	requests, asked := testkit.ReadRecording(t, out, payload.Request)
	answers, metas := testkit.ReadRecording(t, out, payload.ReplayResponse)
	if len(requests) != 200 || len(answers) != 200 {
		t.Fatalf("the file has %d requests and %d answers", len(requests), len(answers))
	}
	ids := map[string]bool{}
	for _, m := range asked {
		ids[string(m.ID)] = true
	}
	for _, m := range metas {
		if !ids[string(m.ID)] {
			t.Errorf("an answer has the id %s, which no request has", m.ID)
		}
	}
	if n := len(target.Arrivals()); n != 200 {
		t.Errorf("%d requests at the target", n)
	}
	return nil
}
