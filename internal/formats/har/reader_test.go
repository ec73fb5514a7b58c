package har

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/buger/gor/internal/formats/message"
	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/payload"
)

// read gives the messages of an archive, with LF for line ends.
func read(t testing.TB, archive string) (all []string, r *Reader, err error) {
	t.Helper()
	r = New(strings.NewReader(archive), 1<<20)
	for {
		msg, err := r.Next()
		if err == io.EOF {
			return all, r, nil
		}
		if err != nil {
			return all, r, err
		}
		m, body, err := payload.Split(msg)
		if err != nil || int(m.Length) != len(body) || m.Time <= 0 {
			t.Fatalf("%q: %v", msg, err)
		}
		if v, _ := m.Attribute(payload.AttrOrigin); string(v) != "har" {
			t.Fatalf("%q: not marked as built from a HAR", msg)
		}
		if m.Type == payload.Request && !http1.CompleteRequest(body) {
			t.Fatalf("%q is no whole request", body)
		}
		all = append(all, fmt.Sprintf("%c %d\n%s", m.Type, m.Time, strings.ReplaceAll(string(body), "\r\n", "\n")))
	}
}

func archive(entries ...string) string {
	return `{"log":{"version":"1.2","creator":{"name":"x","version":"1"},"pages":[{"id":[1,{}]}],"entries":[` + strings.Join(entries, ",") + `],"comment":""}}`
}

const began = `"startedDateTime":"2025-10-10T13:55:36.250Z","time":10`

func TestEntries(t *testing.T) {
	for _, tt := range []struct {
		name, entry string
		want        []string
	}{
		{"headers as objects, answer decoded", `{` + began + `,"request":{"method":"GET","url":"https://www.example.com/a?b=c#d","httpVersion":"HTTP/1.1","headers":[{"name":"Host","value":"www.example.com"},{"name":"X","value":"y"}]},
			"response":{"status":200,"statusText":"OK","headers":[{"name":"Content-Encoding","value":"gzip"},{"name":"Content-Length","value":"99"},{"name":"Set-Cookie","value":"a=b\nc=d"}],"content":{"size":5,"text":"hello"}},"timings":{"blocked":-1,"send":1,"wait":4,"receive":5}}`,
			[]string{"1 1760104536250000000\nGET /a?b=c HTTP/1.1\nHost: www.example.com\nX: y\n\n",
				"2 1760104536255000000\nHTTP/1.1 200 OK\nSet-Cookie: a=b\nSet-Cookie: c=d\nContent-Length: 5\n\nhello"}},
		{"h2, pairs, text, status 0", `{` + began + `,"request":{"method":"POST","url":"https://x/","httpVersion":"h2","headers":[[":authority","www.example.com"],[":method","POST"],["content-length","3"],["content-type","text/plain"]],"postData":{"mimeType":"text/plain","text":"a\nb"}},"response":{"status":0}}`,
			[]string{"1 1760104536250000000\nPOST / HTTP/1.1\nHost: www.example.com\ncontent-type: text/plain\nContent-Length: 3\n\na\nb"}},
		{"headers as one object, parameters only, base64", `{` + began + `,"request":{"method":"POST","url":"http://x:80?q=1","headers":{"A":"b","N":1},"postData":{"mimeType":"application/x-www-form-urlencoded","params":[{"name":"a","value":"b c"},{"name":"d","value":"%20"}]}},"response":{"status":"200","headers":[],"content":{"size":2,"text":"aGk=","encoding":"base64"}}}`,
			[]string{"1 1760104536250000000\nPOST /?q=1 HTTP/1.1\nHost: x\nA: b\nN: 1\nContent-Type: application/x-www-form-urlencoded\nContent-Length: 11\n\na=b+c&d=%20",
				"2 1760104536250000000\nHTTP/1.1 200 \nContent-Length: 2\n\nhi"}},
		{"a form of parts", `{` + began + `,"request":{"method":"POST","url":"http://x/","headers":[],"postData":{"mimeType":"multipart/form-data; boundary=B","params":[{"name":"f","fileName":"x.txt","contentType":"text/plain","value":"v"}]}},"response":{"status":204}}`,
			[]string{"1 1760104536250000000\nPOST / HTTP/1.1\nHost: x\nContent-Type: multipart/form-data; boundary=B\nContent-Length: 103\n\n--B\nContent-Disposition: form-data; name=\"f\"; filename=\"x.txt\"\nContent-Type: text/plain\n\nv\n--B--\n",
				"2 1760104536250000000\nHTTP/1.1 204 \n\n"}},
		{"a body that is not there", `{` + began + `,"request":{"method":"GET","url":"http://x/","headers":[]},"response":{"status":200,"headers":[{"name":"Content-Length","value":"7"}],"content":{"size":7}}}`,
			[]string{"1 1760104536250000000\nGET / HTTP/1.1\nHost: x\n\n", "2 1760104536250000000\nHTTP/1.1 200 \nContent-Length: 7\n\n"}},
		{"data:", `{` + began + `,"request":{"method":"GET","url":"data:text/plain,x","headers":[]},"response":{"status":200}}`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, _, err := read(t, "\xef\xbb\xbf"+archive(tt.entry))
			if err != nil || strings.Join(got, "|") != strings.Join(tt.want, "|") {
				t.Errorf("got %q, %v\nwant %q", got, err, tt.want)
			}
		})
	}
}

