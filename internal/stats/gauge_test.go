package stats

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
)

// gaugeRun runs g on a clock of its own: before each beat the lengths of one
// period are recorded.
func gaugeRun(g *Gauge, start time.Time, periods [][]int) string {
	var out bytes.Buffer
	now := start
	tick := make(chan time.Time)
	cancel := make(chan struct{})
	done := make(chan error)
	lines := make(chan int)
	w := writerFunc(func(p []byte) (int, error) {
		out.Write(p)
		lines <- 1
		return len(p), nil
	})
	go func() { done <- g.run(cancel, w, func() time.Time { return now }, tick) }()
	<-lines // heading
	<-lines // zeros
	for _, p := range periods {
		for _, n := range p {
			g.Record(n)
		}
		now = now.Add(g.period)
		tick <- now
		<-lines
	}
	close(cancel)
	<-done
	return out.String()
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestGaugeLines(t *testing.T) {
	start := time.Date(2014, 4, 23, 21, 17, 50, 0, time.Local)
	ones := make([]int, 67)
	for i := range ones {
		ones[i] = 1
	}
	g := NewGauge("output_tcp", 0)
	got := gaugeRun(g, start, [][]int{
		append([]int{2}, ones...),
		nil,
		{0, 1, 0, 1, 0},
		{100, 99, 99, 100},
	})
	// The first three lines are those of Gor's README.
	want := strings.Join([]string{
		"2014/04/23 21:17:50 output_tcp:latest,mean,max,count,count/second",
		"2014/04/23 21:17:50 output_tcp:0,0,0,0,0",
		"2014/04/23 21:17:55 output_tcp:1,1,2,68,13",
		"2014/04/23 21:18:00 output_tcp:0,0,0,0,0",
		"2014/04/23 21:18:05 output_tcp:0,0,1,5,1",
		"2014/04/23 21:18:10 output_tcp:100,99,100,4,0",
		"",
	}, "\n")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestGaugeShortPeriod(t *testing.T) {
	start := time.Date(2014, 4, 23, 21, 17, 50, 0, time.Local)
	got := gaugeRun(NewGauge("output_http", 500*time.Millisecond), start, [][]int{{3, 4, 5}})
	if want := "output_http:5,4,5,3,6\n"; !strings.HasSuffix(got, want) {
		t.Errorf("got %q, want it to end in %q", got, want)
	}
}

func TestGaugeRunEnds(t *testing.T) {
	var out bytes.Buffer
	cancel := make(chan struct{})
	close(cancel)
	if err := NewGauge("output_tcp", 0).Run(cancel, &out); err != nil {
		t.Errorf("Run = %v", err)
	}
	if n := strings.Count(out.String(), "\n"); n != 2 {
		t.Errorf("%d lines at the start, want 2: %q", n, out.String())
	}
	broken := errors.New("broken")
	w := writerFunc(func([]byte) (int, error) { return 0, broken })
	if err := NewGauge("output_tcp", 0).Run(nil, w); err != broken {
		t.Errorf("Run on a broken writer = %v", err)
	}
}

func TestGaugeAllocates(t *testing.T) {
	g := NewGauge("output_tcp", 0)
	if n := testing.AllocsPerRun(1000, func() { g.Record(3) }); n != 0 {
		t.Errorf("Record allocates %v times", n)
	}
}

func BenchmarkGaugeRecord(b *testing.B) {
	g := NewGauge("output_tcp", 0)
	b.ReportAllocs()
	for b.Loop() {
		g.Record(3)
	}
}
