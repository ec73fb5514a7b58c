package har

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/payload"
)

// What an archive has and a recording made of it has not. All else must come back
// when the recording becomes an archive again.
//
//   - pages, browser, comment, pageref, cache, serverIPAddress, and names that begin
//     with "_": a recording has no place for them
//   - entries of data: and other URLs that no request was sent for
//   - the fragment of a URL
//   - httpVersion: it is HTTP/1.1, or HTTP/1.0 when that was said
//   - headers whose name begins with ":", an empty Host, and those that frame a
//     message; Content-Length and Host are made when there are none
//   - a header's value of several lines, but for Set-Cookie's, is joined with commas
//   - Content-Encoding of a body that is there decoded
//   - sizes of headers and bodies, and content.compression
//   - postData.params beside a text; alone they become the text
//   - mimeType where it is not the Content-Type
//   - timings before the answer's first byte are one, wait; none is longer than a day
//   - cookies and queryString are made of headers and URL; redirectURL of Location
//   - of an answer whose body is not in the file, its size
//   - of HEAD, 204 and 304 a body
//   - an answer with status 0, which is none, but for its empty place
func normal(t *testing.T, e map[string]any) (map[string]any, bool) {
	t.Helper()
	text := func(m map[string]any, key string) string { s, _ := m[key].(string); return s }
	number := func(m map[string]any, key string) float64 { n, _ := m[key].(float64); return n }
	object := func(m map[string]any, key string) map[string]any { o, _ := m[key].(map[string]any); return o }
	req, resp := object(e, "request"), object(e, "response")
	address, _, _ := strings.Cut(text(req, "url"), "#")
	if !strings.HasPrefix(address, "http:") && !strings.HasPrefix(address, "https:") && !strings.HasPrefix(address, "ws") {
		return nil, false
	}
	scheme, rest, _ := strings.Cut(address, "://")
	host, path := rest, "/"
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		host, path = rest[:i], "/"+strings.TrimPrefix(rest[i:], "/")
	}
	host = strings.TrimSuffix(host, map[string]string{"http": ":80", "https": ":443"}[scheme])
	at, err := parseTime(text(e, "startedDateTime"))
	if err != nil {
		t.Fatal(err)
	}
	status := number(resp, "status")
	out := map[string]any{"at": at, "method": text(req, "method"), "scheme": strings.Replace(scheme, "ws", "http", 1), "path": path, "status": status}

	headers := func(m map[string]any, lost func(name, value string) bool) (list []string, get map[string]string) {
		get = map[string]string{}
		all, _ := m["headers"].([]any)
		for _, h := range all {
			h := h.(map[string]any)
			name, value := text(h, "name"), text(h, "value")
			get[strings.ToLower(name)] = value
			if strings.HasPrefix(name, ":") || framing(name) || strings.EqualFold(name, "host") || lost(name, value) {
				continue
			}
			lines := []string{oneLine(value)}
			if strings.EqualFold(name, "set-cookie") {
				lines = strings.Split(value, "\n")
			}
			for _, line := range lines {
				list = append(list, name+": "+strings.Trim(line, " \t"))
			}
		}
		return list, get
	}
	post := object(req, "postData")
	body := text(post, "text")
	list, get := headers(req, func(name, _ string) bool { return strings.EqualFold(name, "content-type") })
	out["headers"] = list
	contentType := get["content-type"]
	if contentType == "" && body != "" {
		contentType = text(post, "mimeType")
	}
	out["host"], out["type"] = host, contentType
	if h := get["host"]; h != "" {
		out["host"] = h
	} else if h := get[":authority"]; h != "" {
		out["host"] = h
	}
	if params, _ := post["params"].([]any); body == "" && len(params) > 0 {
		var p postData
		raw, _ := json.Marshal(post)
		json.Unmarshal(raw, &p)
		made, _, err := p.body(contentType)
		if err != nil {
			t.Fatal(err)
		}
		body = string(made)
	}
	decoded, err := decodeText(body, text(post, "encoding"))
	if err != nil {
		t.Fatal(err)
	}
	out["body"] = string(decoded)
	if status <= 0 {
		return out, true
	}
	out["statusText"] = text(resp, "statusText")
	content := object(resp, "content")
	answer, err := decodeText(text(content, "text"), text(content, "encoding"))
	if err != nil {
		t.Fatal(err)
	}
	if bodiless := out["method"] == "HEAD" || status < 200 || status == 204 || status == 304; bodiless {
		answer = nil
	}
	out["answerHeaders"], _ = headers(resp, func(name, _ string) bool {
		return strings.EqualFold(name, "content-encoding") && len(answer) > 0
	})
	out["answer"] = string(answer)
	var tm timings
	raw, _ := json.Marshal(e["timings"])
	if err := json.Unmarshal(raw, &tm); err != nil {
		t.Fatal(err)
	}
	out["wait"], out["receive"] = tm.first().Round(time.Microsecond), milliseconds(tm.Receive).Round(time.Microsecond)
	return out, true
}

// sortedHeaders is a message with its headers in order.
func sortedHeaders(msg []byte) string {
	head, body, _ := strings.Cut(string(payload.Body(msg)), "\r\n\r\n")
	lines := strings.Split(head, "\r\n")
	slices.Sort(lines[1:])
	return string(payload.Header(msg)) + strings.Join(lines, "\n") + "\n\n" + body
}

// entriesOf are the entries of an archive by time, as they count.
func entriesOf(t *testing.T, archive []byte) (list []map[string]any) {
	t.Helper()
	var a struct {
		Log struct {
			Entries []map[string]any `json:"entries"`
		} `json:"log"`
	}
	if err := json.Unmarshal(bytes.TrimPrefix(archive, []byte("\xef\xbb\xbf")), &a); err != nil {
		t.Fatal(err)
	}
	for _, e := range a.Log.Entries {
		if n, ok := normal(t, e); ok {
			list = append(list, n)
		}
	}
	slices.SortStableFunc(list, func(a, b map[string]any) int { return int(a["at"].(int64) - b["at"].(int64)) })
	return list
}

func TestRoundTrip(t *testing.T) {
	own, _ := filepath.Glob("testdata/*.har")
	corpus, _ := filepath.Glob("../../../../shared/corpora/har/*.har")
	if len(own) == 0 {
		t.Error("there is no sample")
	}
	for _, file := range append(own, corpus...) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Base(file) == "brokenfile.har" {
			continue
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			var out bytes.Buffer
			r, w := New(bytes.NewReader(text), 0), NewWriter(&out, "")
			first := map[string]bool{}
			for {
				msg, err := r.Next()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				first[sortedHeaders(msg)] = true
				if err := w.Write(msg); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			got, want := entriesOf(t, out.Bytes()), entriesOf(t, text)
			if len(got) != len(want) || len(want) == 0 {
				t.Fatalf("%d entries, want %d", len(got), len(want))
			}
			for i := range want {
				for key := range want[i] {
					if g, w := got[i][key], want[i][key]; !reflect.DeepEqual(g, w) {
						t.Errorf("entry %d, %s: got %.300q\nwant %.300q", i, key, fmt.Sprint(g), fmt.Sprint(w))
					}
				}
			}
			// The messages of the second archive are those of the first; headers that are
			// made stand where they are made.
			again := New(&out, 0)
			for n := 0; ; n++ {
				msg, err := again.Next()
				if err == io.EOF {
					if n != len(first) {
						t.Errorf("%d messages, want %d", n, len(first))
					}
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				if key := sortedHeaders(msg); !first[key] {
					t.Errorf("not in the first: %.500q", key)
				}
			}
		})
	}
}
