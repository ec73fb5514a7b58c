package link

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// refusal is why a peer loses its connection, as the log will say it.
type refusal struct {
	count int
	what  string
}

func (e *refusal) Error() string { return e.what }

func refuse(count int, format string, args ...any) error {
	return &refusal{count, fmt.Sprintf(format, args...)}
}

// report counts and says why a connection ended, unless it ended well.
func (r *Receiver) report(p *peer, err error) {
	var no *refusal
	switch {
	case errors.As(err, &no):
		r.counts.Add(no.count)
		r.log.say("%s: connection closed: %s", p.conn.RemoteAddr(), no.what)
	case errors.Is(err, io.ErrUnexpectedEOF):
		// On the acknowledged link the sender sends it again.
		r.counts.Add(countTorn)
		r.log.say("%s: the connection ended inside a record", p.conn.RemoteAddr())
	}
}

const (
	logBurst  = 20
	logPeriod = 10 * time.Second
)

// shortLog passes on at most logBurst lines in logPeriod, so that a flood of
// bad peers does not become a flood of lines.
type shortLog struct {
	logf func(format string, args ...any)

	mu      sync.Mutex
	period  time.Time
	lines   int
	omitted int
}

func (l *shortLog) say(format string, args ...any) {
	now := time.Now()
	l.mu.Lock()
	omitted := 0
	if now.Sub(l.period) >= logPeriod {
		omitted = l.omitted
		l.period, l.lines, l.omitted = now, 0, 0
	}
	l.lines++
	quiet := l.lines > logBurst
	if quiet {
		l.omitted++
	}
	l.mu.Unlock()
	if omitted > 0 {
		l.logf("%d more lines about connections were left out", omitted)
	}
	if !quiet {
		l.logf(format, args...)
	}
}
