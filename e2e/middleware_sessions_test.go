package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/testkit"
)

// A site gives a token of its own to everyone who logs in, and keeps which
// tokens requests came with.
type site struct {
	*httptest.Server
	name string

	mu     sync.Mutex
	logins map[string]string // the client's number of a login: the token that it got
	seen   map[string]seenTokens
}

// seenTokens are those of one request, by where they stood.
type seenTokens struct{ authorization, parameter, header string }

func startSite(t *testing.T, name string) *site {
	s := &site{name: name, logins: map[string]string{}, seen: map[string]seenTokens{}}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *site) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.URL.Path == "/login" {
		number := r.URL.Query().Get("number")
		token := s.name + "-" + number
		s.logins[number] = token
		w.Header().Set("X-Set-Token", token)
		fmt.Fprintf(w, `{"token": %q}`, token)
		return
	}
	authorization, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	s.seen[r.URL.Path] = seenTokens{authorization, r.URL.Query().Get("token"), r.Header.Get("Auth-Token")}
}

// await waits for a request.
func (s *site) await(t *testing.T, path string) seenTokens {
	t.Helper()
	var seen seenTokens
	testkit.Eventually(t, path+" at "+s.name, func() (ok bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		seen, ok = s.seen[path]
		return ok
	})
	return seen
}

// get is what a client does: it asks, with a token when it has one.
func (s *site) get(t *testing.T, target, token string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+target, nil)
	testkit.Must(t, err)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Auth-Token", token)
		r.URL.RawQuery = "token=" + token
	}
	answer, err := s.Client().Do(r)
	testkit.Must(t, err)
	_, err = io.Copy(io.Discard, answer.Body)
	testkit.Must(t, err)
	answer.Body.Close()
}

// Sessions go on at a target that gives other tokens than production does,
// through middleware that rewrites them: the examples, and a program that
// uses the Node package of GoReplay.
func TestMiddlewareSessions(t *testing.T) {
	commands := exampleCommands(t, "tokens")
	for _, name := range []string{"tokens/main.go", "tokens.js", "goreplay_middleware"} {
		for kind, goOn := range map[string]func(*testing.T, string, func(seenTokens, string) bool){"captured": sessionsGoOn, "recorded": recordedSessionsGoOn} {
			t.Run(kind+"/"+name, func(t *testing.T) {
				t.Parallel()
				command := commands[name]
				if command == nil {
					command = packageMiddleware(t)
				}
				command = needProgram(t, command)
				goOn(t, strings.Join(command, " "), func(seen seenTokens, token string) bool {
					if name == "goreplay_middleware" {
						return seen.header == token
					}
					return seen.authorization == token && seen.parameter == token
				})
			})
		}
	}
}

func sessionsGoOn(t *testing.T, command string, good func(seen seenTokens, own string) bool) {
	testkit.NeedCapture(t)
	production, staging := startSite(t, "production"), startSite(t, "staging")
	gor := testkit.StartGor(t, "--input-raw", production.Listener.Addr().String(), "--input-raw-track-response", "--middleware", command,
		"--output-http", staging.URL, "--output-http-track-response")
	// A request that comes before the answers to its login have been through
	// the middleware passes as it is, so it may take more than one attempt.
	login := 0
	for rewritten := false; !rewritten; {
		login++
		if login > 50 {
			t.Fatalf("after %d logins staging still sees production's tokens", login)
		}
		production.get(t, fmt.Sprintf("/login?number=%d", login), "")
		token := fmt.Sprintf("production-%d", login)
		for try := range 5 {
			path := fmt.Sprintf("/try/%d/%d", login, try)
			production.get(t, path, token)
			seen := staging.await(t, path)
			if rewritten = good(seen, fmt.Sprintf("staging-%d", login)); rewritten {
				break
			}
			if !good(seen, token) {
				t.Fatalf("%s came with %+v, which is neither side's token", path, seen)
			}
		}
	}
	for i := range 20 {
		production.get(t, fmt.Sprintf("/after/%d", i), fmt.Sprintf("production-%d", login))
	}
	for i := range 20 {
		if seen := staging.await(t, fmt.Sprintf("/after/%d", i)); !good(seen, fmt.Sprintf("staging-%d", login)) {
			t.Errorf("request %d after login %d came with %+v", i, login, seen)
		}
		if seen := production.await(t, fmt.Sprintf("/after/%d", i)); !good(seen, fmt.Sprintf("production-%d", login)) {
			t.Errorf("production itself sees %+v", seen)
		}
	}
	gor.Stop()
	testkit.WantSums(t, gor.Stderr())
}

// recordedSessionsGoOn has production's answer to the login in the recording;
// from some request on staging has given its own.
func recordedSessionsGoOn(t *testing.T, command string, good func(seen seenTokens, own string) bool) {
	staging := startSite(t, "staging")
	var recording []byte
	add := func(kind byte, n int, at time.Duration, text string) {
		meta := payload.Meta{Type: kind, ID: payload.AppendID(nil, 1, uint32(n)), Time: 1_700_000_000_000_000_000 + int64(at), Duration: 1, Length: -1}
		recording = payload.AppendRecord(recording, append(payload.AppendMeta(nil, meta), text...))
	}
	add(payload.Request, 1, 0, "GET /login?number=1 HTTP/1.1\r\nHost: a\r\n\r\n")
	add(payload.Response, 1, time.Millisecond, "HTTP/1.1 200 OK\r\nX-Set-Token: production-1\r\nContent-Length: 24\r\n\r\n{\"token\":\"production-1\"}")
	const requests = 1000
	for i := range requests {
		add(payload.Request, 2+i, time.Duration(i+1)*50*time.Millisecond, fmt.Sprintf("GET /after/%d?token=production-1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer production-1\r\nAuth-Token: production-1\r\n\r\n", i))
	}
	file := testkit.WriteFile(t, filepath.Join(t.TempDir(), "session.gor"), recording)
	gor := testkit.StartGor(t, "--input-file", file, "--middleware", command, "--output-http", staging.URL, "--output-http-track-response")
	rewritten := 0
	for i := 0; rewritten < 5; i++ {
		if i == requests {
			t.Fatalf("%d of %d requests were rewritten", rewritten, requests)
		}
		seen := staging.await(t, fmt.Sprintf("/after/%d", i))
		switch {
		case good(seen, "staging-1"):
			rewritten++
		case rewritten > 0 || !good(seen, "production-1"):
			t.Fatalf("request %d came with %+v, after %d that were rewritten", i, seen, rewritten)
		}
	}
	gor.Stop()
	testkit.WantSums(t, gor.Stderr())
}

