package e2e

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/buger/gor/internal/testkit"
)

// exampleCommands gives the programs of examples/middleware as commands, with
// the arguments that a job's tests take.
func exampleCommands(t *testing.T, job string) map[string][]string {
	t.Helper()
	dir, err := filepath.Abs("../examples/middleware")
	testkit.Must(t, err)
	switch job {
	case "tokens":
		return map[string][]string{"tokens/main.go": {builtTokens(t)}, "tokens.js": {"node", filepath.Join(dir, "tokens.js")}}
	case "redact":
		args := []string{"--drop", "/health", "--drop", "/private/", "--fields", "password,card"}
		return map[string][]string{
			"redact.py": append([]string{"python3", filepath.Join(dir, "redact.py")}, args...),
			"redact.js": append([]string{"node", filepath.Join(dir, "redact.js")}, args...),
		}
	}
	t.Fatalf("no job %q", job)
	return nil
}

// builtTokens builds the example in Go.
func builtTokens(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "tokens")
	if out, err := exec.Command("go", "build", "-o", program, "../examples/middleware/tokens").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return program
}

// needProgram is a command with its interpreter's path. It skips a test of one
// that is not installed.
func needProgram(t *testing.T, command []string) []string {
	t.Helper()
	command = slices.Clone(command)
	if pkg := map[string]string{"node": "nodejs", "python3": "python3"}[command[0]]; pkg != "" {
		command[0] = testkit.NeedTool(t, command[0], pkg)
	}
	return command
}

// A dialogue is one with a running middleware.
type dialogue struct {
	t      *testing.T
	p      *testkit.Process
	stdin  io.WriteCloser
	stdout *bufio.Reader
	marks  int
}

func startDialogue(t *testing.T, command []string) *dialogue {
	t.Helper()
	read, stdin, err := os.Pipe()
	testkit.Must(t, err)
	stdout, write, err := os.Pipe()
	testkit.Must(t, err)
	p := testkit.SpawnProgram(t, nil, command[0], []string{"PYTHONUNBUFFERED="}, read, write, command[1:]...) // each must flush by itself
	read.Close()
	write.Close()
	t.Cleanup(func() { stdin.Close(); stdout.Close() })
	return &dialogue{t: t, p: p, stdin: stdin, stdout: bufio.NewReader(stdout)}
}

// tell gives lines to the program and returns what it prints for them: up to
// the answer to one more message, which comes although its stdin goes on.
func (k *dialogue) tell(lines string) string {
	k.t.Helper()
	k.marks++
	mark := hexLine(fmt.Sprintf("1 %x 1 1\nGET /mark/%d HTTP/1.1\r\nHost: a\r\n\r\n", 0xfa0000+k.marks, k.marks))
	go func() { _, _ = io.WriteString(k.stdin, lines+mark) }()
	var all strings.Builder
	for {
		line, err := k.stdout.ReadString('\n')
		if err != nil {
			k.t.Fatalf("%v after %q:\n%s", err, all.String(), k.p.Stderr())
		}
		if line == mark {
			return all.String()
		}
		all.WriteString(line)
	}
}

// end closes its stdin, with a line that is cut off, and wants it to exit 0
// without another word.
func (k *dialogue) end() {
	k.t.Helper()
	_, err := io.WriteString(k.stdin, strings.TrimSuffix(hexLine("1 aa 1 1\nGET /cut HTTP/1.1\r\n\r\n"), "\n"))
	testkit.Must(k.t, err)
	k.stdin.Close()
	rest, err := io.ReadAll(k.stdout)
	testkit.Must(k.t, err)
	if code := k.p.Wait(); code != 0 || len(rest) > 0 {
		k.t.Errorf("at the end of its stdin it exits %d, with %q on its stdout", code, rest)
	}
}

func hexLine(msg string) string { return hex.EncodeToString([]byte(msg)) + "\n" }

// shown decodes lines for a failure's report.
func shown(lines string) string {
	var b strings.Builder
	for line := range strings.Lines(lines) {
		if msg, err := hex.DecodeString(strings.TrimSpace(line)); err == nil {
			fmt.Fprintf(&b, "%q\n", msg)
		} else {
			fmt.Fprintf(&b, "(not hex) %q\n", line)
		}
	}
	return b.String()
}