func TestWhatIsWrongHasAPosition(t *testing.T) {
	good := `{` + began + `,"request":{"method":"GET","url":"http://x/","headers":[]},"response":{"status":0}}`
	for _, tt := range []struct{ archive, want string }{
		{"", "byte 0: the archive ends in the middle"},
		{"[]", "this is no HAR: want an object with log"},
		{`{"log":[2]}`, "this is no HAR: want an object with entries"},
		{`{"log":{"entries":{}}}`, "want the list of entries"},
		{`{"a":{"log":{}}}`, `there is no "log"`},
		{archive(good, `{"request":{"method":"GET","url":"http://x/"}}`), "entry 2: startedDateTime"},
		{archive(good)[:len(archive(good))-20], "the archive ends in the middle"},
		{archive(good, `{x`), "entry 2: invalid character"},
		{archive(good, `{`+began+`,"request":{"method":"GET","url":"http://x/","headers":[]},"response":{"status":200,"content":{"text":"!","encoding":"base64"}}}`), "entry 2: a body is not base64"},
		{archive(`{"request":{"url":"` + strings.Repeat("x", 5<<20)), "larger than the limit"},
	} {
		_, _, err := read(t, tt.archive)
		if !errors.As(err, new(*message.PositionError)) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%.60q: got %v, want %q", tt.archive, err, tt.want)
		}
	}
}

// The archives of exporters convert, and what is broken is refused with a
// position. They are not part of the project.
func TestExporters(t *testing.T) {
	const corpus = "../../../../shared/corpora/har"
	files, _ := filepath.Glob(corpus + "/*.har")
	if len(files) == 0 {
		t.Skip("there is no corpus of exporters' archives")
	}
	broken := map[string]bool{"brokenfile.har": true}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got, r, err := read(t, string(text))
		if broken[filepath.Base(file)] {
			if !errors.As(err, new(*message.PositionError)) {
				t.Errorf("%s: got %v", file, err)
			}
			continue
		}
		requests := uint64(0)
		for _, msg := range got {
			if msg[0] == payload.Request {
				requests++
			}
		}
		if err != nil || requests == 0 || requests+r.data != uint64(strings.Count(string(text), `"startedDateTime"`)-strings.Count(string(text), `"pageTimings"`)) {
			t.Errorf("%s: %d requests, %v", file, requests, err)
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add(archive(`{` + began + `,"request":{"method":"POST","url":"http://x/","headers":{"a":["b"]},"postData":{"params":[{"name":"a"}]}},"response":{"status":200,"content":{"text":"x"}}}`))
	f.Add(archive(`{` + began + `,"request":{"method":"GET","url":"https://x","headers":[[":path","/"]]},"response":{"status":101,"headers":[{"name":"Upgrade","value":"websocket"}]}}`))
	f.Add("\xef\xbb\xbf{\"log\":{\"entries\":[")
	f.Fuzz(func(t *testing.T, archive string) {
		if _, _, err := read(t, archive); err != nil && !errors.As(err, new(*message.PositionError)) {
			t.Fatalf("%v", err)
		}
	})
}