// What GoReplay's users have: its package for Node, at the version that is
// published. Its licence keeps it out of this repository.
const (
	packageFile   = "goreplay_middleware-1.0.0.tgz"
	packageSHA512 = "4hVF2gPJVfT3IStIUkx8M/dD8E52C0V/D48RyJ2fxnJtNRvK4J1FH/tWv+X204MsthJzbtWgpEnori0gQNg/nw=="

	// packageProgram is written with it as its own documentation shows.
	packageProgram = `
const gor = require("goreplay_middleware");
gor.init();
const tokens = {};
gor.on("request", (req) => {
  const token = gor.httpHeader(req.http, "Auth-Token");
  if (token && tokens[token.value]) req.http = gor.setHttpHeader(req.http, "Auth-Token", tokens[token.value]);
  gor.searchResponses(req.ID, "X-Set-Token: (\\S+)", (productions, stagings) => {
    if (productions && stagings) tokens[productions] = stagings;
  });
  return req;
});
`
)

// packageMiddleware unpacks the package, and returns the command of a program
// that uses it.
func packageMiddleware(t *testing.T) []string {
	t.Helper()
	cache, err := os.UserCacheDir()
	testkit.Must(t, err)
	packed, err := os.ReadFile(filepath.Join(cache, "gor-test", packageFile))
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("%s needs %s from npm: make test-deps", t.Name(), packageFile)
	}
	testkit.Must(t, err)
	if sum := sha512.Sum512(packed); base64.StdEncoding.EncodeToString(sum[:]) != packageSHA512 {
		t.Fatalf("%s is not what was published", packageFile)
	}
	dir := t.TempDir()
	unpacked, err := gzip.NewReader(bytes.NewReader(packed))
	testkit.Must(t, err)
	for files := tar.NewReader(unpacked); ; {
		header, err := files.Next()
		if err == io.EOF {
			break
		}
		testkit.Must(t, err)
		content, err := io.ReadAll(files)
		testkit.Must(t, err)
		name := filepath.Join(dir, "node_modules", "goreplay_middleware", filepath.Base(header.Name))
		testkit.Must(t, os.MkdirAll(filepath.Dir(name), 0o755))
		testkit.WriteFile(t, name, content)
	}
	return []string{"node", testkit.WriteFile(t, filepath.Join(dir, "tokens.js"), []byte(packageProgram))}
}

// Neither a recording nor a target gets what redact takes out.
func TestMiddlewareRedacts(t *testing.T) {
	for name, command := range exampleCommands(t, "redact") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command = needProgram(t, command)
			var recording []byte
			for _, msg := range []string{
				request("a1", "POST /login HTTP/1.1\r\nHost: a\r\nCookie: secret\r\nContent-Type: application/json", `{"user":"u","password":"secret"}`),
				response("2", "a1", "Set-Cookie: secret\r\n", everyByte()),
				"1 a2 1700000000000000000 5\nGET /health?secret HTTP/1.1\r\nHost: a\r\n\r\n",
				response("2", "a2", "X: secret\r\n", ""),
				"1 a3 1700000000000000000 5\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n",
			} {
				recording = payload.AppendRecord(recording, []byte(msg))
			}
			dir := t.TempDir()
			in, out := testkit.WriteFile(t, filepath.Join(dir, "in.gor"), recording), filepath.Join(dir, "out.gor")
			target := testkit.StartSink(t)
			code, said := testkit.RunGor(t, "--input-file", in+"|max", "--middleware", strings.Join(command, " "), "--http-original-host", "--output-file", out, "--output-http", target.Addr())
			if code != exitOK {
				t.Errorf("exit %d", code)
			}
			testkit.WantSums(t, said)
			if !strings.Contains(said, "2 dropped by the middleware") {
				t.Errorf("not in the ledger: 2 dropped by the middleware\n%s", said)
			}
			login := []byte("POST /login HTTP/1.1\r\nHost: a\r\nCookie:\r\nContent-Type: application/json\r\nContent-Length: 26\r\n\r\n{\"user\":\"u\",\"password\":\"\"}")
			get := []byte("GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
			requests, _ := testkit.ReadRecording(t, out, payload.Request)
			testkit.WantSame(t, requests, [][]byte{login, get})
			testkit.WantSame(t, testkit.Raws(target.Await(t, 2)), [][]byte{login, get})
			answers, _ := testkit.ReadRecording(t, out, payload.Response)
			testkit.WantSame(t, answers, [][]byte{[]byte("HTTP/1.1 200 OK\r\nSet-Cookie:\r\nContent-Length: " + fmt.Sprint(len(everyByte())) + "\r\n\r\n" + everyByte())})
		})
	}
}
