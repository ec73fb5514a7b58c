package main

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/recent"
	"github.com/buger/gor/internal/stats"
)

// A limiter decides which messages a limit lets through. A count is one for
// each second; a percentage is decided by the id alone. A response follows
// its request.
type limiter struct {
	limit   pace.Limit
	salt    uint32       // of the percentage: a tenth of a tenth is a hundredth
	now     func() int64 // ns since 1970
	limited atomic.Uint64

	mu      sync.Mutex
	window  pace.Window
	dropped *recent.IDs // requests that the window refused
}

func newLimiter(limit pace.Limit, plugin string) *limiter {
	a := &limiter{limit: limit, salt: pace.FNV32a([]byte(plugin)), now: func() int64 { return time.Now().UnixNano() }}
	if limit.Kind == pace.LimitCount {
		a.window = pace.NewWindow(limit.N)
		a.dropped = recent.New()
	}
	return a
}

// lock and unlock enclose pass and spend: between the two nothing else may
// count against the window.
func (a *limiter) lock() {
	if a.limit.Kind == pace.LimitCount {
		a.mu.Lock()
	}
}

func (a *limiter) unlock() {
	if a.limit.Kind == pace.LimitCount {
		a.mu.Unlock()
	}
}

// pass reports whether msg goes on.
func (a *limiter) pass(msg []byte) bool {
	ok := true
	switch a.limit.Kind {
	case pace.LimitPercent:
		ok = pace.KeepIDOf(payload.ID(msg), a.limit.N, a.salt)
	case pace.LimitCount:
		if payload.IsRequest(msg) {
			ok = a.window.Free(a.now())
		} else {
			_, dropped := a.dropped.Get(msg)
			ok = !dropped
		}
		if !ok {
			a.dropped.Put(msg, 1)
		}
	}
	if !ok {
		a.limited.Add(1)
	}
	return ok
}

// spend charges the window for a message that passed and was taken: one that
// finds no room behind the limiter costs nothing.
func (a *limiter) spend(msg []byte) {
	if a.limit.Kind == pace.LimitCount && payload.IsRequest(msg) {
		a.window.Spend(a.now())
	}
}

// Admit is pass, and spend for what passed.
func (a *limiter) Admit(msg []byte) bool {
	a.lock()
	defer a.unlock()
	ok := a.pass(msg)
	if ok {
		a.spend(msg)
	}
	return ok
}

// Limited is how many messages did not pass.
func (a *limiter) Limited() uint64 { return a.limited.Load() }

func (a *limiter) row() stats.Count {
	return stats.Count{Name: stats.LimitedRow, Kind: stats.Limited, N: a.Limited()}
}

// limitedInput drops what the limit does not let through, unseen by the
// emitter.
type limitedInput struct {
	plugin.Input
	limiter *limiter
}

// limitInput wraps in, or returns it as it is when there is no limit.
func limitInput(in plugin.Input, limit pace.Limit) plugin.Input {
	if limit.Kind == pace.LimitNone {
		return in
	}
	return &limitedInput{in, newLimiter(limit, in.String())}
}

func (l *limitedInput) Read(p []byte) (int, error) {
	for {
		n, err := l.Input.Read(p)
		if err != nil {
			return n, err
		}
		if l.limiter.Admit(p[:n]) {
			return n, nil
		}
	}
}

func (l *limitedInput) Counts() []stats.Count {
	return append([]stats.Count{l.limiter.row()}, l.Input.Counts()...)
}

func (l *limitedInput) String() string { return l.Input.String() + "|" + l.limiter.limit.String() }

// limitedOutput takes and drops what the limit does not let through.
type limitedOutput struct {
	plugin.Output
	limiter *limiter
}

// limitOutput wraps out, or returns it as it is when there is no limit.
func limitOutput(out plugin.Output, limit pace.Limit) plugin.Output {
	if limit.Kind == pace.LimitNone {
		return out
	}
	return &limitedOutput{out, newLimiter(limit, out.String())}
}

func (l *limitedOutput) Write(p []byte) (int, error) {
	l.limiter.lock()
	defer l.limiter.unlock()
	if !l.limiter.pass(p) {
		return len(p), nil
	}
	n, err := l.Output.Write(p)
	if err == nil {
		l.limiter.spend(p)
	}
	return n, err
}

func (l *limitedOutput) Counts() []stats.Count {
	return append([]stats.Count{l.limiter.row()}, l.Output.Counts()...)
}

func (l *limitedOutput) String() string { return l.Output.String() + "|" + l.limiter.limit.String() }

// splitLimit parts "address|limit" at its last bar.
func splitLimit(value string) (addr string, limit pace.Limit, err error) {
	addr, text, found := cutLast(value, '|')
	if !found {
		return value, pace.Limit{}, nil
	}
	limit, err = pace.ParseLimit(text)
	if before, other, more := cutLast(addr, '|'); err == nil && more && limit.Kind != pace.LimitNone {
		if first, ferr := pace.ParseLimit(other); ferr == nil && first.Kind != pace.LimitNone {
			err = fmt.Errorf("%q has two limits, |%s and |%s; leave one out, as in %s|%s", value, first, limit, before, limit)
		}
	}
	if err != nil {
		return "", pace.Limit{}, err
	}
	return addr, limit, nil
}

func cutLast(s string, sep byte) (before, after string, found bool) {
	if i := strings.LastIndexByte(s, sep); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}
