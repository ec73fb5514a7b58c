package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/buger/gor/internal/payload"
)

// tokenPrograms are the examples that rewrite tokens, by their command.
func tokenPrograms(t *testing.T, name string) string {
	t.Helper()
	switch name {
	case "node":
		return needTool(t, "node", "nodejs") + " examples/middleware/tokens.js"
	default:
		program := filepath.Join(t.TempDir(), "tokens")
		if out, err := exec.Command("go", "build", "-o", program, "./examples/middleware/tokens").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return program
	}
}

// throughProgram gives a program messages, and lines as they are when they are no
// messages, and returns what it prints, decoded.
func throughProgram(t *testing.T, command string, in ...string) (out []string, stderr string) {
	t.Helper()
	words := strings.Fields(command)
	cmd := exec.Command(words[0], words[1:]...)
	var lines bytes.Buffer
	for _, msg := range in {
		if strings.Contains(msg, "\n") {
			msg = hex.EncodeToString([]byte(msg))
		}
		fmt.Fprintf(&lines, "%s\r\n", msg)
	}
	cmd.Stdin = &lines
	var said bytes.Buffer
	cmd.Stderr = &said
	printed, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", command, err, &said)
	}
	for line := range strings.Lines(string(printed)) {
		msg, err := hex.DecodeString(strings.TrimSpace(line))
		must(t, err)
		out = append(out, string(msg))
	}
	return out, said.String()
}

func gzipOf(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, s)
	w.Close()
	return b.String()
}

func TestTokensExamples(t *testing.T) {
	const binary = "\x00\xff\n🐵🙈🙉\n"
	answer := func(kind, id, body string) string {
		return fmt.Sprintf("%s %s 5 6\nHTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", kind, id, len(body), body)
	}
	for _, name := range []string{"node", "go"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request := func(id, token string) string {
				return "1 " + id + " 1 -1\nPOST /a?x=1&token=" + token + " HTTP/1.1\r\nauthorization: Bearer " + token + "\r\nContent-Length: 15\r\n\r\n" + binary
			}
			zipped := gzipOf(`{"token" : "prod+2"}`)
			chunks := fmt.Sprintf("2 b 5 6\nHTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(zipped), zipped)
			in := []string{
				"not hex", "", "6e6f", // and no header
				request("x", "prod1"), // nothing is known yet
				answer("2", "a", `{"token":"prod1"}`), answer("3", "a", `{"token":"stag1"}`),
				answer("3", "b", `{"token":"stag+2"}`), chunks, // staging may be first
				answer("2", "c", `{"user":1}`), answer("3", "d", `{"token":"nobody's"}`),
				request("y", "prod1"), request("z", "prod%2B2"), request("o", "other"),
				"1 h 1 -1\nGET / HTTP/1.1\r\n\r\n", // no headers
			}
			want := append([]string{}, in[3:]...)
			want[7] = request("y", "stag1")
			want[8] = strings.Replace(request("z", "prod%2B2"), "token=prod%2B2", "token=stag%2B2", 1)
			got, said := throughProgram(t, tokenPrograms(t, name), in...)
			if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
				t.Errorf("printed\n%q\nwant\n%q", got, want)
			}
			if n := strings.Count(said, "a line is left out"); n != 1 {
				t.Errorf("it says %q", said)
			}
		})
	}
}

