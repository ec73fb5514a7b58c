package middleware

import (
	"errors"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/stats"
)

// A Back is the way out of a middleware: an input like others.
type Back struct {
	m      *Program
	stdout *os.File
	lines  *payload.LineReader
	live   atomic.Bool
	msg    []byte // read and not yet given, when the last Read's buffer was short
	told   bool   // a bad line was reported
	ended  bool
	closed atomic.Bool

	bad   [5]atomic.Uint64 // payload.BadLines
	last  atomic.Int64     // when the last message came, ns since 1970
	waits queue.Bell       // rung when it begins to wait for the program
	awake atomic.Int64     // since when it waits for the program, ns since 1970; 0 when for the outputs
}

var _ plugin.Input = (*Back)(nil)

func (b *Back) Read(p []byte) (int, error) {
	if b.msg == nil {
		if err := b.next(); err != nil {
			return 0, err
		}
	}
	if len(p) < len(b.msg) {
		return 0, io.ErrShortBuffer
	}
	n := copy(p, b.msg)
	b.msg = nil
	b.lines.Release()
	return n, nil
}

// next gets the program's next message.
func (b *Back) next() error {
	if b.ended {
		return io.EOF
	}
	b.awake.Store(time.Now().UnixNano())
	b.waits.Ring()
	defer b.awake.Store(0)
	for {
		msg, err := b.lines.Next()
		b.bad[4].Store(b.lines.Bad().Newer)
		if err == nil {
			b.last.Store(time.Now().UnixNano())
			b.m.account.back(msg)
			b.msg = b.m.attrs.Restore(msg)
			return nil
		}
		if b.isBadLine(err) {
			continue
		}
		b.ended = true
		if b.closed.Load() {
			return io.EOF
		}
		if err := b.m.ended(); err != nil {
			return err
		}
		return io.EOF
	}
}

// isBadLine reports whether only a line was bad, and says so of the first.
func (b *Back) isBadLine(err error) bool {
	var line *payload.LineError
	if !errors.As(err, &line) {
		return false
	}
	b.count()
	if !b.told {
		b.told = true
		b.m.logf("a line on its stdout is not a message, and is left out (%s): %q; from here on they are only counted. What is meant for people belongs on its stderr", line.Reason, line.Line)
	}
	return true
}

func (b *Back) count() {
	bad := b.lines.Bad()
	for i, n := range []uint64{bad.NotHex, bad.Header, bad.TooLarge, bad.Torn, bad.Newer} {
		b.bad[i].Store(n)
	}
}

// Waits returns a channel that is closed when Read next begins to wait for the
// program: what came before is with whoever reads.
func (b *Back) Waits() <-chan struct{} { return b.waits.Next() }

// Quiet is for how long the program has given nothing although we wait for it.
func (b *Back) Quiet(now time.Time) time.Duration {
	since := b.awake.Load()
	if since == 0 {
		return 0
	}
	return now.Sub(time.Unix(0, max(since, b.last.Load())))
}

// Begun reports whether the program has given a message.
func (b *Back) Begun() bool { return b.last.Load() != 0 }

// LastMessage is when the program last gave a message; 1970 when it gave none.
func (b *Back) LastMessage() time.Time { return time.Unix(0, b.last.Load()) }

// Close ends the reading. What the program printed before was given already,
// or is lost with it.
func (b *Back) Close() error {
	if b.closed.Swap(true) {
		return nil
	}
	return b.stdout.Close()
}

// SetLive says whether an input is live that the program has its messages from.
func (b *Back) SetLive(live bool) { b.live.Store(live) }

// Live is true beside a capture: it cannot wait, and what waits here would
// keep it from the program.
func (b *Back) Live() bool { return b.live.Load() }

func (b *Back) Counts() []stats.Count {
	dropped, added, inside := b.m.account.counts()
	return []stats.Count{
		{Name: "dropped by the middleware", Kind: stats.Note, N: dropped},
		{Name: "unanswered: the middleware died", Kind: stats.Lost, N: b.m.account.lost()},
		{Name: "added by the middleware", Kind: stats.Note, N: added},
		{Name: "with the middleware", Kind: stats.Note, N: inside},
		{Name: "lines that are not hexadecimal", Kind: stats.Lost, N: b.bad[0].Load()},
		{Name: "lines without a header", Kind: stats.Lost, N: b.bad[1].Load()},
		{Name: "lines too large", Kind: stats.Lost, N: b.bad[2].Load()},
		{Name: "lines torn", Kind: stats.Lost, N: b.bad[3].Load()},
		{Name: "lines of a newer type", Kind: stats.Note, N: b.bad[4].Load()},
	}
}

func (b *Back) Progress() plugin.Progress { return plugin.Progress{} }
func (b *Back) Report(*plugin.Report)     {}
func (b *Back) String() string            { return "what came back from middleware " + b.m.name }
