package replay

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/plugin"
)

// idleClock is a clock on which all waiting is over at once.
type idleClock struct{ now int64 }

func (c *idleClock) Now() int64 { return c.now }
func (c *idleClock) Yield()     {}
func (c *idleClock) Until(deadline int64, _ <-chan struct{}) bool {
	c.now = max(c.now, deadline)
	return true
}

// A tapped replay shows what it gives to a dry run.
type tapped struct {
	*Replay
	all *contents
}

func (t *tapped) Read(p []byte) (int, error) {
	n, err := t.Replay.Read(p)
	if err == nil {
		t.all.add(p[:n])
	}
	return n, err
}

// DryRun reads the recordings as a replay would, on a clock that waits for
// nothing, and says on w what is in them and how long the replay will take. It
// does not loop. filter puts filters and rewrites behind the replay, or returns it
// as it is.
func DryRun(cfg Config, filter func(plugin.Input) plugin.Input, w io.Writer) error {
	cfg.Loop = false
	f, err := Open(cfg)
	if err != nil {
		return err
	}
	clock := &idleClock{now: 1} // zero is not begun
	f.clock, f.dry = clock, true
	all, passed := newContents(), newContents()
	in := filter(&tapped{f, all})
	buf := make([]byte, dryBuffer)
	for {
		n, err := in.Read(buf)
		if errors.Is(err, io.ErrShortBuffer) {
			buf = make([]byte, 2*len(buf))
			continue
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return &ReadError{fmt.Errorf("%s: %w", f, err)}
		}
		passed.add(buf[:n])
	}
	fmt.Fprintf(w, "%s\n", f)
	fmt.Fprintf(w, "  records: %s\n", all.records())
	if passed.kinds != all.kinds {
		fmt.Fprintf(w, "  after the filters: %s\n", passed.records())
		if passed.kinds[payload.Request] > 0 {
			fmt.Fprintf(w, "  their times: %s to %s\n", stamp(passed.first), stamp(passed.last))
		}
	}
	passed.write(w)
	if f.given.Load() > 0 {
		fmt.Fprintf(w, "  recorded: %s to %s, over %s\n", stamp(f.span.first), stamp(f.span.last), plugin.RoundSpan(time.Duration(f.span.recorded.Load())))
		fmt.Fprintf(w, "  replay: %s\n", f.expected(clock.now))
		fmt.Fprintf(w, "  out of order: %d, of which %d by more than %d records (%s)\n", f.shuffled.Load(), f.late.Load(), cfg.Depth, cfg.Hints.Depth)
	}
	for _, row := range f.files.counts() {
		if row.N > 0 {
			fmt.Fprintf(w, "  %s: %d\n", row.Name, row.N)
		}
	}
	return nil
}

// expected says how long the replay takes when nothing is late.
func (f *Replay) expected(end int64) string {
	if f.cfg.Timing.Max {
		return "as fast as it goes (|max)"
	}
	text := "takes " + plugin.RoundSpan(time.Duration(end-f.span.began.Load())).String()
	if n := f.span.shortened.Load(); n > 0 {
		text += fmt.Sprintf(", %d pauses shortened by %s in all", n, plugin.RoundSpan(time.Duration(f.span.saved.Load())))
	}
	for _, s := range f.cfg.Sources {
		if s.Limit.Kind != pace.LimitCount {
			continue
		}
		of := ""
		if len(f.cfg.Sources) > 1 {
			of = " of " + s.Pattern
		}
		text += fmt.Sprintf("; of what comes in a second%s at most %d are replayed", of, s.Limit.N)
	}
	return text
}

// dryBuffer holds nearly every message.
const dryBuffer = 64 << 10

// A ReadError is about a recording that could be opened and not be read to its
// end.
type ReadError struct{ error }

func (e *ReadError) Unwrap() error { return e.error }

func stamp(ns int64) string { return time.Unix(0, ns).Format("2006-01-02 15:04:05.000 -07:00") }
