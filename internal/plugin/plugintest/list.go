package plugintest

import (
	"io"

	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/stats"
)

// A ListInput is an input that gives Messages, which it takes off, and then Err,
// or io.EOF when that is nil.
type ListInput struct {
	Messages [][]byte
	Err      error
	IsLive   bool
}

// Read gives the next message.
func (l *ListInput) Read(p []byte) (int, error) {
	switch {
	case len(l.Messages) == 0 && l.Err == nil:
		return 0, io.EOF
	case len(l.Messages) == 0:
		return 0, l.Err
	case len(p) < len(l.Messages[0]):
		return 0, io.ErrShortBuffer
	}
	n := copy(p, l.Messages[0])
	l.Messages = l.Messages[1:]
	return n, nil
}

// Close does nothing.
func (l *ListInput) Close() error { return nil }

// Live is IsLive.
func (l *ListInput) Live() bool { return l.IsLive }

// Counts has no rows.
func (l *ListInput) Counts() []stats.Count { return nil }

// Progress says nothing.
func (l *ListInput) Progress() plugin.Progress { return plugin.Progress{} }

// Report says nothing.
func (l *ListInput) Report(*plugin.Report) {}

// String is "list".
func (l *ListInput) String() string { return "list" }
