package pace

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"
)

func TestSleeperUntil(t *testing.T) {
	s := NewSleeper()
	for _, wait := range []time.Duration{-time.Second, 0, 5 * time.Microsecond, 300 * time.Microsecond, 3 * time.Millisecond, 25 * time.Millisecond} {
		deadline := s.Now() + int64(wait)
		if !s.Until(deadline, nil) {
			t.Errorf("Until %v = false", wait)
		}
		if early := deadline - s.Now(); early > 0 {
			t.Errorf("Until %v returned %d ns early", wait, early)
		}
	}
}

// Without credit for spinning it sleeps, and still never returns early.
func TestSleeperNoCredit(t *testing.T) {
	s := NewSleeper()
	for range 50 {
		s.credit, s.counted = 0, s.Now()
		spun := s.spun
		deadline := s.Now() + int64(50*time.Microsecond)
		if !s.Until(deadline, nil) || s.Now() < deadline {
			t.Fatal("returned early")
		}
		if s.spun != spun {
			t.Fatal("it spun without credit")
		}
	}
}

// The budget holds however fast messages come.
func TestSleeperCredit(t *testing.T) {
	s := &Sleeper{credit: 0, margin: leastMargin}
	s.earn(int64(time.Millisecond))
	if want := time.Millisecond / spinShare; s.credit != want {
		t.Errorf("credit after 1 ms = %v, want %v", s.credit, want)
	}
	s.earn(int64(time.Hour))
	if s.credit != spinReserve {
		t.Errorf("credit after an hour = %v, want %v", s.credit, spinReserve)
	}
}

func TestSleeperLearns(t *testing.T) {
	tests := []struct {
		name   string
		late   []time.Duration // in turn
		lo, hi time.Duration
	}{
		{"punctual", []time.Duration{time.Microsecond}, leastMargin, leastMargin},
		{"never", []time.Duration{time.Second}, mostMargin, mostMargin},
		{"always 60 µs", []time.Duration{60 * time.Microsecond}, 58 * time.Microsecond, 63 * time.Microsecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &Sleeper{margin: 80 * time.Microsecond}
			for i := range 5000 {
				s.learn(tt.late[i%len(tt.late)])
			}
			if s.margin < tt.lo || s.margin > tt.hi {
				t.Errorf("margin = %v, want %v to %v", s.margin, tt.lo, tt.hi)
			}
		})
	}
}

func TestSleeperCancel(t *testing.T) {
	closed := make(chan struct{})
	close(closed)
	s := NewSleeper()
	if s.Until(s.Now()+int64(time.Hour), closed) {
		t.Error("Until with a closed cancel = true")
	}
	cancel := make(chan struct{})
	time.AfterFunc(time.Millisecond, func() { close(cancel) })
	if s.Until(s.Now()+int64(time.Hour), cancel) {
		t.Error("Until = true")
	}
	if s.Until(1<<63-1, closed) {
		t.Error("Until the end of time = true")
	}
}

func TestSleeperAllocates(t *testing.T) {
	s := NewSleeper()
	if n := testing.AllocsPerRun(100, func() { s.Until(s.Now()+int64(100*time.Microsecond), nil) }); n != 0 {
		t.Errorf("Until allocates %v times", n)
	}
	s.long(time.Microsecond, nil)
	if n := testing.AllocsPerRun(100, func() { s.long(time.Microsecond, nil) }); n != 0 {
		t.Errorf("a long wait allocates %v times", n)
	}
}

func BenchmarkNow(b *testing.B) {
	s := NewSleeper()
	for b.Loop() {
		s.Now()
	}
}

// BenchmarkSleeper reports how late Until returns, and the share of a core
// that was spun away, for two seconds at each rate.
func BenchmarkSleeper(b *testing.B) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(runtime.NumCPU() + 1))
	for _, rate := range []int{1000, 2000, 5000, 20000} {
		for _, busy := range []bool{false, true} {
			name := fmt.Sprintf("%d per s", rate)
			if busy {
				name += ", a busy goroutine beside it"
			}
			b.Run(name, func(b *testing.B) {
				stop := make(chan struct{})
				defer close(stop)
				if busy {
					go spin(stop)
				}
				for b.Loop() {
					measureSleeper(b, rate, 2*rate)
				}
			})
		}
	}
}

func spin(stop <-chan struct{}) {
	for n := 0; ; n++ {
		if n%1000 == 0 {
			select {
			case <-stop:
				return
			default:
			}
		}
	}
}

func measureSleeper(b *testing.B, rate, events int) {
	s := NewSleeper()
	late := make([]int64, events)
	start := s.Now() + int64(10*time.Millisecond)
	for i := range late {
		deadline := start + int64(i)*second/int64(rate)
		s.Until(deadline, nil)
		late[i] = s.Now() - deadline
	}
	total := s.Now() - start
	slices.Sort(late)
	b.ReportMetric(float64(late[events/2])/1e3, "p50-µs")
	b.ReportMetric(float64(late[events*90/100])/1e3, "p90-µs")
	b.ReportMetric(float64(late[events*99/100])/1e3, "p99-µs")
	b.ReportMetric(float64(s.spun)*100/float64(total), "spin-%")
	b.ReportMetric(float64(s.margin)/1e3, "margin-µs")
}
