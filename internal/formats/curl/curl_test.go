package curl

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/formats/message"
	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/payload"
)

// lines are command lines whose request is compared with curl's own. URL stands
// for the server, FILE for a file.
func commands() []string {
	return []string{
		`curl URL/`, `curl URL`, `curl URL/a?b=c`, `curl -X DELETE URL/x`, `curl -XPATCH URL/x -d a=b`, `curl -I URL/`, `curl --head URL/`,
		`curl -H 'X-A: b' URL/`, `curl -H 'X-A: b' -H 'X-B:c' URL/`, `curl -H 'Accept: text/html' URL/`, `curl -H 'Accept:' URL/`, `curl -H 'User-Agent:' URL/`, `curl -H 'X-Empty;' URL/`,
		`curl -H 'Host: example.com' URL/`, `curl -A me URL/`, `curl --user-agent 'a b' URL/`, `curl -e http://r/ URL/`, `curl -b a=b URL/`, `curl --cookie 'a=b; c=d' URL/`,
		`curl -d a=b URL/`, `curl -d a=b -d c=d URL/`, `curl --data-raw @x URL/`, `curl --data-raw '{"a":1}' -H 'Content-Type: application/json' URL/`, `curl -d @FILE URL/`, `curl --data-binary @FILE URL/`,
		`curl --data-urlencode 'a=b c&d' URL/`, `curl --data-urlencode 'x y' URL/`, `curl -G -d a=b URL/`, `curl -G -d a=b -d 'c=d' 'URL/?x=y'`, `curl --json '{"a":1}' URL/`, `curl -u me:secret URL/`, `curl --compressed URL/`,
		`curl -sSL -k URL/`, `curl -X POST URL/`, `curl -X PUT -d x URL/p`, `curl --http1.1 -v URL/`, `curl -T FILE URL/up`, `curl -0 URL/`, `curl --request OPTIONS --url URL/o`,
		`curl -F a=b URL/`, `curl -F a=b -F f=@FILE URL/`, `curl -F 'f=@FILE;type=text/css' URL/`, `curl --form-string a=@b URL/`,
		`curl -F 'a="b;c"' -F 'f=@"FILE"' URL/`, `curl -F 'f=@FILE;filename="n \"q.txt";type=a/b' URL/`, `curl -F 'f=@FILE;type=text/plain;charset=utf-8;filename=z' URL/`, `curl -F 'k=<FILE;type=text/x' -F 'j={"a":1};type=application/json' -F x= URL/`,
		`curl --oauth2-bearer tok URL/`, `curl -r 0-99 URL/`, `curl -r 5- -u a:b -e http://r/ -H 'X: y' URL/`, `curl -H 'A: b' -d 'x' URL/ ;`, `curl -d '{"re":"^"}' URL/`,
		`curl 'URL/日本?q=ż'`, `curl -g 'URL/a|b^c"d<e>?x={}|"'`, `curl 'URL/a/..'`, `curl 'URL/../..//b/.'`, `curl 'URL/a/./'`, `curl 'URL/.a/..b/...'`, `curl --path-as-is 'URL/a/../b'`, `curl 'URL/a/../b/./c'`, `curl 'URL/%7e%2f'`, `curl -g 'URL/{a}[1]'`, `curl 'URL?a#b'`, `curl 'URL/a?'`, `curl 'URL/x#y'`, `curl "URL/it's"`, `curl 'URL/%zz'`, `curl 'URL/a\b'`,
		`curl URL/1 URL/2`, `curl -d a=b URL/1 URL/2 -H 'X: y'`, `curl URL/1 --next URL/2`, `curl -d a=b URL/1 --next -X DELETE URL/2 -: -I URL/3`, `curl --url URL/1 URL/2 --next -s URL/3`,
		`curl -T FILE URL/1 URL/2`, `curl -T FILE URL/1 -T FILE URL/2`, `curl -G -d a=b URL/1 'URL/2?x'`, `curl --json '{}' URL/1 URL/2 --next URL/3`, `curl -F a=b URL/1 URL/2`, `curl -b a=b -u c:d URL/1 --next URL/2`,
		`curl 'URL/{a,bc,}/[1-3]'`, `curl 'URL/[01-11:5]?x=[a-c]'`, `curl 'URL/[A-G:3]' URL/end`, `curl 'URL/a\[1\]\{b\}'`, `curl -g 'URL/{a,b}' --next 'URL/{a,b}'`, `curl 'URL/{a\,b,c}'`, `curl 'URL/[9-9]'`, `curl 'URL/[008-10]'`,
	}
}

