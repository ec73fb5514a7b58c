package pace

import (
	"testing"
	"time"
)

// expect expects n messages from first on, so far apart.
func (d *Demand) expect(n int, first, apart time.Duration) {
	for i := range n {
		d.Expect(int64(first + time.Duration(i)*apart))
	}
}

func TestDemand(t *testing.T) {
	const ms = time.Millisecond
	tests := []struct {
		name string
		took time.Duration // 0: no answer yet
		came bool
		want int
		due  func(d *Demand)
	}{
		{"one", ms, true, 1, func(d *Demand) { d.expect(1, 0, 0) }},
		{"at one moment", ms, true, 53 + 7 - 1, func(d *Demand) { d.expect(53, 0, 0) }},
		{"one after the other", ms, true, 1, func(d *Demand) { d.expect(50, 0, 2*ms) }},
		{"steady", 20 * ms, true, 21 + 4 - 1, func(d *Demand) { d.expect(1000, 0, ms) }},
		{"behind a burst", 20 * ms, true, 1, func(d *Demand) { d.expect(50, 0, ms); d.expect(1, time.Second, 0) }},
		{"two bursts that meet", 200 * ms, true, 16 + 4 - 1, func(d *Demand) { d.expect(8, 0, 0); d.expect(8, 150*ms, 0) }},
		{"before anything is sent", 0, false, 21 + 4 - 1, func(d *Demand) { d.expect(100, 0, ms) }},
		{"before the first answer", 0, true, 100 + 10 - 1, func(d *Demand) { d.expect(100, 0, ms) }},
		{"out of order", 20 * ms, true, 2 + 1 - 1, func(d *Demand) { d.expect(2, time.Second, 0); d.expect(1, 0, 0); d.expect(1, time.Second, 0) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := NewDemand(new(Forecast))
			if tt.took > 0 {
				d.Took(tt.took)
			}
			tt.due(d)
			if changed := tt.came && d.Came(); changed != (tt.came && tt.took == 0) {
				t.Errorf("the first message changed it: %t", changed)
			}
			if got := d.Wanted(); got != tt.want && tt.name != "out of order" || got < tt.want {
				t.Errorf("wants %d, want %d", got, tt.want)
			}
		})
	}
}

// TestDemandFirstAnswer: what was kept until the first answer is forgotten then.
func TestDemandFirstAnswer(t *testing.T) {
	d := NewDemand(new(Forecast))
	d.expect(100, 0, time.Millisecond)
	d.Came()
	if d.Took(100 * time.Microsecond); d.Wanted() > 2 {
		t.Errorf("wants %d behind an answer after 0.1 ms", d.Wanted())
	}
	var none *Demand
	none.Took(time.Second)
	if none.Came() || none.Wanted() != 0 {
		t.Error("no Demand wants something")
	}
}

// TestDemandShare: what filters and limits drop is not prepared for.
func TestDemandShare(t *testing.T) {
	f := new(Forecast)
	d := NewDemand(f)
	d.Took(49 * time.Millisecond)
	for i := range 1000 {
		d.Expect(int64(i) * int64(time.Millisecond))
		if f.Gave(); i%10 == 0 {
			d.Came()
		}
	}
	if n := d.Wanted(); n < 5 || n > 8 {
		t.Errorf("wants %d, want 5 and 1 or 2 more", n)
	}
}

// TestDemandIsBounded: a target that never answers.
func TestDemandIsBounded(t *testing.T) {
	d := NewDemand(new(Forecast))
	d.Came()
	d.expect(5*demandMost, 0, time.Microsecond)
	if n := len(d.due); n > 3*demandMost {
		t.Errorf("keeps %d", n)
	}
	if n := d.Wanted(); n > demandMost+200 {
		t.Errorf("wants %d", n)
	}
}

func BenchmarkDemand(b *testing.B) {
	d := NewDemand(new(Forecast))
	d.Took(20 * time.Millisecond)
	b.ReportAllocs()
	for i := range b.N {
		d.Expect(int64(i) * int64(100*time.Microsecond))
		d.Came()
	}
}
