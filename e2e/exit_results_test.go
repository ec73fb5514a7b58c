package e2e

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/testkit"
)

// TestNothingDelivered: an output that delivered nothing of what it was offered,
// because of the way to its target, is exit 1 with a sentence that says why.
func TestNothingDelivered(t *testing.T) {
	t.Parallel()
	f := newFlagTest(t)
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	// What it read it has, so that its end is not a reset.
	silent := testkit.StartTarget(t, func(c net.Conn, _ int) { _, _ = testkit.ReadRequest(c) })
	for _, tt := range []struct {
		name string
		args []string
		says string
	}{
		{"refused", []string{"--output-http", testkit.FreePort(t)}, "refused"},
		{"no such name", []string{"--output-http", "no-such-name.invalid"}, "delivered none"}, // "name not found", where there is a resolver
		{"certificate", []string{"--output-http", secure.URL}, "TLS"},
		{"closes", []string{"--output-http", silent.Address()}, "closed without an answer"},
		{"binary", []string{"--output-binary", testkit.FreePort(t)}, "refused"},
		{"link", []string{"--output-tcp", testkit.FreePort(t), "--drain-timeout", "100ms"}, "4 unsent"},
		{"websocket", []string{"--output-ws", "ws://" + testkit.FreePort(t), "--drain-timeout", "100ms"}, "4 unsent"},
		{"beside one that works", []string{"--output-null", "--output-http", testkit.FreePort(t)}, "refused"},
		{"whatever was to be failed on", []string{"--output-http", testkit.FreePort(t), "--fail-on", "failed>1%"}, "--fail-on failed>1%: output-http"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			(&flagTest{t}).ends(exitFailed, append([]string{"--input-file", f.recording(0, gets(4)...) + "|max"}, tt.args...)...).says("delivered none of 4 messages: ", tt.says)
		})
	}
}

// TestNothingToDeliver: what no target is to blame for is not a failure.
func TestNothingToDeliver(t *testing.T) {
	f := newFlagTest(t)
	connect := f.recording(0, []byte("CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n"))
	f.ok("--input-file", connect, "--output-http", testkit.FreePort(t)).says("1 CONNECT not replayed")
	f.replay("--output-http", testkit.FreePort(t)+"|0%").saysNot("delivered none")
	f.replay("--output-http", testkit.FreePort(t), "--http-disallow-url", "/").saysNot("delivered none")
}

// notReached is said after five seconds, or some more where the machine halts.
var notReached = regexp.MustCompile(`not reached once in [0-9]+s`)

// TestReplayThatReachesNobodyStops: within the first seconds, and says so; with
// another output that has use of it, it goes on and only says so.
func TestReplayThatReachesNobodyStops(t *testing.T) {
	t.Parallel()
	f := newFlagTest(t)
	file := f.recording(10*time.Minute, gets(2)...)
	gor := testkit.Spawn(t, "gor", nil, nil, "--input-file", file, "--output-http", testkit.FreePort(t))
	other := testkit.Spawn(t, "gor", nil, nil, "--input-file", file, "--output-http", testkit.FreePort(t), "--output-file", filepath.Join(t.TempDir(), "x.gor"))
	if code := gor.Wait(); code != exitFailed {
		t.Errorf("exit %d, want %d", code, exitFailed)
	}
	if !notReached.MatchString(gor.Stderr()) {
		t.Errorf("it does not say %s:\n%s", notReached, gor.Stderr())
	}
	for _, want := range []string{"ending, since nothing", "--output-http-wait 30s", "delivered none of 1 message: 1 refused"} {
		if !strings.Contains(gor.Stderr(), want) {
			t.Errorf("it does not say %q:\n%s", want, gor.Stderr())
		}
	}
	testkit.Eventually(t, "it says that nobody is reached", func() bool { return notReached.MatchString(other.Stderr()) })
	other.Cmd.Process.Signal(os.Interrupt)
	if other.Wait(); strings.Contains(other.Stderr(), "ending, since nothing") {
		t.Errorf("a recording was ended for another output's sake:\n%s", other.Stderr())
	}
}