// What Gor makes of a line is what curl sends for it. Reviewed differences: the
// boundary of a form, which is random; the codings of --compressed, which depend on
// how curl was built; Expect: 100-continue, which Gor would not wait for.
func TestAsCurlSends(t *testing.T) {
	program, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("curl is not here")
	}
	version, err := exec.Command(program, "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	agent := "curl/" + strings.Fields(string(version))[1]
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	got := make(chan string, 100)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.SetDeadline(time.Now().Add(time.Minute))
			r := bufio.NewReader(conn)
			var all []byte
			for !http1.CompleteRequest(all) {
				b, err := r.ReadByte()
				if err != nil {
					break
				}
				if all = append(all, b); r.Buffered() > 0 {
					rest, _ := r.Peek(r.Buffered())
					all = append(all, rest...)
					r.Discard(len(rest))
				}
			}
			got <- string(all)
			io.WriteString(conn, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
			conn.Close()
		}
	}()
	dir := t.TempDir()
	file := filepath.Join(dir, "data.txt")
	if err := os.WriteFile(file, []byte("one\r\ntwo\n\x00three"), 0o600); err != nil {
		t.Fatal(err)
	}
	random := regexp.MustCompile(`-{24}[0-9a-zA-Z]+`)
	codings := regexp.MustCompile(`Accept-Encoding: [a-z, ]+`)
	length := regexp.MustCompile(`Content-Length: [0-9]+`)
	for _, line := range commands() {
		line = strings.NewReplacer("URL", "http://"+l.Addr().String(), "FILE", file).Replace(line)
		words, _, err := split([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(program, append([]string{"-q", "--noproxy", "*", "-s", "-m", "30"}, words[1:]...)...).CombinedOutput(); err != nil && !strings.Contains(line, "-I") {
			t.Errorf("%s: %v %s", line, err, out)
			select {
			case <-got:
			default:
			}
			continue
		}
		r := New(strings.NewReader(line), Config{Agent: agent})
		for more := true; more; {
			want := <-got
			more = len(got) > 0
			msg, err := r.Next()
			if err != nil {
				t.Errorf("%s: %v", line, err)
				break
			}
			have := string(payload.Body(msg))
			if strings.Contains(line, "-F") || strings.Contains(line, "--form") {
				have, want = random.ReplaceAllString(have, "B"), random.ReplaceAllString(want, "B")
				have, want = length.ReplaceAllString(have, "L"), length.ReplaceAllString(want, "L")
			}
			want = strings.Replace(want, "Expect: 100-continue\r\n", "", 1)
			if strings.Contains(line, "--compressed") {
				have, want = codings.ReplaceAllString(have, ""), codings.ReplaceAllString(want, "")
			}
			if have != want {
				t.Errorf("%s\nGor:  %q\ncurl: %q", line, have, want)
			}
		}
		for len(got) > 0 {
			<-got
		}
		if msg, err := r.Next(); err != io.EOF {
			t.Errorf("%s: Gor sends another: %q, %v", line, msg, err)
		}
	}
}

// What browsers copy for cmd.exe.
func TestWindowsCommands(t *testing.T) {
	text := strings.ReplaceAll(`curl ^"https://shop.example.com/a?b=c^&d=^%20e^" ^
  -H ^"accept: */*^" ^
  -H ^"sec-ch-ua: ^\^"Chromium^\^";v=^\^"120^\^"^" ^
  --data-raw ^"^{^\^"a^\^":^\^"x\y^

z^\^"^}^" ^
  --compressed &

curl "https://old.example.com/x" ^
 -H "a: b&c" -A ^"^"
`, "\n", "\r\n")
	r := New(strings.NewReader(text), Config{Agent: "x"})
	for _, want := range []string{
		"POST /a?b=c&d=%20e HTTP/1.1\r\nHost: shop.example.com\r\nUser-Agent: x\r\nAccept-Encoding: deflate, gzip, br, zstd\r\naccept: */*\r\nsec-ch-ua: \"Chromium\";v=\"120\"\r\n" +
			"Content-Length: 13\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n{\"a\":\"x\\y\nz\"}",
		"GET /x HTTP/1.1\r\nHost: old.example.com\r\nAccept: */*\r\na: b&c\r\n\r\n",
	} {
		msg, err := r.Next()
		if err != nil || string(payload.Body(msg)) != want {
			t.Errorf("got %q, %v\nwant %q", payload.Body(msg), err, want)
		}
	}
	if _, err := r.Next(); err != io.EOF {
		t.Error(err)
	}
}

func TestWhatIsNotUnderstood(t *testing.T) {
	for line, want := range map[string]string{
		"curl http://x/ --nonsense": "--nonsense", "wget x": `"wget" is not curl`, "curl $HOME": "no shell runs here", "curl `id`": "no shell runs here", "curl http://x | jq": "want a plain curl command",
		"curl -H": "-H has no value", "curl": "there is no URL", "curl --next http://x": "there is no URL", "curl http://x --next -s": "there is no URL", "curl http://x --next --nonsense": "--nonsense",
		"curl 'http://x/{a'": "a brace is not closed", "curl 'http://x/[1'": "is not a range", "curl 'http://x/[5-1]'": "is not a range", "curl 'http://x/[0-999999999]'": "more than 100000", "curl 'http://x/a]'": "closes nothing", "curl 'http://x/{}'": "nothing in the braces",
		"curl 'http://x/[1-999][1-999]'": "more than 100000", "curl 'http://x/[b-a]'": "is not a range", "curl 'http://x/[1-9:0]'": "is not a range", "curl 'http://x/{a{b}}'": "inside of braces", "curl 'http://x/[1-18446744073709551615]'": "is not a range", "curl 'http://x/": "quote", "curl ftp://x/": "is none of http", "curl -b jar http://x/": "names a file of cookies", "curl x -d @/does/not/exist": "no such file",
	} {
		_, err := New(strings.NewReader("# note\n\n"+line+"\n"), Config{}).Next()
		var at *message.PositionError
		if !errors.As(err, &at) || at.Line != 3 || at.Offset != 8 || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", line, err, want)
		}
	}
}

func FuzzReader(f *testing.F) {
	for _, line := range commands() {
		f.Add(strings.ReplaceAll(line, "URL", "http://x"))
	}
	f.Add("curl ^\"http://x/^\" ^\r\n -H ^\"a: \\^\"b^\"\r\n")
	f.Add("curl x \\\n -d $'a\\x00b'\n#\ncurl 'y\n'")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ContainsAny(text, "@<") || strings.Contains(text, "-T") || strings.Contains(text, "upload") {
			return // it may read a file
		}
		r := New(strings.NewReader(text), Config{Agent: "x"})
		for {
			msg, err := r.Next()
			if err != nil {
				if err != io.EOF && !errors.As(err, new(*message.PositionError)) {
					t.Fatal(err)
				}
				return
			}
			if body := payload.Body(msg); len(body) == 0 {
				t.Fatalf("%q: no request", msg)
			}
		}
	})
}
