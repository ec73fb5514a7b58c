package outbound

import (
	"errors"
	"testing"
	"time"
)

// TestHealth goes through the life of a target on a clock of its own.
func TestHealth(t *testing.T) {
	var h Health
	start := time.Unix(1000, 0)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	type answer struct {
		try, probe bool
		wait       time.Duration
	}
	ask := func(ms int, want answer) <-chan struct{} {
		t.Helper()
		try, probe, wait, changed := h.mayTry(at(ms))
		if got := (answer{try, probe, max(wait, 0)}); got != want {
			t.Errorf("at %d ms: %+v, want %+v", ms, got, want)
		}
		return changed
	}
	note := func(began, now int, probe, ok, tell bool) {
		t.Helper()
		var err error
		if !ok {
			err = errors.New("refused")
		}
		if got := h.note(at(began), at(now), probe, err); got != tell {
			t.Errorf("note at %d ms: tell %v, want %v", now, got, tell)
		}
	}
	try, probe := answer{try: true}, answer{try: true, probe: true}
	wait := func(ms int) answer { return answer{wait: time.Duration(ms) * time.Millisecond} }
	down := wait(0)

	ask(0, try)
	ask(0, try) // while it is up, all may
	note(0, 1, false, false, true)
	note(0, 2, false, false, false) // was under way: changes nothing
	changed := ask(2, wait(9))
	ask(11, probe)
	ask(12, wait(488)) // for the one that tries
	note(11, 13, true, false, false)
	<-changed // whoever waited asks again
	ask(13, wait(20))
	ask(33, probe)
	note(33, 34, true, false, false)
	ask(74, probe)
	note(74, 75, true, false, false)
	ask(155, probe)
	note(155, 156, true, false, false)
	ask(316, probe)
	note(316, 317, true, false, false)
	ask(320, down) // the next try, at 637 ms, is too late for a request of now
	ask(636, down)
	ask(637, probe)
	ask(638, down) // not waited for
	note(637, 639, true, true, true)
	ask(640, try)

	// It comes and goes: what was told within the last minute is not told again.
	note(700, 701, false, false, false)
	note(702, 703, true, true, false)
	note(70_000, 70_001, false, false, true)
	note(70_011, 70_012, true, true, true)

	// A connect that runs into its timeout: nobody waits after it. While it lasts
	// that is told once a minute.
	note(140_000, 145_000, false, false, true)
	ask(145_001, down)
	note(147_000, 152_000, true, false, false)
	note(207_000, 212_000, true, false, true)
	note(214_000, 214_001, true, true, true)

	// The same, but others succeeded meanwhile: requests wait for the next try.
	note(284_000, 284_900, false, true, false)
	note(281_000, 285_000, false, false, true)
	ask(285_001, wait(9))
	ask(285_010, probe)
	ask(285_011, wait(389))
}

// TestConnectOverdue: a connect gets little time when others succeeded a moment
// ago, though none stands any more. It is tried again with all the time that there
// is, and nobody takes the target for one that is down meanwhile.
func TestConnectOverdue(t *testing.T) {
	var h Health
	tries := 0
	open := func(deadline time.Time) error {
		switch tries++; {
		case tries == 3:
			if try, _, _, _ := h.mayTry(time.Now()); !try {
				t.Error("others are not let try after a connect that was overdue")
			}
			if time.Until(deadline) < time.Second {
				t.Error("the try after one that was overdue may not take as long as the request")
			}
			return nil
		case tries == 1:
			return nil
		case time.Until(deadline) > time.Second:
			t.Error("the try after one that succeeded may take as long as the request")
		}
		<-time.After(2 * downPatience) // as on a host that halts
		return errors.New("i/o timeout")
	}
	for range 2 {
		if err := h.Connect(t.Context(), time.Now().Add(10*time.Second), open, func(error) {}); err != nil {
			t.Error(err)
		}
	}
	if tries != 3 {
		t.Errorf("%d tries, want 3", tries)
	}
}

func TestHealthPauseIsBounded(t *testing.T) {
	var h Health
	now := time.Unix(1000, 0)
	h.note(now, now, false, ErrDown)
	for range 20 {
		try, probe, _, _ := h.mayTry(now.Add(h.pause))
		if !try || !probe {
			t.Fatal("no try after the pause")
		}
		now = now.Add(h.pause)
		h.note(now, now, true, ErrDown)
	}
	if h.pause != downMost {
		t.Errorf("the pause is %s, want %s", h.pause, downMost)
	}
}