// An exampleCase is what goes in and what must come out, as messages, or as
// lines where they end with a line end and are not messages.
type exampleCase struct {
	name     string
	in, want []string
}

func lines(list []string) string {
	var b strings.Builder
	for _, s := range list {
		if raw, ok := strings.CutPrefix(s, "raw:"); ok {
			b.WriteString(raw)
		} else {
			b.WriteString(hexLine(s))
		}
	}
	return b.String()
}

// everyByte is a body that holds each value, line ends and blank lines too.
func everyByte() string {
	b := []byte("\r\n\r\nAuthorization: Bearer prod-1\r\nCookie: a\r\n\r\n")
	for i := range 256 {
		b = append(b, byte(i))
	}
	return string(b)
}

// request and response make messages with the right Content-Length.
func request(id, head, body string) string {
	return fmt.Sprintf("1 %s 1700000000000000000 5\n%s\r\nContent-Length: %d\r\n\r\n%s", id, head, len(body), body)
}

func response(kind, id, headers, body string) string {
	return fmt.Sprintf("%s %s 1700000000000000000 5\nHTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s", kind, id, headers, len(body), body)
}

func chunked(parts ...string) string {
	var b strings.Builder
	for _, part := range parts {
		fmt.Fprintf(&b, "%x;a=b\r\n%s\r\n", len(part), part)
	}
	return b.String() + "0\r\nTrailing: yes\r\n\r\n"
}

func runExampleCases(t *testing.T, job string, cases []exampleCase, more func(t *testing.T, k *dialogue)) {
	t.Helper()
	for name, command := range exampleCommands(t, job) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command = needProgram(t, command)
			k := startDialogue(t, command)
			for _, c := range append(badLines(), cases...) {
				if got, want := k.tell(lines(c.in)), lines(c.want); got != want {
					t.Errorf("%s: it prints\n%swant\n%s", c.name, shown(got), shown(want))
				}
			}
			if more != nil {
				more(t, k)
			}
			k.end()
			wantRefused(t, command, name)
			if n := strings.Count(k.p.Stderr(), "a line is left out, and others like it"); n != 1 {
				t.Errorf("bad lines are reported %d times:\n%s", n, k.p.Stderr())
			}
		})
	}
}

// wantRefused gives a program an argument that it does not understand.
func wantRefused(t *testing.T, command []string, name string) {
	t.Helper()
	for _, tt := range []struct{ name, args, said string }{
		{"tokens/main.go", "-pattern=none", "want one group"},
		{"tokens.js", "none", "want one group"},
		{"redact.py", "--no-such-flag", "unrecognized arguments"},
		{"redact.js", "--no-such-flag", "Unknown option"},
	} {
		if tt.name != name {
			continue
		}
		p := testkit.SpawnProgram(t, nil, command[0], nil, nil, nil, append(command[1:], tt.args)...)
		if code := p.Wait(); code == 0 || !strings.Contains(p.Stderr(), tt.said) {
			t.Errorf("with %s it exits %d, and does not say %q: %s", tt.args, code, tt.said, p.Stderr())
		}
	}
}

// badLines are for every program alike.
func badLines() []exampleCase {
	get := "1 b1 1700000000000000000 5\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n"
	bare := "1 b2 1700000000000000000 -1\nGET / HTTP/1.0\r\n\r\n"
	line := hexLine(get)
	return []exampleCase{
		{"what is not a message", []string{"raw:\n", "raw:\r\n", "raw:hello\n", "raw:313\n", "raw:3120\n", "raw:zz\n", "raw:" + hex.EncodeToString([]byte("1 b\nGET / HTTP/1.1\r\n\r\n")) + "\n", get}, []string{get}},
		{"CR LF, spaces and capitals", []string{"raw: " + strings.TrimSpace(line) + " \r\n", "raw:" + strings.ToUpper(line)}, []string{get, "raw:" + strings.ToUpper(line)}},
		{"a request without headers, and none at all", []string{bare, "1 b3 17 5\n", "1 b4 17 5\nGET", "1 b5 17 5\n\r\n\r\n"}, []string{bare, "1 b3 17 5\n", "1 b4 17 5\nGET", "1 b5 17 5\n\r\n\r\n"}},
		{"a body of any bytes", []string{request("b6", "POST /x HTTP/1.1\r\nHost: a", everyByte())}, []string{request("b6", "POST /x HTTP/1.1\r\nHost: a", everyByte())}},
		{"one of a megabyte", []string{request("b7", "POST /x HTTP/1.1\r\nHost: a", strings.Repeat("\x00\n", 1<<19))}, []string{request("b7", "POST /x HTTP/1.1\r\nHost: a", strings.Repeat("\x00\n", 1<<19))}},
	}
}

