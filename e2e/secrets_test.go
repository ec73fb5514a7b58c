package e2e

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/buger/gor/internal/testkit"
)

// TestSecretsStayInside: whatever Gor says of an address, at the start, of a
// mistake, on its page and at the end, has no password and no token in it.
func TestSecretsStayInside(t *testing.T) {
	dir := t.TempDir()
	config := testkit.WriteFile(t, filepath.Join(dir, "gor.toml"), []byte("output-http-elasticsearch = \"http://bob:hunter2@stag/a/b\"\n"))
	for _, tt := range []struct {
		args []string
		says string
	}{
		{[]string{"--check", "--output-http", "https://bob:hunter2@stag:8443/p|10"}, "to output-http https://bob:xxxxx@stag:8443/p|10"},
		{[]string{"--check", "--output-ws", "ws://bob:hunter2@stag/x?token=hunter2"}, "to output-ws ws://bob:xxxxx@stag/x?token=xxxxx"},
		{[]string{"--check", "--middleware", "cat hunter2", "--output-null"}, "through middleware cat ..."},
		{[]string{"--output-http", "ftp://bob:hunter2@stag"}, `gor: --output-http: "ftp://bob:xxxxx@stag": ftp is not a scheme`},
		{[]string{"--output-http", "http://bob:hun/ter2@stag"}, "bob:xxxxx@stag"},
		{[]string{"--output-http", "http://bob:hunter2@stag/?token=hunter2"}, "has a query"},
		{[]string{"--output-http", "http://bob:hunter2@stag|x"}, `limit "x"`},
		{[]string{"--check", "--output-http", "http://bob:hunter2 @stag"}, "space"},
		{[]string{"--output-ws", "ws://bob:hunter2@stag/x?token=hunter2#f"}, "has a fragment"},
		{[]string{"--output-ws", "http://bob:hunter2@stag"}, "write ws://bob:xxxxx@stag"},
		{[]string{"--output-ws", "bob:hunter2@stag"}, "has no scheme"},
		{[]string{"--output-tcp", "bob:hunter2@stag"}, "--output-tcp"},
		{[]string{"--output-binary", "bob:hunter2@stag"}, "is not a target"},
		{[]string{"--output-http", "stag", "--output-http-elasticsearch", "http://bob:hunter2@stag/a/b"}, "is not an index"},
		{[]string{"--output-http", "stag", "--config", config}, "is not an index"},
		{[]string{"--output-null", "--http-rewrite-header", "Authorization: hunter2"}, "no comma"},
		{[]string{"--output-null", "--middleware", "cat 'hunter2"}, "closing quote"},
		{[]string{"--output-null", "--middleware", "/no/such/program hunter2"}, "does not start"},
	} {
		_, said := testkit.RunGor(t, append([]string{"--input-dummy", ""}, tt.args...)...)
		if !strings.Contains(said, tt.says) || strings.Contains(said, "hunter2") || strings.Contains(said, "ter2") {
			t.Errorf("gor %q: no %q, or a secret:\n%s", tt.args, tt.says, said)
		}
	}

	target := testkit.StartSink(t)
	summary := filepath.Join(dir, "summary.json")
	gor := testkit.Spawn(t, "gor", nil, nil, "--input-dummy", "", "--http-pprof", "127.0.0.1:0", "--summary-json", summary, "--verbose", "2", "--stats",
		"--output-http", "http://bob:hunter2@"+target.Addr()+"/x", "--http-set-header", "Authorization: hunter2", "--http-set-param=api_key=hunter2",
		"--http-basic-auth-filter", "hunter2|.*", "--middleware", "sh -c 'cat # hunter2'")
	gor.Await("gor: to ")
	page := regexp.MustCompile(`http://127\.0\.0\.1:\d+/`).FindString(gor.Stderr())
	for _, path := range []string{"metrics", "debug/vars", "debug/pprof/cmdline"} {
		resp, err := http.Get(page + path)
		testkit.Must(t, err)
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		testkit.Must(t, err)
		if len(text) == 0 || strings.Contains(string(text), "hunter2") {
			t.Errorf("%s: %s", path, text)
		}
	}
	gor.Stop()
	text, err := os.ReadFile(summary)
	testkit.Must(t, err)
	if all := gor.Stderr() + string(text); strings.Contains(all, "hunter2") {
		t.Errorf("%s", all)
	}
}

