package outbound

import (
	"testing"
	"time"
)

// TestCeiling: the target takes three connections, later more; on a clock of the
// test's own.
func TestCeiling(t *testing.T) {
	var c Ceiling
	start := time.Unix(1000, 0)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	allow := func(ms, want int, again time.Duration) {
		t.Helper()
		if n, after := c.Allow(at(ms), 512); n != want || after != again {
			t.Errorf("at %d ms: %d, again after %s; want %d, %s", ms, n, after, want, again)
		}
	}
	begin := func(ms, n int) (list []*Attempt) {
		for range n {
			a := c.Begin(at(ms))
			list = append(list, &a)
		}
		return list
	}
	allow(0, 512, 0)
	works := begin(0, 3)
	works[0].Works()
	works[0].Works() // counts once
	others := begin(1, 4)
	if !others[0].Fail(at(10), true) {
		t.Error("nobody is told")
	}
	allow(10, 1, 100*time.Millisecond)
	for i, a := range others[1:] { // were under way: say no more
		if a.Fail(at(11+i), true) {
			t.Error("it is told again")
		}
	}
	works[1].Works()
	works[2].Works()
	allow(20, 3, 90*time.Millisecond)

	// One is tried after each pause, which doubles.
	allow(110, 4, 100*time.Millisecond)
	tried := begin(110, 1)[0]
	if !tried.Careful() || works[0].Careful() {
		t.Error("a new connection is to be left alone first, and one that works is not")
	}
	tried.Fail(at(120), false)
	allow(121, 3, 199*time.Millisecond)
	allow(320, 4, 100*time.Millisecond)

	// When one works, two are tried, and so on.
	for i, want := range []int{3 + 1 + 2, 3 + 1 + 1 + 4} {
		tried := begin(330+i, 1)[0]
		tried.Works()
		allow(331+i, want, 100*time.Millisecond)
	}

	// What has ended is not counted; the target is another when none is left.
	works[0].End()
	works[0].End()
	again := begin(400, 1)[0]
	again.Fail(at(401), false)
	allow(401, 4, 100*time.Millisecond)
	c.Forget()
	allow(401, 512, 0)
	if n := c.Refused(); n != 6 {
		t.Errorf("%d were refused, want 6", n)
	}
}

// TestCeilingBeforeAnswers: connections that stand and wait for their first answer
// are no reason to try none beside them.
func TestCeilingBeforeAnswers(t *testing.T) {
	var c Ceiling
	start := time.Unix(1000, 0)
	stand := make([]Attempt, 99)
	for i := range stand {
		stand[i] = c.Begin(start)
	}
	fail := func(ms int) {
		a := c.Begin(start.Add(time.Duration(ms) * time.Millisecond))
		a.Fail(start.Add(time.Duration(ms+1)*time.Millisecond), false)
	}
	allow := func(ms, want int) {
		t.Helper()
		if n, _ := c.Allow(start.Add(time.Duration(ms)*time.Millisecond), 512); n != want {
			t.Errorf("at %d ms: %d, want %d", ms, n, want)
		}
	}
	fail(10)
	allow(50, 1)
	allow(111, 100)
	fail(112)
	allow(250, 1)
	allow(313, 100)
	for i := range 90 { // they are not needed any more
		stand[i].End()
		stand[i].End() // counts once
	}
	allow(314, 10)

	// One after the other, as long as each is taken.
	for i := range 3 {
		more := c.Begin(start.Add(time.Duration(315+i) * time.Millisecond))
		allow(315+i, 10+i)
		more.Stands()
		allow(315+i, 11+i)
	}
	fail(320)
	allow(320, 1)
	allow(322+400, 13)
}

// The pause is bounded, and there is always one connection.
func TestCeilingPauseIsBounded(t *testing.T) {
	var c Ceiling
	now := time.Unix(1000, 0)
	for range 20 {
		a := c.Begin(now)
		a.Fail(now, false)
		n, again := c.Allow(now, 8)
		if n != 1 || again > ceilingMost {
			t.Fatalf("%d, again after %s", n, again)
		}
		now = now.Add(again + 1)
	}
	if c.pause != ceilingMost {
		t.Errorf("the pause is %s, want %s", c.pause, ceilingMost)
	}
}