func TestRedactExample(t *testing.T) {
	python := needTool(t, "python3", "python3")
	head := func(method, target, headers, body string) string {
		return fmt.Sprintf("1 %s 1 -1\n%s %s HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n%s", "a", method, target, headers, len(body), body)
	}
	const form, json, text = "Content-Type: application/x-www-form-urlencoded\r\n", "content-type: application/json; charset=utf-8\r\n", "Content-Type: application/octet-stream\r\n"
	pairs := [][2]string{
		{head("GET", "/a?password=x&q=1&card=5#", "", ""), head("GET", "/a?password=&q=1&card=", "", "")},
		{head("GET", "/", "Authorization: Basic abc\r\nX: y\r\ncookie: a=b\r\n", ""), head("GET", "/", "Authorization:\r\nX: y\r\ncookie:\r\n", "")},
		{head("POST", "/", form, "user=a&password=s%3Dx&user[card]=5"), head("POST", "/", form, "user=a&password=&user[card]=")},
		{head("POST", "/", json, `{"user": "a", "password" : "s\"x", "in": [{"Card": {"n": 5}}], "x": "password"}`),
			head("POST", "/", json, `{"user": "a", "password" : "", "in": [{"Card": ""}], "x": "password"}`)},
		{head("POST", "/", json, `{"user": `), head("POST", "/", json, "")}, // better nothing than a secret
		{head("POST", "/", text, "password=x\x00\xff\n"), head("POST", "/", text, "password=x\x00\xff\n")},
		{"2 a 1 2\nHTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nB: c\r\n\r\nhi", "2 a 1 2\nHTTP/1.1 200 OK\r\nSet-Cookie:\r\nB: c\r\n\r\nhi"},
		{"1 drop 1 -1\nGET /health/x?y HTTP/1.1\r\n\r\n", ""}, {"2 drop 1 2\nHTTP/1.1 200 OK\r\n\r\n", ""},
		{"no hex", ""}, {"", ""},
		{"1 z 1 -1\nGET /a/health HTTP/1.1\r\n\r\n", "1 z 1 -1\nGET /a/health HTTP/1.1\r\n\r\n"},
	}
	var in, want []string
	for _, p := range pairs {
		in = append(in, p[0])
		if p[1] != "" {
			want = append(want, p[1])
		}
	}
	// The fragment of the first is in the value of its parameter.
	got, said := throughProgram(t, python+" examples/middleware/redact.py --drop /health", in...)
	if len(got) != len(want) {
		t.Fatalf("%d messages, want %d: %q", len(got), len(want), got)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("%q\nwant\n%q", got[i], want[i])
		}
	}
	if strings.Count(said, "a line is left out") != 1 {
		t.Errorf("it says %q", said)
	}
}

// TestRedactedRecording: the real program with the real example.
func TestRedactedRecording(t *testing.T) {
	python := needTool(t, "python3", "python3")
	dir := t.TempDir()
	var requests [][]byte
	for i := range 20 {
		path := []string{"/login", "/health"}[i%2]
		requests = append(requests, fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: a\r\nX-Number: %d\r\nCookie: secret=1\r\nContent-Type: application/json\r\nContent-Length: 23\r\n\r\n{\"password\": \"secret2\"}", path, i))
	}
	in := writeFile(t, filepath.Join(dir, "in.gor"), record(requests, make([]time.Duration, len(requests))))
	out := filepath.Join(dir, "out.gor")
	code, said := runGor(t, "--input-file", in+"|max", "--middleware", python+" examples/middleware/redact.py --drop /health", "--output-file", out)
	if code != exitOK || !strings.Contains(said, "10 dropped by the middleware") {
		t.Fatalf("exit %d: %s", code, said)
	}
	wantSums(t, said)
	got, _ := readRecording(t, out, payload.Request)
	if len(got) != 10 {
		t.Errorf("%d requests", len(got))
	}
	for _, raw := range got {
		if bytes.Contains(raw, []byte("secret")) || !bytes.Contains(raw, []byte("Content-Length: 16\r\n")) || !bytes.HasSuffix(raw, []byte(`{"password": ""}`)) {
			t.Errorf("recorded %q", raw)
		}
	}
}

