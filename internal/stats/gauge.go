package stats

import (
	"io"
	"strconv"
	"sync"
	"time"
)

// GaugePeriod is how often a Gauge prints when nobody says otherwise. Gor's
// docs/metrics.md promises five seconds.
const GaugePeriod = 5 * time.Second

// gaugeTime is the time in front of a line: the layout of Go's log package,
// which scripts that read these lines since Gor 0.8 expect.
const gaugeTime = "2006/01/02 15:04:05"

// A Gauge follows the length of a queue and prints
//
//	2014/04/23 21:17:50 output_tcp:latest,mean,max,count,count/second
//	2014/04/23 21:17:50 output_tcp:0,0,0,0,0
//	2014/04/23 21:17:55 output_tcp:1,1,2,68,13
//
// All five figures speak about the period that ends with their line, so that
// a period without a write is all zeros; means and rates are cut to whole
// numbers. All methods are safe for concurrent use.
type Gauge struct {
	name   string
	period time.Duration

	mu              sync.Mutex
	latest, longest int
	sum, count      uint64
}

// NewGauge returns a Gauge whose lines begin with name and come every period;
// a period of zero or less means GaugePeriod.
func NewGauge(name string, period time.Duration) *Gauge {
	if period <= 0 {
		period = GaugePeriod
	}
	return &Gauge{name: name, period: period}
}

// Record notes a write that left the queue n messages long.
func (g *Gauge) Record(n int) {
	g.mu.Lock()
	g.latest = n
	g.longest = max(g.longest, n)
	g.sum += uint64(n)
	g.count++
	g.mu.Unlock()
}

// Run prints the heading and a first line of zeros at once, then a line every
// period, until cancel is closed. It returns the first error of w, after which
// it prints no more. Each line is one Write.
func (g *Gauge) Run(cancel <-chan struct{}, w io.Writer) error {
	t := time.NewTicker(g.period)
	defer t.Stop()
	return g.run(cancel, w, time.Now, t.C)
}

// run is Run with the clock and the beat handed in.
func (g *Gauge) run(cancel <-chan struct{}, w io.Writer, now func() time.Time, tick <-chan time.Time) error {
	var line []byte
	line = g.appendName(line, now())
	line = append(line, "latest,mean,max,count,count/second\n"...)
	if _, err := w.Write(line); err != nil {
		return err
	}
	line = g.appendName(line[:0], now())
	line = append(line, "0,0,0,0,0\n"...)
	if _, err := w.Write(line); err != nil {
		return err
	}
	for {
		select {
		case <-cancel:
			return nil
		case <-tick:
		}
		line = g.appendLine(line[:0], now())
		if _, err := w.Write(line); err != nil {
			return err
		}
	}
}

func (g *Gauge) appendName(dst []byte, now time.Time) []byte {
	dst = now.AppendFormat(dst, gaugeTime)
	dst = append(dst, ' ')
	dst = append(dst, g.name...)
	return append(dst, ':')
}

// appendLine appends the line of the period that ends now and starts the next.
func (g *Gauge) appendLine(dst []byte, now time.Time) []byte {
	g.mu.Lock()
	latest, longest, sum, count := g.latest, g.longest, g.sum, g.count
	g.latest, g.longest, g.sum, g.count = 0, 0, 0, 0
	g.mu.Unlock()

	var mean uint64
	if count > 0 {
		mean = sum / count
	}
	// In this order, so that a period that is not a whole second counts too.
	rate := uint64(float64(count) / g.period.Seconds())

	dst = g.appendName(dst, now)
	for i, n := range [...]uint64{uint64(latest), mean, uint64(longest), count, rate} {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendUint(dst, n, 10)
	}
	return append(dst, '\n')
}
