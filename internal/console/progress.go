package console

import (
	"fmt"
	"time"

	"github.com/schollz/progressbar/v3"
)

// A Progress is how far finite work has got.
type Progress struct {
	Done     int64         // of all, in the same unit
	Messages uint64        // that were sent
	Failed   uint64        // of these
	Lag      time.Duration // behind the plan
}

// progressGrain is how often a progress bar is drawn: as often as a person
// can read it.
const progressGrain = 250 * time.Millisecond

// ShowProgress draws a bar below the lines until done is closed. The work ends
// when what progress returns is at all.
func (c *Console) ShowProgress(all int64, progress func() Progress, done <-chan struct{}) {
	bar := progressbar.NewOptions64(all,
		progressbar.OptionSetWriter(c.BarWriter()),
		progressbar.OptionSetWidth(20),
		progressbar.OptionShowBytes(false),
		progressbar.OptionSetPredictTime(false), // see timeLeft
		progressbar.OptionSetElapsedTime(false),
		progressbar.OptionThrottle(0),
		progressbar.OptionClearOnFinish(),
	)
	c.SetBar(bar)
	defer c.SetBar(nil)
	tick := time.NewTicker(progressGrain)
	defer tick.Stop()
	began := time.Now()
	before, last := uint64(0), began
	for {
		select {
		case <-done:
			return
		case <-tick.C:
		}
		p := progress()
		now := time.Now()
		rate := float64(p.Messages-before) / now.Sub(last).Seconds()
		before, last = p.Messages, now
		text := p.text(now.Sub(began), all, rate)
		c.Draw(func() {
			bar.Describe(text)
			_ = bar.Set64(min(p.Done, all-1)) // at all it ends, and is cleared
		})
	}
}

// text is what stands beside the bar. rate is in messages a second.
func (p Progress) text(elapsed time.Duration, all int64, rate float64) string {
	return fmt.Sprintf("[%s:%s] %d done %.0f/s lag %s errors %d", elapsed.Round(time.Second), timeLeft(elapsed, p.Done, all),
		p.Messages, rate, p.Lag.Round(100*time.Microsecond), p.Failed)
}

// timeLeft is how long it will still take, "?" when nothing is done yet. It goes
// by all of the time that has passed: the bar's own guess goes by the last seconds.
func timeLeft(elapsed time.Duration, done, all int64) string {
	if done <= 0 {
		return "?"
	}
	left := float64(elapsed) / float64(done) * float64(max(all-done, 0))
	return time.Duration(left).Round(time.Second).String()
}
