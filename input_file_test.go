package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/testkit"
)

// fileLog collects what a plugin says.
type fileLog struct {
	mu    sync.Mutex
	lines []string
}

func (l *fileLog) logf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

func (l *fileLog) count(part string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		if strings.Contains(line, part) {
			n++
		}
	}
	return n
}

// recordAt is the record of a request so many seconds after the first.
func recordAt(seconds int64, body string) []byte {
	m := payload.Meta{Type: payload.Request, ID: payload.AppendID(nil, 1, uint32(seconds)), Time: 1700000000e9 + seconds*1e9, Duration: -1, Length: -1}
	return payload.AppendRecord(nil, append(payload.AppendMeta(nil, m), body...))
}

// TestFileInputNamesItsFlags: what goes wrong is said with the flag that helps.
func TestFileInputNamesItsFlags(t *testing.T) {
	large := fmt.Sprintf("POST / HTTP/1.1\r\nContent-Length: 5000\r\n\r\n%5000s", "")
	name := testkit.WriteFile(t, filepath.Join(t.TempDir(), "x.gor"), append(recordAt(0, large), recordAt(1, "GET / HTTP/1.1\r\n\r\n")...))
	s, log := defaultSettings(), &fileLog{}
	s.MessageLimit = 4 << 10
	in, err := newFileInput(name, pace.Limit{}, s, &pluginEnv{logf: log.logf})
	testkit.Must(t, err)
	for buf := make([]byte, 64<<10); err == nil; {
		_, err = in.Read(buf)
	}
	if err != io.EOF || log.count("; --copy-buffer-size is the limit") != 1 {
		t.Errorf("%v; said %q", err, log.lines)
	}

	name = testkit.WriteFile(t, filepath.Join(t.TempDir(), "x.gor"), append(recordAt(0, "GET / HTTP/1.1\r\n\r\n"), recordAt(3600, "GET / HTTP/1.1\r\n\r\n")...))
	log = &fileLog{}
	in, err = newFileInput(name, pace.Limit{}, defaultSettings(), &pluginEnv{logf: log.logf})
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
		return log.count("the next request comes in 1h0m0s; --input-file-max-wait 5s shortens such pauses") == 1
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
		limit   pace.Limit
		set     func(s *Settings)
		usage   bool
		want    string
	}{
		{pattern: "", usage: true, want: "requests.gor"},
		{pattern: filepath.Join(dir, "[x"), usage: true, want: "syntax error in pattern"},
		{pattern: filepath.Join(dir, "missing*"), want: "no file matches"},
		{pattern: there, limit: pace.Limit{Kind: pace.LimitMax}, set: func(s *Settings) { s.FileRate = 5 }, usage: true, want: "|max and --input-file-rate 5 both set the pace"},
	} {
		s := defaultSettings()
		if tt.set != nil {
			tt.set(s)
		}
		_, err := newFileInput(tt.pattern, tt.limit, s, &pluginEnv{logf: t.Logf})
		for what, err := range map[string]error{"open": err, "--check": checkFileInput(tt.pattern, tt.limit, s)} {
			if err == nil || !strings.Contains(err.Error(), tt.want) || errors.As(err, new(usageError)) != tt.usage {
				t.Errorf("%s %q: %v, want %q in it, usage %v", what, tt.pattern, err, tt.want, tt.usage)
			}
		}
	}
}