// TestTokensEndToEnd: a recorded session goes on at staging, which gives tokens
// of its own, with each of the examples and with GoReplay's package for Node.
func TestTokensEndToEnd(t *testing.T) {
	for _, name := range []string{"node", "go", "GoReplay's package"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			var with []string
			staging := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/login" {
					fmt.Fprint(w, `{"token":"of-staging"}`)
					return
				}
				mu.Lock()
				with = append(with, r.Header.Get("Authorization"))
				mu.Unlock()
			}))
			defer staging.Close()
			dir := t.TempDir()
			part := func(name string, kinds string, texts ...string) string {
				var in []byte
				for i, text := range texts {
					msg := payload.AppendMeta(nil, payload.Meta{Type: kinds[i], ID: payload.AppendID(nil, 1, uint32(len(name)+i/len(kinds))), Time: 1_700_000_000_000_000_000 + int64(i), Duration: 1, Length: -1})
					in = payload.AppendRecord(in, append(msg, text...))
				}
				return writeFile(t, filepath.Join(dir, name), in)
			}
			login := part("login.gor", "12", "POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 25\r\n\r\n{\"token\":\"of-production\"}")
			account := part("account.gor", "1", "GET /account HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer of-production\r\n\r\n")
			command := ""
			if name == "GoReplay's package" {
				command = needTool(t, "node", "nodejs") + " " + goreplayMiddleware(t)
			} else {
				command = tokenPrograms(t, name)
			}
			link, out := freePort(t), filepath.Join(dir, "out.gor")
			gor := startGor(t, "--input-tcp", link, "--middleware", command, "--output-http", staging.URL, "--output-http-track-response",
				"--output-file", out, "--output-file-flush-interval", "10ms")
			send := func(file string) {
				if code, said := runGor(t, "--input-file", file+"|max", "--output-tcp", link); code != exitOK {
					t.Fatalf("exit %d: %s", code, said)
				}
			}
			send(login)
			// When staging's answer has come through the middleware, it is known there.
			eventually(t, "staging's answer is recorded", func() bool {
				b, _ := os.ReadFile(out)
				return bytes.Contains(b, []byte("of-staging"))
			})
			send(account)
			gor.stop()
			wantSums(t, gor.said())
			mu.Lock()
			defer mu.Unlock()
			if got := strings.Join(with, ","); got != "Bearer of-staging" {
				t.Errorf("staging saw %s", got)
			}
		})
	}
}

// goreplayMiddleware unpacks GoReplay's published package, which test-deps has
// fetched, and writes a middleware that its README could show.
func goreplayMiddleware(t *testing.T) (script string) {
	t.Helper()
	cache := os.Getenv("XDG_CACHE_HOME")
	if cache == "" {
		cache = filepath.Join(os.Getenv("HOME"), ".cache")
	}
	b, err := os.ReadFile(filepath.Join(cache, "gor-test", "goreplay_middleware-1.0.0.tgz"))
	if err != nil {
		t.Skipf("GoReplay's package is not there (scripts/test-deps fetches it with npm): %v", err)
	}
	const want = "4hVF2gPJVfT3IStIUkx8M/dD8E52C0V/D48RyJ2fxnJtNRvK4J1FH/tWv+X204MsthJzbtWgpEnori0gQNg/nw=="
	if sum := sha512.Sum512(b); base64.StdEncoding.EncodeToString(sum[:]) != want {
		t.Fatal("goreplay_middleware-1.0.0.tgz is not what was published")
	}
	dir := t.TempDir()
	unzipped, err := gzip.NewReader(bytes.NewReader(b))
	must(t, err)
	for files := tar.NewReader(unzipped); ; {
		head, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		must(t, err)
		content, err := io.ReadAll(files)
		must(t, err)
		writeFile(t, filepath.Join(dir, filepath.Base(head.Name)), content)
	}
	return writeFile(t, filepath.Join(dir, "tokens.js"), []byte(`
const gor = require("./middleware.js");
gor.init();
const tokens = {};
gor.on("request", function (req) {
  const auth = gor.httpHeader(req.http, "Authorization");
  if (auth && tokens[auth.value.replace("Bearer ", "")]) {
    req.http = gor.setHttpHeader(req.http, "Authorization", "Bearer " + tokens[auth.value.replace("Bearer ", "")]);
  }
  gor.searchResponses(req.ID, '"token":"([^"]+)"', function (production, staging) {
    if (staging) tokens[production] = staging;
  });
  return req;
});
gor.on("response", (resp) => resp);
gor.on("replay", (resp) => resp);
`))
}
