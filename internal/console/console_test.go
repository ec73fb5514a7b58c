package console

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A reader takes what is written when it is let, or fails.
type reader struct {
	mu   sync.Mutex
	b    bytes.Buffer
	hold chan struct{} // nil: takes everything
	err  error

	hangs chan struct{} // closed when a Write waits for hold; valid iff hold is
	once  sync.Once
}

// newHanging returns a reader that takes nothing until its hold is closed, and a
// Console whose writer waits for it: what is printed from now on is kept.
func newHanging(set func(c *Console)) (*reader, *Console) {
	r := &reader{hold: make(chan struct{}), hangs: make(chan struct{})}
	c := New(r)
	set(c)
	c.Printf("first")
	<-r.hangs
	return r, c
}

func (r *reader) Write(p []byte) (int, error) {
	if r.hold != nil {
		r.once.Do(func() { close(r.hangs) })
		<-r.hold
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return 0, r.err
	}
	return r.b.Write(p)
}

func (r *reader) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.String()
}

func TestAllIsWritten(t *testing.T) {
	r := &reader{}
	c := New(r)
	for i := range 100 {
		c.Printf("line %d", i)
	}
	c.Close()
	if got := strings.Count(r.text(), "gor: line "); got != 100 || c.Dropped() != 0 {
		t.Errorf("%d lines of 100, %d dropped", got, c.Dropped())
	}
	c.Printf("late")
	if c.Dropped() != 1 {
		t.Errorf("a line after Close: %d dropped, want 1", c.Dropped())
	}
}

// A reader that hangs costs lines and no time; when it reads again it learns how
// many and where, and has the last words.
func TestReaderHangs(t *testing.T) {
	r, c := newHanging(func(*Console) {})
	const lines = 2 * maxPending / 100
	for i := range lines {
		c.Printf("%06d %s", i, strings.Repeat("x", 92))
	}
	dropped := c.Dropped()
	if dropped == 0 || dropped > lines*3/4 {
		t.Fatalf("%d of %d dropped", dropped, lines)
	}
	var told uint64
	c.Last(func(w io.Writer, n uint64) { told = n; fmt.Fprintln(w, "the end") })
	close(r.hold)
	c.Close()
	text := r.text()
	note := fmt.Sprintf("gor: %d lines are missing here: nothing read stderr\nthe end\n", dropped)
	if !strings.HasSuffix(text, note) || told != dropped {
		t.Errorf("%d dropped, told %d, and it ends with %q", dropped, told, text[max(0, len(text)-200):])
	}
	if got := uint64(strings.Count(text, "xxx\n")); got+dropped != lines {
		t.Errorf("%d written and %d dropped of %d", got, dropped, lines)
	}
}

func TestCloseDoesNotWaitForEver(t *testing.T) {
	r, c := newHanging(func(*Console) {})
	defer close(r.hold)
	c.Printf("nobody reads this")
	ended := make(chan struct{})
	go func() { c.close(20*time.Millisecond, time.Minute); close(ended) }()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Fatal("Close waits for a reader that hangs")
	}
}

func TestReaderGone(t *testing.T) {
	r := &reader{err: syscall.EPIPE}
	c := New(r)
	c.Printf("one")
	c.Close()
	if c.Dropped() != 1 {
		t.Errorf("%d dropped, want 1", c.Dropped())
	}
}

// A stderr that somebody made non-blocking takes lines in pieces.
type reluctant struct{ reader }

func (r *reluctant) Write(p []byte) (int, error) {
	n, err := r.reader.Write(p[:min(len(p), 7)])
	if err == nil && n < len(p) {
		err = fmt.Errorf("write: %w", syscall.EAGAIN)
	}
	return n, err
}

func TestNonBlocking(t *testing.T) {
	r := &reluctant{}
	c := New(r)
	c.Printf("%s", strings.Repeat("0123456789", 100))
	c.Close()
	if got := r.text(); len(got) != len("gor: \n")+1000 || c.Dropped() != 0 {
		t.Errorf("%d bytes, %d dropped", len(got), c.Dropped())
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"":                              "",
		"plain text, \"quoted\" and ä€": "plain text, \"quoted\" and ä€",
		"a\ttab":                        "a\ttab",
		"x\ngor: ledger":                `x\ngor: ledger`,
		"\x1b[2J\r":                     `\x1b[2J\r`,
		"c1 \u0085 \u009b31m":           `c1 \u0085 \u009b31m`,
		"raw c1 \x9b31m":                `raw c1 \x9b31m`,
		"turned \u202egpj":              `turned \u202egpj`,
		"nul\x00":                       `nul\x00`,
		"line\u2028sep":                 `line\u2028sep`,
	} {
		if got := Clean(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("a\x1bb\n\xff\u0085")
	f.Fuzz(func(t *testing.T, s string) {
		got := Clean(s)
		for _, r := range got {
			if !shown(r, 2) {
				t.Fatalf("%q is shown as %q, with %U", s, got, r)
			}
		}
		if Clean(got) != got {
			t.Fatalf("%q: again %q", got, Clean(got))
		}
	})
}

// What a bar draws is not a line, and no line is drawn upon.
type testBar struct{ w io.Writer }

func (b testBar) Clear() error { _, err := io.WriteString(b.w, "<clear>"); return err }

func TestBar(t *testing.T) {
	r := &reader{}
	c := New(r)
	bar := testBar{c.BarWriter()}
	c.SetBar(bar)
	c.Draw(func() { io.WriteString(c.BarWriter(), "[==]") })
	c.Printf("line")
	c.SetBar(nil)
	c.Close()
	if got := r.text(); got != "[==]<clear>gor: line\n<clear>" {
		t.Errorf("%q", got)
	}
}
