package pace

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
	"time"
)

const (
	ms = second / 1000
	t0 = int64(1_400_000_000 * second) // of recordings
	c0 = int64(12345 * second)         // of the replay's clock
)

// A step is one call: the record's time and the present, and what is due, all
// in ms after the start.
type step struct {
	loop       bool // before it
	t, now     int64
	plan, send int64
}

func TestSchedule(t *testing.T) {
	tests := []struct {
		name   string
		timing Timing
		steps  []step
	}{
		{"as recorded", Timing{}, []step{
			{t: 0}, {t: 10, plan: 10, send: 10}, {t: 10, plan: 10, send: 10}, {t: 3010, now: 20, plan: 3010, send: 3010},
		}},
		{"200%", Timing{Speed: 200}, []step{{t: 0}, {t: 10, plan: 5, send: 5}, {t: 3000, plan: 1500, send: 1500}}},
		{"50%", Timing{Speed: 50}, []step{{t: 0}, {t: 10, plan: 20, send: 20}, {t: 3000, plan: 6000, send: 6000}}},
		{"max", Timing{Max: true}, []step{
			{t: 0}, {t: 1000, now: 3, plan: 3, send: 3}, {t: 500, now: 4, plan: 4, send: 4}, {loop: true, t: 0, now: 5, plan: 5, send: 5},
		}},
		{"earlier than the first", Timing{}, []step{{t: 0}, {t: -50, now: 1}, {t: 10, now: 2, plan: 10, send: 10}}},
		{"earlier than the one before", Timing{}, []step{
			{t: 0}, {t: 100, plan: 100, send: 100}, {t: 40, plan: 100, send: 100}, {t: 110, plan: 110, send: 110},
		}},
		{"late ones go at once, the plan stands", Timing{}, []step{
			{t: 0}, {t: 10, now: 500, plan: 10, send: 10}, {t: 20, now: 500, plan: 20, send: 20}, {t: 900, now: 500, plan: 900, send: 900},
		}},
		{"longest wait", Timing{MaxWait: 100 * ms}, []step{
			{t: 0}, {t: 100, plan: 100, send: 100}, {t: 60_000, plan: 200, send: 200}, {t: 60_050, plan: 250, send: 250},
			{t: 60_020, plan: 250, send: 250}, {t: 90_000, plan: 350, send: 350},
		}},
		{"longest wait is of the replay", Timing{Speed: 200, MaxWait: 100 * ms}, []step{
			{t: 0}, {t: 200, plan: 100, send: 100}, {t: 402, plan: 200, send: 200}, {t: 412, plan: 205, send: 205},
		}},
		{"loop after one mean gap", Timing{}, []step{
			{t: 0}, {t: 10, plan: 10, send: 10}, {t: 60, plan: 60, send: 60},
			{loop: true, t: 0, plan: 90, send: 90}, {t: 10, plan: 100, send: 100}, {t: 60, plan: 150, send: 150},
			{loop: true, t: 0, plan: 180, send: 180},
		}},
		{"loop at 200%", Timing{Speed: 200}, []step{
			{t: 0}, {t: 100, plan: 50, send: 50}, {loop: true, t: 0, plan: 100, send: 100}, {t: 100, plan: 150, send: 150},
		}},
		{"loop of a shortened recording", Timing{MaxWait: 50 * ms}, []step{
			{t: 0}, {t: 10_000, plan: 50, send: 50}, {loop: true, t: 0, plan: 100, send: 100}, {t: 10_000, plan: 150, send: 150},
		}},
		{"loop of one record", Timing{}, []step{{t: 0}, {loop: true, t: 0, plan: 1000, send: 1000}, {loop: true, t: 0, plan: 2000, send: 2000}}},
		{"loop of one moment", Timing{}, []step{{t: 5}, {t: 5}, {loop: true, t: 5, plan: 1000, send: 1000}, {t: 5, plan: 1000, send: 1000}}},
		{"rate", Timing{Rate: 100}, []step{
			{t: 0}, {t: 9999, plan: 10, send: 10}, {t: 5, plan: 20, send: 20}, {loop: true, t: 0, plan: 30, send: 30}, {t: 1, plan: 40, send: 40},
		}},
		// From 10 to 110 on, everything stood still for a second. What was
		// planned 100 ms apart now goes 50 ms apart until that is made up.
		{"catch-up at 200%", Timing{Catchup: 200}, []step{
			{t: 0}, {t: 100, now: 0, plan: 100, send: 100},
			{t: 200, now: 1100, plan: 200, send: 200},
			{t: 300, now: 1100, plan: 300, send: 1150}, {t: 400, now: 1150, plan: 400, send: 1200},
			{t: 1000, now: 1200, plan: 1000, send: 1500}, {t: 1400, now: 1500, plan: 1400, send: 1700},
			{t: 2000, now: 1700, plan: 2000, send: 2000}, {t: 2100, now: 2000, plan: 2100, send: 2100},
		}},
		{"catch-up at 100% keeps the delay", Timing{Catchup: 100}, []step{
			{t: 0}, {t: 100, now: 600, plan: 100, send: 100}, {t: 200, now: 600, plan: 200, send: 700}, {t: 300, now: 700, plan: 300, send: 800},
		}},
		{"catch-up counts from speed", Timing{Speed: 50, Catchup: 200}, []step{
			{t: 0}, {t: 100, now: 1000, plan: 200, send: 200}, {t: 200, now: 1000, plan: 400, send: 1100},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := NewSchedule(tt.timing)
			for i, st := range tt.steps {
				if st.loop {
					s.Loop()
				}
				got := s.Due(t0+st.t*ms, c0+st.now*ms)
				if got.Plan != c0+st.plan*ms || got.Send != c0+st.send*ms {
					t.Errorf("step %d (t=%d): plan %v, send %v, want %d, %d ms", i, st.t,
						time.Duration(got.Plan-c0), time.Duration(got.Send-c0), st.plan, st.send)
				}
			}
		})
	}
}