func TestExampleTokens(t *testing.T) {
	bearer := func(id, token string) string {
		return request(id, "POST /x?a=token=1 HTTP/1.1\r\nHost: a\r\nauthorization:  bearer "+token+" \r\nX-Authorization: Bearer "+token, everyByte())
	}
	param := func(id, token string) string {
		return "1 " + id + " 17 5\nGET /x?token=" + token + "&a=b&token=" + token + "&xtoken=" + token + " HTTP/1.1\r\nHost: a\r\nReferer: /?token=" + token + "\r\n\r\n"
	}
	want := func(msg, from, to string, times int) string { return strings.Replace(msg, from, to, times) }
	login := func(kind, id, token string) string {
		return response(kind, id, "Content-Type: application/json\r\n", `{"user": 7, "token": "`+token+`"}`)
	}
	zipped := string(testkit.Gzipped(t, []byte(`{"token":"stag/4+="}`)))
	cases := []exampleCase{
		{"before the login", []string{bearer("c1", "prod-1"), param("c2", "prod-1")}, []string{bearer("c1", "prod-1"), param("c2", "prod-1")}},
		{"between its answers", []string{login("2", "c3", "prod-1"), bearer("c4", "prod-1")}, []string{login("2", "c3", "prod-1"), bearer("c4", "prod-1")}},
		{"after them", []string{login("3", "c3", "staging-one"), bearer("c5", "prod-1"), bearer("c6", "prod-2")},
			[]string{login("3", "c3", "staging-one"), want(bearer("c5", "prod-1"), "bearer prod-1", "bearer staging-one", 1), bearer("c6", "prod-2")}},
		{"in the query", []string{param("c7", "prod-1")}, []string{
			"1 c7 17 5\nGET /x?token=staging-one&a=b&token=staging-one&xtoken=prod-1 HTTP/1.1\r\nHost: a\r\nReferer: /?token=prod-1\r\n\r\n"}},
		{"staging answers first", []string{login("3", "c8", "s2"), login("2", "c8", "prod-2"), bearer("c9", "prod-2")},
			[]string{login("3", "c8", "s2"), login("2", "c8", "prod-2"), want(bearer("c9", "prod-2"), "bearer prod-2", "bearer s2", 1)}},
		{"answers of others", []string{login("2", "ca", "prod-3"), login("3", "cb", "s3"), bearer("cc", "prod-3")},
			[]string{login("2", "ca", "prod-3"), login("3", "cb", "s3"), bearer("cc", "prod-3")}},
		{"in chunks and zipped",
			[]string{
				"2 d1 17 5\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(`{"tok`, `en":"prod/4`, `+="}`),
				"3 d1 17 5\nHTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(zipped[:9], zipped[9:]),
				param("d2", "prod%2f4%2B%3d"), bearer("d3", "prod/4+="), param("d4", "prod%zz"),
			},
			[]string{
				"2 d1 17 5\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(`{"tok`, `en":"prod/4`, `+="}`),
				"3 d1 17 5\nHTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(zipped[:9], zipped[9:]),
				"1 d2 17 5\nGET /x?token=stag%2F4%2B%3D&a=b&token=stag%2F4%2B%3D&xtoken=prod%2f4%2B%3d HTTP/1.1\r\nHost: a\r\nReferer: /?token=prod%2f4%2B%3d\r\n\r\n",
				want(bearer("d3", "prod/4+="), "bearer prod/4+=", "bearer stag/4+=", 1), param("d4", "prod%zz"),
			}},
		{"a damaged answer", []string{"2 d5 17 5\nHTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", "2 d6 17 5\nnonsense"},
			[]string{"2 d5 17 5\nHTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", "2 d6 17 5\nnonsense"}},
		{"a token that is too long", []string{login("2", "d7", strings.Repeat("l", 5000)), login("3", "d7", "s5"), bearer("d8", strings.Repeat("l", 5000))},
			[]string{login("2", "d7", strings.Repeat("l", 5000)), login("3", "d7", "s5"), bearer("d8", strings.Repeat("l", 5000))}},
	}
	runExampleCases(t, "tokens", cases, func(t *testing.T, k *dialogue) {
		var logins []string
		for i := range 10_000 {
			for _, kind := range []string{"2", "3"} {
				logins = append(logins, login(kind, fmt.Sprintf("e%d", i), fmt.Sprintf("%s-many-%d", kind, i)))
			}
		}
		if got := k.tell(lines(logins)); got != lines(logins) {
			t.Errorf("%d bytes of many logins come back as others", len(got))
		}
		for _, tt := range []struct{ name, token, want string }{
			{"the oldest of too many logins", "prod-1", "prod-1"},
			{"the first of as many as there may be", "2-many-0", "3-many-0"},
			{"the last", "2-many-9999", "3-many-9999"},
		} {
			want := lines([]string{want(bearer("ff", tt.token), "bearer "+tt.token, "bearer "+tt.want, 1)})
			if got := k.tell(lines([]string{bearer("ff", tt.token)})); got != want {
				t.Errorf("%s: it prints\n%swant\n%s", tt.name, shown(got), shown(want))
			}
		}
	})
}

