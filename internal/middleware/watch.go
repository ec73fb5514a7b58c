package middleware

import "time"

// When a program is asked about that gives nothing back.
const (
	// swallowedLeast is how many messages it must have been given: a buffer of 4 kB
	// holds the lines of four requests of the usual 500 bytes.
	swallowedLeast = 3

	// swallowedAfter is for how long it must have given nothing: longer than a
	// program takes to start and to ask something of a database.
	swallowedAfter = 10 * time.Second

	swallowedGrain = time.Second // how often it is looked at
)

// A watch finds out that a program swallows messages. One that writes to a pipe
// gathers some kilobytes before it writes at all, unless it was told otherwise:
// with little traffic that is minutes, and looks as if nothing were captured.
type watch struct {
	since time.Time // of the first look after the program's last message
	given uint64    // messages until then
	last  time.Time // of that message
	told  bool
}

// look says once how many messages the program was given since its last one, and
// in what time. given is how many it was given in all, and last when it gave the
// last one.
func (w *watch) look(now time.Time, given uint64, last time.Time) (n uint64, in time.Duration, tell bool) {
	if w.since.IsZero() || !last.Equal(w.last) || given == w.given {
		// It gave one, or was given none yet.
		w.since, w.given, w.last = now, given, last
		return 0, 0, false
	}
	n, in = given-w.given, now.Sub(w.since)
	if w.told || n < swallowedLeast || in < swallowedAfter {
		return 0, 0, false
	}
	w.told = true
	return n, in, true
}

// watch is the goroutine that looks at what the program gives back, until it has
// exited or was asked to.
func (m *Program) watch() {
	tick := time.NewTicker(swallowedGrain)
	defer tick.Stop()
	var w watch
	for {
		select {
		case <-m.exited:
			return
		case now := <-tick.C:
			n, in, tell := w.look(now, m.Feed.delivered.Load(), m.Back.LastMessage())
			if tell && !m.asked.Load() {
				m.logf("%s was given %d messages in %s and has given none back; if it is not meant to drop them all, it holds back its output: have it flush each line (grep --line-buffered, sed -u, python3 -u, fflush() in awk, or stdbuf -oL in front of it)",
					m.name, n, in.Round(time.Second))
			}
			if w.told {
				return
			}
		}
	}
}
