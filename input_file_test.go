package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/testkit"
)

// recordAt is the record of a request so many seconds after the first.
func recordAt(seconds int64, body string) []byte {
	m := payload.Meta{Type: payload.Request, ID: payload.AppendID(nil, 1, uint32(seconds)), Time: 1700000000e9 + seconds*1e9, Duration: -1, Length: -1}
	return payload.AppendRecord(nil, append(payload.AppendMeta(nil, m), body...))
}

// TestFileInputNamesItsFlags: what goes wrong is said with the flag that helps.
func TestFileInputNamesItsFlags(t *testing.T) {
	large := fmt.Sprintf("POST / HTTP/1.1\r\nContent-Length: 5000\r\n\r\n%5000s", "")
	name := testkit.WriteFile(t, filepath.Join(t.TempDir(), "x.gor"), append(recordAt(0, large), recordAt(1, "GET / HTTP/1.1\r\n\r\n")...))
	s, log := defaultSettings(), &testkit.Log{}
	s.MessageLimit = 4 << 10
	in, err := openInput(pluginArg{"input-file", name}, s, &plugin.Env{Logf: log.Logf})
	testkit.Must(t, err)
	for buf := make([]byte, 64<<10); err == nil; {
		_, err = in.Read(buf)
	}
	if err != io.EOF || log.Count("; --copy-buffer-size is the limit") != 1 {
		t.Errorf("%v; said %q", err, log.Lines())
	}

	name = testkit.WriteFile(t, filepath.Join(t.TempDir(), "x.gor"), append(recordAt(0, "GET / HTTP/1.1\r\n\r\n"), recordAt(3600, "GET / HTTP/1.1\r\n\r\n")...))
	log = &testkit.Log{}
	in, err = openInput(pluginArg{"input-file", name}, defaultSettings(), &plugin.Env{Logf: log.Logf})
	testkit.Must(t, err)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for buf := make([]byte, 64<<10); ; {
			if _, err := in.Read(buf); err != nil {
				return
			}
		}
	}()
	testkit.Eventually(t, "the pause announced", func() bool {
		return log.Count("the next request comes in 1h0m0s; --input-file-max-wait 5s shortens such pauses") == 1
	})
	testkit.Must(t, in.Close())
	<-ended
}

// TestFileInputMistakes: a mistake in what was typed is told from a file that is
// not there.
func TestFileInputMistakes(t *testing.T) {
	dir := t.TempDir()
	there := testkit.WriteFile(t, filepath.Join(dir, "x.gor"), recordAt(0, "GET / HTTP/1.1\r\n\r\n"))
	for _, tt := range []struct {
		pattern string
		limit   string
		set     func(s *Settings)
		usage   bool
		want    string
	}{
		{pattern: "", usage: true, want: "requests.gor"},
		{pattern: filepath.Join(dir, "[x"), usage: true, want: "syntax error in pattern"},
		{pattern: filepath.Join(dir, "missing*"), want: "no file matches"},
		{pattern: there, limit: "|max", set: func(s *Settings) { s.fileInput.Rate = 5 }, usage: true, want: "|max and --input-file-rate 5 both set the pace"},
	} {
		s := defaultSettings()
		if tt.set != nil {
			tt.set(s)
		}
		arg := pluginArg{"input-file", tt.pattern + tt.limit}
		_, err := openInput(arg, s, &plugin.Env{Logf: t.Logf})
		parsed, perr := parseInput(arg, s)
		for what, err := range map[string]error{"open": err, "--check": parsed.Checked(perr)} {
			if err == nil || !strings.Contains(err.Error(), tt.want) || errors.As(err, new(usageError)) != tt.usage {
				t.Errorf("%s %q: %v, want %q in it, usage %v", what, tt.pattern, err, tt.want, tt.usage)
			}
		}
	}
}

func TestInputGroups(t *testing.T) {
	for _, tt := range []struct {
		args, want []string // flag=value; "a + b" is a group
		said       string
	}{
		{[]string{"input-raw=:80"}, []string{":80"}, ""},
		{[]string{"input-file=a"}, []string{"a"}, ""},
		{[]string{"input-file=a", "input-file=b"}, []string{"a + b"}, ""},
		{[]string{"input-file=a", "input-tcp=:1", "input-file=b|10", "input-file=c|100%"}, []string{"a + b|10 + c|100%", ":1"}, ""},
		{[]string{"input-file=a|max", "input-file=b|max"}, []string{"a|max + b|max"}, ""},
		{[]string{"input-file=a|200%", "input-file=b", "input-file=c|200%"}, []string{"a|200% + c|200%", "b"}, "a|200%, c|200% and b have different speeds and are not merged by time"},
		{[]string{"input-file=a|max", "input-file=b|200%", "input-file=c"}, []string{"a|max", "b|200%", "c"}, "a|max and b|200% and c have different speeds"},
		{[]string{"input-file=a|no", "input-file=b", "input-file=c|0%"}, []string{"a|no", "b", "c|0%"}, ""},
	} {
		var inputs []pluginArg
		for _, arg := range tt.args {
			flag, value, _ := strings.Cut(arg, "=")
			inputs = append(inputs, pluginArg{flag, value})
		}
		log := &testkit.Log{}
		groups := inputGroups(inputs, log.Logf)
		var got []string
		for _, group := range groups {
			var values []string
			for _, arg := range group {
				values = append(values, arg.Value)
			}
			got = append(got, strings.Join(values, " + "))
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%q: groups %q, want %q", tt.args, got, tt.want)
		}
		if tt.said != "" && log.Count(tt.said) != 1 || tt.said == "" && len(log.Lines()) > 0 {
			t.Errorf("%q: said %q, want %q", tt.args, log.Lines(), tt.said)
		}
	}
}