func TestExampleRedact(t *testing.T) {
	same := func(name string, msgs ...string) exampleCase { return exampleCase{name, msgs, msgs} }
	one := func(name, in, want string) exampleCase { return exampleCase{name, []string{in}, []string{want}} }
	post := func(contentType, body string) string {
		return request("a1", "POST /login HTTP/1.1\r\nHost: a\r\nContent-Type: "+contentType, body)
	}
	const json, form = "application/json; charset=utf-8", "application/x-www-form-urlencoded"
	get := func(id, target string) string {
		return "1 " + id + " 17 5\nGET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n"
	}
	secret := `{"a": 1.50, "password": "s\"e}c", "b": [12345678901234567890]}`
	blank := `{"a": 1.50, "password": "", "b": [12345678901234567890]}`
	coded := func(headers, body string) string {
		return "2 a2 17 5\nHTTP/1.1 200 OK\r\nContent-Type: " + json + "\r\n" + headers + "Server: x\r\n\r\n" + body
	}
	cases := []exampleCase{
		{"paths to drop", []string{get("f1", "/health"), get("f2", "/healthy?x"), get("f3", "http://a/health"), get("f4", "/%68ealth"), get("f5", "/private/x"), get("f6", "/private"), get("f7", "/x/health?/health")},
			[]string{get("f6", "/private"), get("f7", "/x/health?/health")}},
		{"answers to what was dropped", []string{response("2", "f1", "", "x"), response("3", "f5", "", "x"), response("2", "f6", "", "x")}, []string{response("2", "f6", "", "x")}},
		one("headers of a request",
			request("a3", "GET / HTTP/1.1\r\nHost: a\r\nauthorization: Basic QQ==\r\nX-Cookie: kept\r\nCOOKIE:a=b\r\nProxy-Authorization:\tb", everyByte()),
			request("a3", "GET / HTTP/1.1\r\nHost: a\r\nauthorization:\r\nX-Cookie: kept\r\nCOOKIE:\r\nProxy-Authorization:", everyByte())),
		one("headers of an answer", response("2", "a4", "Set-Cookie: a=b\r\nSet-Cookie: c=d\r\n", everyByte()), response("2", "a4", "Set-Cookie:\r\nSet-Cookie:\r\n", everyByte())),
		one("a header over two lines", "1 a5 17 5\nGET / HTTP/1.1\r\nCookie: a=b;\r\n c=d\r\nHost: a\r\n b\r\n\r\n", "1 a5 17 5\nGET / HTTP/1.1\r\nCookie:\r\nHost: a\r\n b\r\n\r\n"),
		one("lines that end with LF, and no end of the head", "1 a6 17 5\nGET / HTTP/1.1\nCookie: a=b\nHost: a\nCookie: c", "1 a6 17 5\nGET / HTTP/1.1\nCookie:\nHost: a\nCookie:"),
		one("JSON", post(json, secret), post(json, blank)),
		one("JSON values of every kind",
			post("application/vnd.api+json", `[{"card":{"a":["}"]},"x":"card"},{"card" : [[1],{"b":"]"}],"PASSWORD":-1.5e3},{"p\u0061ssword":null,"y":"\"password\":1"},{"card":true}]`),
			post("application/vnd.api+json", `[{"card":"","x":"card"},{"card" : "","PASSWORD":""},{"p\u0061ssword":"","y":"\"password\":1"},{"card":""}]`)),
		one("JSON with a name twice", post(json, `{"a":{"password":"é"},"a":"é"}`), post(json, `{"a":{"password":""},"a":"é"}`)),
		same("JSON without a secret", post(json, `{"x": "password", "passwords": 1}`), post(json, "")),
		one("JSON that is damaged", post(json, secret[:20]), post(json, "")),
		one("JSON that is not UTF-8", post(json, "{\"password\":\"\xff\"}"), post(json, "")),
		one("JSON that is too deep", post(json, strings.Repeat("[", 100_000)), post(json, "")),
		one("a form", post(form, "user=a&password=b%26c&user%5Bcard%5D=1&card.number=2&x=card&Password=&card"), post(form, "user=a&password=&user%5Bcard%5D=&card.number=&x=card&Password=&card")),
		one("a query", "1 a7 17 5\nGET /x?a=b&password=c?d&e HTTP/1.1\r\nHost: a\r\n\r\n", "1 a7 17 5\nGET /x?a=b&password=&e HTTP/1.1\r\nHost: a\r\n\r\n"),
		one("a multipart form with a secret", post("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"card\"\r\n\r\n4\r\n--b--\r\n"), post("multipart/form-data; boundary=b", "")),
		same("other bodies", post("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"c\"\r\n\r\ncard\r\n--b--\r\n"), post("text/plain", secret)),
		one("JSON in chunks", coded("Transfer-Encoding: chunked\r\nTrailer: Trailing\r\n", chunked(secret[:15], secret[15:])), coded(fmt.Sprintf("Content-Length: %d\r\n", len(blank)), blank)),
		one("JSON zipped", coded("Content-Encoding: gzip\r\nContent-Length: 99\r\n", string(testkit.Gzipped(t, []byte(secret)))), coded(fmt.Sprintf("Content-Length: %d\r\n", len(blank)), blank)),
		one("JSON zipped in chunks", coded("Transfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n", chunked(string(testkit.Gzipped(t, []byte(secret))))), coded(fmt.Sprintf("Content-Length: %d\r\n", len(blank)), blank)),
		one("JSON to the connection's end", coded("", secret), coded("", blank)),
		same("zipped without a secret", coded("Transfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n", chunked(string(testkit.Gzipped(t, []byte(`{}`))))), coded("Transfer-Encoding: chunked\r\n", chunked())),
		one("a coding that is not known", coded("Content-Encoding: br\r\nContent-Length: 2\r\n", "ab"), coded("Content-Length: 0\r\n", "")),
		one("a chunk that is cut", coded("Transfer-Encoding: chunked\r\n", "ff\r\n{}"), coded("Content-Length: 0\r\n", "")),
		one("a chunk of a length below zero", coded("Transfer-Encoding: chunked\r\n", "-2\r\n{}\r\n0\r\n\r\n"), coded("Content-Length: 0\r\n", "")),
		same("the head of an answer to HEAD", coded("Content-Length: 99\r\n", "")),
	}
	runExampleCases(t, "redact", cases, func(t *testing.T, k *dialogue) {
		var many []string
		for i := range 10_000 {
			many = append(many, get(fmt.Sprintf("e%d", i), "/health"))
		}
		if got := k.tell(lines(many)); got != "" {
			t.Errorf("%d bytes of what is to be dropped come back", len(got))
		}
		old, last := response("2", "f1", "", "x"), response("2", "e9999", "", "x")
		if got, want := k.tell(lines([]string{last, old})), lines([]string{old}); got != want {
			t.Errorf("of too many dropped requests not the oldest is forgotten: it prints\n%s", shown(got))
		}
	})
}