// TestElasticsearchRedirects: the documents go to the host that was named, and
// what it says forges no line.
func TestElasticsearchRedirects(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s %s came elsewhere", r.Method, r.URL) }))
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 307, 308} {
		search := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", elsewhere.URL+"/_bulk?token=hunter2")
			w.WriteHeader(status)
		}))
		gor := testkit.StartGor(t, "--input-dummy", "", "--output-http", testkit.StartSink(t).Addr(), "--output-http-elasticsearch", search.Listener.Addr().String()+"/gor")
		gor.Await("is not followed")
		gor.Stop()
		if said := gor.Stderr(); strings.Contains(said, "hunter2") || !strings.Contains(said, "0 documents indexed") {
			t.Errorf("%s", said)
		}
		search.Close()
	}
}

// TestForeignTextForgesNothing: of what a stranger says only text comes to
// stderr, within the line that it belongs to.
func TestForeignTextForgesNothing(t *testing.T) {
	t.Parallel()
	const forged = "no\ngor: ledger after 1s\n\x1b[2J\u009b31m\x9b32m\u202e"
	search := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		io.WriteString(w, forged)
	}))
	defer search.Close()
	gor := testkit.StartGor(t, "--input-dummy", "", "--output-http", testkit.StartSink(t).Addr(), "--output-http-elasticsearch", search.Listener.Addr().String()+"/gor")
	gor.Await("it answers 400")
	gor.Stop()
	wantClean(t, gor.Stderr())

	// An id and a request line, as a recording has them.
	file := testkit.WriteFile(t, filepath.Join(t.TempDir(), "x\x1b[2J\ny.gor"), []byte("1 a\u009b31m\x1b[1m 1000000000\nGET /\x1b[2J\u0085\x9b HTTP/1.1\r\nHost: a\r\n\r\n\n🐵🙈🙉\n1 b 1000000000\nGET / HTTP/1.1\r\nHost: a\r\n\r\n\n🐵🙈🙉\n"))
	code, said := testkit.RunGor(t, "--input-file", file, "--output-null", "--verbose", "3")
	if code != 0 {
		t.Errorf("exit %d", code)
	}
	wantClean(t, said)

	// A server of another protocol, which a link and a WebSocket output connect to.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			io.WriteString(c, "HTTP/1.1 400 "+strings.ReplaceAll(forged, "\n", "\r")+"\r\nContent-Length: 0\r\n\r\n")
			c.Close()
		}
	}()
	gor = testkit.StartGor(t, "--input-dummy", "", "--output-ws", "ws://"+l.Addr().String(), "--output-http", l.Addr().String(), "--verbose", "2", "--drain-timeout", "100ms")
	gor.Await("output-ws ws://" + l.Addr().String() + ": ")
	gor.Cmd.Process.Signal(os.Interrupt)
	gor.Wait()
	wantClean(t, gor.Stderr())
}

// wantClean wants text that only takes up room, and one ledger.
func wantClean(t *testing.T, said string) {
	t.Helper()
	if i := strings.IndexFunc(said, func(r rune) bool { return r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 || r == 0x202e || r == 0xfffd }); i >= 0 {
		t.Errorf("%q is on stderr", said[max(0, i-60):min(len(said), i+20)])
	}
	if n := strings.Count(said, "\ngor: ledger after"); n != 1 {
		t.Errorf("%d ledgers:\n%s", n, said)
	}
}
