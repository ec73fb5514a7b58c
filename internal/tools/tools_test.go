package tools

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/rules"
)

// record is one of a recording.
func record(kind byte, id string, at, took int64, body string) string {
	msg := append(payload.AppendMeta(nil, payload.Meta{Type: kind, ID: []byte(id), Time: at, Duration: took, Length: int64(len(body))}), body...)
	return string(payload.AppendRecord(nil, msg))
}

const second = int64(1e9)

func recordingFile(t *testing.T) string {
	t.Helper()
	base := 1760104536 * second
	var b strings.Builder
	for i, r := range []struct{ method, host, path, body string }{
		{"GET", "a.com", "/one?x=1", ""}, {"POST", "b.com", "/two", "\x00\xff\x1b[31m"}, {"GET", "a.com", "/three\u202e", ""},
	} {
		id := "aaaaaaaaaaaaaaaa0000000" + string(rune('0'+i))
		b.WriteString(record('1', id, base+int64(i)*second, -1, r.method+" "+r.path+" HTTP/1.1\r\nHost: "+r.host+"\r\nContent-Length: "+string(rune('0'+len(r.body)))+"\r\n\r\n"+r.body))
		b.WriteString(record('2', id, base+int64(i)*second+second/4, second/4, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nok"))
	}
	name := filepath.Join(t.TempDir(), "x.gor")
	if err := os.WriteFile(name, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func config(t *testing.T) (Config, *bytes.Buffer, *strings.Builder) {
	var out bytes.Buffer
	var said strings.Builder
	return Config{Stdout: &out, Logf: func(format string, args ...any) { t.Logf(format, args...) }}, &out, &said
}

func TestList(t *testing.T) {
	c, out, _ := config(t)
	if err := List(c, recordingFile(t), false); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 || !strings.Contains(lines[0], "200") || !strings.Contains(lines[0], "500ms") || !strings.HasSuffix(lines[0], "a.com/one?x=1") || !strings.HasSuffix(lines[2], `/three\u202e`) {
		t.Errorf("got %q", lines)
	}
	out.Reset()
	if err := List(c, recordingFile(t), true); err != nil {
		t.Fatal(err)
	}
	var r row
	if err := json.NewDecoder(out).Decode(&r); err != nil || r.Status != 200 || r.Latency != second/2 || r.Path != "/one?x=1" {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestShowIsSafeForTerminals(t *testing.T) {
	c, out, _ := config(t)
	if err := Show(c, recordingFile(t), "aaaaaaaaaaaaaaaa00000001", false, false); err != nil {
		t.Fatal(err)
	}
	if s := out.String(); !strings.Contains(s, "POST /two HTTP/1.1\nHost: b.com\n") || !strings.Contains(s, `\x00\xff\x1b[31m`) || strings.ContainsAny(s, "\x00\x1b\r") {
		t.Errorf("got %q", s)
	}
	if err := Show(c, recordingFile(t), "b", false, false); !errors.As(err, new(*NotFoundError)) {
		t.Errorf("got %v", err)
	}
}

func TestStat(t *testing.T) {
	c, out, _ := config(t)
	if err := Stat(c, recordingFile(t), true); err != nil {
		t.Fatal(err)
	}
	var s Summary
	if err := json.NewDecoder(out).Decode(&s); err != nil || s.Requests != 3 || s.Answered != 3 || s.Connections != 1 || s.Hosts["a.com"] != 2 || s.Methods["POST"] != 1 || s.Statuses["200"] != 3 || s.Routes["GET /one"] != 1 || s.Routes["POST /two"] != 1 || len(s.Routes) != 3 {
		t.Errorf("got %+v, %v", s, err)
	}
	sum := 0
	for _, n := range s.Rates {
		sum += n
	}
	if sum != 3 {
		t.Errorf("rates %v", s.Rates)
	}
	empty := filepath.Join(t.TempDir(), "e.gor")
	os.WriteFile(empty, nil, 0o600)
	if err := Stat(c, empty, false); !errors.As(err, new(*EmptyError)) {
		t.Errorf("got %v", err)
	}
}

// convert converts and returns what was written to standard output.
func convert(t *testing.T, v Conversion) string {
	t.Helper()
	c, out, _ := config(t)
	if err := Convert(c, v); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// A recording that becomes HAR and a recording again has the same methods,
// targets, bodies, statuses and times. What it loses: nothing here but the
// attributes, which then say that it was built.
func TestHARAndBack(t *testing.T) {
	file := recordingFile(t)
	archive := filepath.Join(t.TempDir(), "x.har")
	c, _, _ := config(t)
	if err := Convert(c, Conversion{In: []string{file}, Out: archive}); err != nil {
		t.Fatal(err)
	}
	got, want := messages(t, convert(t, Conversion{In: []string{archive}, Out: "gor:-"})), messages(t, convert(t, Conversion{In: []string{file}, Out: "gor:-"}))
	if len(got) != len(want) {
		t.Fatalf("%d messages, want %d", len(got), len(want))
	}
	for i := range want {
		g, w := strings.Replace(got[i], "Content-Type: text/plain\r\nContent-Length: 2", "Content-Length: 2\r\nContent-Type: text/plain", 1), want[i]
		w = strings.Replace(w, "Content-Length: 0\r\n", "", 1)
		g = strings.Replace(g, "Content-Length: 0\r\n", "", 1)
		if g != w {
			t.Errorf("message %d: got %q\nwant %q", i, g, w)
		}
	}
	if err := Convert(c, Conversion{In: []string{file}, Out: archive}); err == nil || !strings.Contains(err.Error(), "nothing is overwritten") {
		t.Errorf("got %v", err)
	}
}

// messages are those of a recording: type, time and bytes.
func messages(t *testing.T, recording string) (all []string) {
	t.Helper()
	r, err := payload.Open(strings.NewReader(recording), "", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for {
		msg, err := r.Next()
		if err != nil {
			return all
		}
		m, body, _ := payload.Split(msg)
		all = append(all, string(m.Type)+" "+string(payload.AppendMeta(nil, payload.Meta{Type: m.Type, ID: []byte("x"), Time: m.Time, Duration: -1, Length: -1}))+string(body))
	}
}

func TestCurlAndBack(t *testing.T) {
	lines := `curl -X PUT 'http://x/a?b=c' -H 'A: b' --data-raw $'it\'s\x01'
curl http://x/ \
  -H 'Accept: text/html'
`
	in := filepath.Join(t.TempDir(), "x.curl")
	os.WriteFile(in, []byte(lines), 0o600)
	first := convert(t, Conversion{In: []string{in}, Out: "gor:-"})
	again := filepath.Join(t.TempDir(), "y.curl")
	os.WriteFile(again, []byte(convert(t, Conversion{In: []string{in}, Out: "curl:-"})), 0o600)
	second := convert(t, Conversion{In: []string{again}, Out: "gor:-"})
	if a, b := messages(t, first), messages(t, second); len(a) != 2 || !strings.Contains(a[0], "\r\n\r\nit's\x01") || len(b) != 2 || !strings.HasSuffix(b[0], "\r\n\r\nit's\x01") {
		t.Errorf("first %q\nthen %q", a, b)
	}
}

func TestFiltersAndBounds(t *testing.T) {
	file := recordingFile(t)
	rule, err := rules.Parse(rules.AllowMethod, "GET")
	if err != nil {
		t.Fatal(err)
	}
	base := 1760104536 * second
	for _, tt := range []struct {
		name string
		v    Conversion
		want int
	}{
		{"a filter drops the answer too", Conversion{Rules: []rules.Rule{rule}}, 4},
		{"from", Conversion{From: base + second}, 4},
		{"to", Conversion{To: base + second}, 2},
		{"two files", Conversion{In: []string{file, file}}, 12},
	} {
		if tt.v.In == nil {
			tt.v.In = []string{file}
		}
		tt.v.Out = "gor:-"
		if got := messages(t, convert(t, tt.v)); len(got) != tt.want {
			t.Errorf("%s: %d messages, want %d", tt.name, len(got), tt.want)
		}
	}
	if n := strings.Count(convert(t, Conversion{In: []string{file}, Out: "jsonl:-"}), "\n"); n != 3 {
		t.Errorf("%d JSON lines", n)
	}
	dir := t.TempDir()
	c, _, _ := config(t)
	if err := Convert(c, Conversion{In: []string{file}, Out: filepath.Join(dir, "x.gor"), ByHost: true}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"x_a.com.gor": 4, "x_b.com.gor": 2} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if got := messages(t, string(text)); err != nil || len(got) != want {
			t.Errorf("%s: %d messages, %v", name, len(got), err)
		}
	}
}

// A line fits the terminal, whatever its characters are.
func TestFit(t *testing.T) {
	for _, tt := range []struct {
		text  string
		width int
		want  string
	}{
		{"abcdef", 6, "abcdef"}, {"abcdef", 5, "abcd…"}, {"日本語", 6, "日本語"}, {"日本語", 5, "日本…"}, {"日本語", 4, "日…"}, {"e\u0301e\u0301e\u0301", 3, "e\u0301e\u0301e\u0301"}, {"ｱｲｳ", 3, "ｱｲｳ"}, {"🐵🙈", 3, "🐵…"}, {"abc", 0, "abc"}, {"żółć", 4, "żółć"},
	} {
		if got := fit(tt.text, tt.width); got != tt.want || tt.width > 0 && columns(got) > tt.width {
			t.Errorf("fit(%q, %d) is %q, want %q", tt.text, tt.width, got, tt.want)
		}
	}
	c := Config{Width: 100}
	line := c.line(&row{ID: strings.Repeat("a", 24), Method: strings.Repeat("PROPFIND", 100), Host: "x", Path: strings.Repeat("/日本", 100), Time: second})
	if n := columns(line); n > 110 || n < 90 {
		t.Errorf("%d columns: %s", n, line)
	}
}

// TestArchiveThatWasCut: of an archive whose writer was stopped, each whole entry is
// listed, counted and converted, and the end is told with its place.
func TestArchiveThatWasCut(t *testing.T) {
	whole := []byte(convert(t, Conversion{In: []string{recordingFile(t)}, Out: "har:-"}))
	last := bytes.LastIndex(whole, []byte(`"startedDateTime"`))
	for _, end := range []int{last + 30, len(whole) - 20, len(whole) - 5} {
		dir := t.TempDir()
		name := filepath.Join(dir, "cut.har")
		if err := os.WriteFile(name, whole[:end], 0o600); err != nil {
			t.Fatal(err)
		}
		want := 2
		if end == len(whole)-5 {
			want = 3
		}
		c, out, _ := config(t)
		err := Convert(c, Conversion{In: []string{name}, Out: filepath.Join(dir, "out.gor")})
		if err == nil || !strings.Contains(err.Error(), "byte ") || !strings.Contains(err.Error(), "ends in the middle; what stands before that was written") {
			t.Errorf("cut at %d: %v", end, err)
		}
		made, err := os.ReadFile(filepath.Join(dir, "out.gor"))
		if err != nil {
			t.Fatal(err)
		}
		if got := len(messages(t, string(made))); got != 2*want {
			t.Errorf("cut at %d: %d messages, want %d", end, got, 2*want)
		}
		if err := List(c, name, false); err == nil || strings.Count(out.String(), "\n") != want {
			t.Errorf("cut at %d: %v, listed %q", end, err, out)
		}
		out.Reset()
		if err := Stat(c, name, true); err == nil || !strings.Contains(out.String(), `"requests": `+string(rune('0'+want))) {
			t.Errorf("cut at %d: %v, %s", end, err, out)
		}
	}
}
