package link

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/buger/gor/internal/outbound"
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
		if r.log.fresh(p.conn.RemoteAddr(), no.what, time.Now()) {
			r.log.say("%s: connection closed: %s", p.conn.RemoteAddr(), no.what)
		}
	case errors.Is(err, io.ErrUnexpectedEOF):
		// On the acknowledged link the sender sends it again.
		r.counts.Add(countTorn)
		const what = "the connection ended inside a record"
		if r.log.fresh(p.conn.RemoteAddr(), what, time.Now()) {
			r.log.say("%s: %s", p.conn.RemoteAddr(), what)
		}
	}
}

const (
	logBurst  = 20
	logPeriod = 10 * time.Second

	// maxSaid bounds what is remembered of who was told what: far more than
	// logBurst lines in a minute.
	maxSaid = 1024
)

// shortLog passes on at most logBurst lines in logPeriod, so that a flood of
// bad peers does not become a flood of lines.
type shortLog struct {
	logf func(format string, args ...any)

	mu      sync.Mutex
	period  time.Time
	lines   int
	omitted int
	said    map[said]time.Time
}

// said is what was said of the connections of a host.
type said struct{ host, what string }

// fresh reports whether this was not said of the host within the last minute: a
// sender that is refused tries again and again. The counts have each.
func (l *shortLog) fresh(from net.Addr, what string, now time.Time) bool {
	host, _, err := net.SplitHostPort(from.String())
	if err != nil {
		host = from.String()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	key := said{host, what}
	if at, known := l.said[key]; known && now.Sub(at) < outbound.SayAgain {
		return false
	}
	if l.said == nil || len(l.said) >= maxSaid {
		l.said = make(map[said]time.Time)
	}
	l.said[key] = now
	return true
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
