// Package reach finds out early that a run has nobody to send to: a replay of an
// hour to an address that was mistyped should not take an hour to fail.
package reach

import (
	"fmt"
	"time"

	"github.com/buger/gor/internal/ledger"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/stats"
)

const (
	// Soon is how long after its first message an output that loses messages
	// may go without having reached its peer: a service that is restarted is
	// back within it.
	Soon = 5 * time.Second

	// Grain is how often Watch is to be ticked.
	Grain = 250 * time.Millisecond
)

// A Config says what Watch looks at, and whom it tells.
type Config struct {
	Outputs func() []ledger.Output

	// Patience is the same as Soon for outputs that lose nothing meanwhile,
	// because messages wait in them.
	Patience time.Duration

	// Tell is told of each output that has not reached its peer in that time.
	Tell func(sentence string)

	// Stop, unless nil, is called once when that is true of every output that
	// has a peer. alone says that there are no others.
	Stop func(alone bool)
}

// A state is what is known of one output.
type state struct {
	since time.Time // of its first message
	found finding
}

type finding uint8

const (
	open      finding = iota // it may reach its peer yet
	noPeer                   // it sends to nobody
	reached                  // or nothing says that it did not
	unreached                // not in time
)

// Watch looks at the outputs at each tick until all is known of them, or done is
// closed.
func Watch(cfg Config, ticks <-chan time.Time, done <-chan struct{}) {
	outputs := cfg.Outputs()
	states := make([]state, len(outputs))
	for i, out := range outputs {
		if plugin.FiguresOf(out.Report).Peer == plugin.NoPeer {
			states[i].found = noPeer
		}
	}
	for {
		select {
		case <-done:
			return
		case now := <-ticks:
			if cfg.look(states, now) {
				return
			}
		}
	}
}

// look reports whether everything is known.
func (cfg *Config) look(states []state, now time.Time) bool {
	for i, out := range cfg.Outputs() {
		if states[i].found == open {
			cfg.observe(&states[i], out, now)
		}
	}
	var found [unreached + 1]int
	for _, s := range states {
		found[s.found]++
	}
	if found[open] > 0 {
		return false
	}
	if found[unreached] > 0 && found[reached] == 0 && cfg.Stop != nil {
		cfg.Stop(found[noPeer] == 0)
	}
	return true
}

// observe looks at an output that has not yet shown whether it reaches
// anybody. What an output could not send to any peer says nothing.
func (cfg *Config) observe(s *state, out ledger.Output, now time.Time) {
	failing := out.Sum(stats.Failed)+out.Shed > 0
	if out.Sum(stats.Delivered) > 0 {
		s.found = reached
		return
	}
	if !failing && out.Pending() == 0 {
		s.since = time.Time{}
		return
	}
	if s.since.IsZero() {
		s.since = now
	}
	limit := cfg.Patience
	if failing {
		limit = min(limit, Soon)
	}
	waited := now.Sub(s.since)
	switch {
	case waited < limit:
	case plugin.FiguresOf(out.Report).Peer == plugin.Reached:
		s.found = reached
	default:
		s.found = unreached
		cfg.Tell(fmt.Sprintf("%s: not reached once in %s: %s", out.Name, waited.Round(time.Second), out.Equation()))
	}
}