func TestScheduleGap(t *testing.T) {
	tests := []struct {
		name   string
		timing Timing
		gap    time.Duration // recorded
		want   time.Duration
	}{
		{"a minute", Timing{}, time.Minute, 0},
		{"above a minute", Timing{}, 61 * time.Second, 61 * time.Second},
		{"a week", Timing{}, 168 * time.Hour, 168 * time.Hour},
		{"at 200%", Timing{Speed: 200}, 3 * time.Minute, 90 * time.Second},
		{"at 200%, a minute", Timing{Speed: 200}, 2 * time.Minute, 0},
		{"shortened", Timing{MaxWait: time.Second}, time.Hour, 0},
		{"shortened to long", Timing{MaxWait: 2 * time.Minute}, time.Hour, 2 * time.Minute},
		{"max", Timing{Max: true}, time.Hour, 0},
		{"rate", Timing{Rate: 10}, time.Hour, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := NewSchedule(tt.timing)
			if got := s.Due(t0, c0).Gap; got != 0 {
				t.Errorf("gap before the first = %v", got)
			}
			if got := s.Due(t0+int64(tt.gap), c0).Gap; got != tt.want {
				t.Errorf("Gap = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestScheduleShortened(t *testing.T) {
	s := NewSchedule(Timing{MaxWait: time.Second})
	for _, sec := range []int64{0, 1, 11, 12, 100} {
		s.Due(t0+sec*second, c0)
	}
	if n, saved := s.Shortened(); n != 2 || saved != 96*time.Second {
		t.Errorf("Shortened = %d, %v, want 2, 96s", n, saved)
	}
}

// A recording that was appended by a clock that was behind keeps its pace: all
// but a few of its records would otherwise be late and go at once.
func TestScheduleStepBack(t *testing.T) {
	s := NewSchedule(Timing{})
	var last int64
	for i := range int64(100) {
		last = s.Due(t0+i*ms, c0).Plan
	}
	for i := range int64(100) {
		got := s.Due(t0-int64(time.Hour)+i*ms, c0).Plan
		if want := last + max(i-stepBackRun+1, 0)*ms; got != want {
			t.Fatalf("record %d of the second recording: plan %v, want %v", i, time.Duration(got-c0), time.Duration(want-c0))
		}
	}
	// A long upload's record stands far behind its neighbours, and moves none.
	s = NewSchedule(Timing{})
	for i := range int64(1000) {
		at := t0 + i*ms
		if i%10 == 9 {
			at -= int64(5 * time.Minute)
		}
		got := s.Due(at, c0).Plan
		if want := c0 + (i-i%10+min(i%10, 8))*ms; got != want {
			t.Fatalf("record %d: plan %v, want %v", i, time.Duration(got-c0), time.Duration(want-c0))
		}
	}
}

// After a million records the plan is still start + (t - t0) / speed, to the ns.
func TestScheduleNoDrift(t *testing.T) {
	for _, speed := range []int{1, 33, 70, 100, 200, 300, 1_000_000} {
		t.Run(fmt.Sprintf("%d%%", speed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(7, uint64(speed)))
			s := NewSchedule(Timing{Speed: speed})
			at, last := t0, int64(0)
			for i := range 1_000_000 {
				got := s.Due(at, c0).Plan
				if got < last {
					t.Fatalf("record %d: plan %d after %d", i, got, last)
				}
				last = got
				if i%9973 == 0 || i == 999_999 {
					want := new(big.Int).Mul(big.NewInt(at-t0), big.NewInt(100))
					want.Div(want, big.NewInt(int64(speed)))
					if got-c0 != want.Int64() {
						t.Fatalf("record %d: due after %d ns, want %d", i, got-c0, want)
					}
				}
				at += rng.Int64N(2 * second)
			}
		})
	}
}

func TestScheduleHalves(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	plain, double := NewSchedule(Timing{}), NewSchedule(Timing{Speed: 200})
	at := t0
	for range 100_000 {
		p, d := plain.Due(at, c0).Plan-c0, double.Due(at, c0).Plan-c0
		if d != p/2 {
			t.Fatalf("after %d ns at 100%%, %d at 200%%", p, d)
		}
		at += rng.Int64N(second)
	}
}

func TestScheduleRateNoDrift(t *testing.T) {
	s := NewSchedule(Timing{Rate: 7})
	for i := range int64(1_000_000) {
		if got, want := s.Due(t0, c0).Plan, c0+i*second/7; got != want {
			t.Fatalf("message %d at %d, want %d", i, got, want)
		}
	}
}

// Whatever the times are, the plan never goes back, nothing goes before its
// plan, and the clock's start is the first record's.
func FuzzSchedule(f *testing.F) {
	f.Add(uint64(1), 100, 0, int64(0), 0, false)
	f.Add(uint64(2), 200, 0, int64(time.Second), 200, false)
	f.Add(uint64(3), 0, 50, int64(0), 150, false)
	f.Add(uint64(4), 1, 0, int64(1), 1, true)
	f.Fuzz(func(t *testing.T, seed uint64, speed, rate int, wait int64, catchup int, fast bool) {
		rng := rand.New(rand.NewPCG(seed, 9))
		s := NewSchedule(Timing{Speed: speed, Rate: rate, MaxWait: time.Duration(wait), Catchup: catchup, Max: fast})
		at, now := t0, c0
		var last Slot
		for i := range 300 {
			switch rng.IntN(20) {
			case 0:
				at = int64(rng.Uint64())
			case 1:
				s.Loop()
			case 2:
				at -= rng.Int64N(int64(time.Hour))
			default:
				at += rng.Int64N(second)
			}
			got := s.Due(at, now)
			if i == 0 && got != (Slot{Plan: c0, Send: c0}) {
				t.Fatalf("the first: %+v", got)
			}
			if got.Plan < last.Plan || got.Send < last.Send || got.Send < got.Plan || got.Gap < 0 {
				t.Fatalf("record %d: %+v after %+v", i, got, last)
			}
			last = got
			now += rng.Int64N(second)
			if got.Send < math.MaxInt64/2 {
				now = max(now, got.Send)
			}
		}
	})
}

func TestScheduleAllocates(t *testing.T) {
	s := NewSchedule(Timing{Speed: 150, MaxWait: second, Catchup: 200})
	at := t0
	if n := testing.AllocsPerRun(1000, func() { at += ms; s.Due(at, c0) }); n != 0 {
		t.Errorf("Due allocates %v times", n)
	}
}

func BenchmarkSchedule(b *testing.B) {
	s := NewSchedule(Timing{Speed: 150, MaxWait: second, Catchup: 200})
	at := t0
	for b.Loop() {
		at += ms
		s.Due(at, c0)
	}
}
