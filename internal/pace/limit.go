// Package pace is the arithmetic of time and of shares: how many messages a
// second, which percentage of them, when the next one of a recording is due.
// It takes every time as an argument, in ns on a clock of the caller's choice.
// Only the Sleeper looks at a clock and waits.
package pace

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A LimitKind tells what a Limit's N means.
type LimitKind uint8

// The kinds of limits that may follow an address after "|".
const (
	LimitNone    LimitKind = iota // nothing was said
	LimitCount                    // at most N messages in a second
	LimitPercent                  // N percent of the messages; of a replay, N percent of the recorded speed
	LimitMax                      // of a replay: without waiting
)

// A Limit is what stands after "|" in an address.
type Limit struct {
	Kind LimitKind
	N    int // LimitCount: at least 1; LimitPercent: at least 0
}

// maxLimit keeps N in 32 bits, so that no product with a time overflows.
const maxLimit = 1<<31 - 1

// ParseLimit reads "10", "10%" or "max"; "" means no limit. Whether a percentage
// is a share, at most 100, or a speed, at least 1, the caller knows: see Share
// and Speed.
func ParseLimit(s string) (Limit, error) {
	switch text := strings.TrimSpace(s); {
	case text == "":
		return Limit{}, nil
	case strings.EqualFold(text, "max"):
		return Limit{Kind: LimitMax}, nil
	case strings.HasSuffix(text, "%"):
		n, err := parseWhole(strings.TrimSuffix(text, "%"), 0)
		if err != nil {
			return Limit{}, fmt.Errorf("limit %q: %w, such as 10%%", s, err)
		}
		return Limit{LimitPercent, n}, nil
	default:
		if times, err := strconv.ParseFloat(strings.TrimRight(text, "xX"), 64); err == nil && text != strings.TrimRight(text, "xX") && times > 0 && times < maxLimit/100 {
			return Limit{}, fmt.Errorf("limit %q: a speed is a percentage of the recorded one; type %.0f%%", s, 100*times)
		}
		n, err := parseWhole(text, 1)
		if err != nil {
			return Limit{}, fmt.Errorf("limit %q: %w, such as 10 messages a second, or 10%% for a share", s, err)
		}
		return Limit{LimitCount, n}, nil
	}
}

func parseWhole(s string, least int) (int, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange) || err == nil && n > maxLimit:
		return 0, fmt.Errorf("type a number of at most %d", maxLimit)
	case err != nil || n < int64(least) || s[0] == '+':
		return 0, fmt.Errorf("type a whole number of at least %d", least)
	}
	return int(n), nil
}

// Share returns an error unless l can limit any input or output: max and a
// percentage above 100 are speeds of a replay.
func (l Limit) Share() error {
	switch {
	case l.Kind == LimitMax:
		return errors.New("limit max: only --input-file has a speed; leave out |max for no limit")
	case l.Kind == LimitPercent && l.N > 100:
		return fmt.Errorf("limit %d%%: type at most 100%%; only --input-file has a speed above that", l.N)
	}
	return nil
}

// Speed returns an error unless l can follow the name of a recording: at 0 %
// of its speed nothing would ever come.
func (l Limit) Speed() error {
	if l.Kind == LimitPercent && l.N == 0 {
		return errors.New("limit 0%: type a speed of at least 1%, such as 50%, or max for no waiting")
	}
	return nil
}

// String returns the limit as ParseLimit reads it.
func (l Limit) String() string {
	switch l.Kind {
	case LimitCount:
		return strconv.Itoa(l.N)
	case LimitPercent:
		return strconv.Itoa(l.N) + "%"
	case LimitMax:
		return "max"
	}
	return ""
}

// Words say what the limit does, "" for none. speed says that a percentage is the
// speed of a replay.
func (l Limit) Words(speed bool) string {
	switch {
	case l.Kind == LimitMax:
		return "as fast as it goes"
	case l.Kind == LimitPercent && speed:
		return fmt.Sprintf("at %d%% of its recorded speed", l.N)
	case l.Kind == LimitPercent:
		return fmt.Sprintf("%d%% of the messages, the rest dropped", l.N)
	case l.Kind == LimitCount:
		return fmt.Sprintf("at most %d messages a second, the rest dropped", l.N)
	}
	return ""
}
