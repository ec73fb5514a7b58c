package console

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// A Progress is how far a run has got.
type Progress struct {
	Done     int64         // of all, in the same unit
	Messages uint64        // that came in
	Failed   uint64        // of these: what outputs could not deliver
	Lag      time.Duration // behind the plan
	Lost     uint64        // what did not become a message, or had no room in an output
	Queued   uint64        // what outputs have not dealt with
}

const (
	// progressGrain is how often the line is drawn: as often as a person can read
	// it.
	progressGrain = 250 * time.Millisecond

	// plainGrain is how often it is a line of its own on a terminal that cannot
	// overwrite one: as often as a person wants to read it again.
	plainGrain = 10 * time.Second

	// usualColumns is how wide a terminal is that does not say.
	usualColumns = 80

	barWidth = 20 // columns of a bar, without its ends
)

// SetTerminal says what the terminal can do, by the environment. One that is dumb,
// as in an editor's window, takes no control sequences.
func (c *Console) SetTerminal(environ []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dumb = true
	for _, variable := range environ {
		if name, is := strings.CutPrefix(variable, "TERM="); is {
			c.dumb = name == "dumb" || name == ""
		}
	}
}

// ShowProgress draws a line below the others until done is closed: a bar for what
// ends when progress has done all, and for what has no end, where all is zero, how
// it goes. It has no colours.
func (c *Console) ShowProgress(all int64, progress func() Progress, done <-chan struct{}) {
	line := &statusLine{c: c}
	grain := progressGrain
	if c.isDumb() {
		grain = plainGrain
	} else {
		c.SetBar(line)
		defer c.SetBar(nil)
	}
	tick := time.NewTicker(grain)
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
		text := p.text(c.columns()-1, now.Sub(began), all, rate) // in the last column some terminals begin the next line
		if c.isDumb() {
			c.Printf("%s", text)
			continue
		}
		c.Draw(func() { line.draw(text) })
	}
}

func (c *Console) isDumb() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dumb
}

// columns is how wide the terminal is now.
func (c *Console) columns() int {
	if f, ok := c.w.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return usualColumns
}

// A statusLine is a line of a terminal that is drawn again and again.
type statusLine struct {
	c     *Console
	shown bool
}

// eraseLine goes to the beginning of the line and erases it (ECMA-48, CR and EL).
const eraseLine = "\r\x1b[2K"

func (l *statusLine) draw(text string) {
	_, _ = l.c.BarWriter().Write([]byte(eraseLine + text)) // it never fails
	l.shown = true
}

// Clear implements Clearer.
func (l *statusLine) Clear() error {
	if !l.shown {
		return nil
	}
	l.shown = false
	_, err := l.c.BarWriter().Write([]byte(eraseLine))
	return err
}

// text is the longest form that fits. rate is in messages a second.
func (p Progress) text(columns int, elapsed time.Duration, all int64, rate float64) string {
	forms := p.liveForms(elapsed, rate)
	if all > 0 {
		forms = p.finiteForms(elapsed, all, rate)
	}
	for _, form := range forms {
		if len(form) <= columns {
			return form
		}
	}
	last := forms[len(forms)-1]
	return last[:max(0, min(len(last), columns))]
}

// finiteForms are of what has an end, the longest first.
func (p Progress) finiteForms(elapsed time.Duration, all int64, rate float64) []string {
	done := min(max(p.Done, 0), all)
	percent := fmt.Sprintf("%3d%%", int(float64(done)/float64(all)*100))
	filled := int(float64(done) / float64(all) * barWidth)
	bar := "|" + strings.Repeat("=", filled) + strings.Repeat(" ", barWidth-filled) + "|"
	times := fmt.Sprintf("[%s:%s]", elapsed.Round(time.Second), timeLeft(elapsed, p.Done, all))
	counts := fmt.Sprintf("%d done %.0f/s", p.Messages, rate)
	lag := "lag " + p.Lag.Round(100*time.Microsecond).String()
	errors := fmt.Sprintf("errors %d", p.Failed+p.Lost)
	return []string{
		strings.Join([]string{times, counts, lag, errors, percent, bar}, " "),
		strings.Join([]string{times, counts, lag, errors, percent}, " "),
		strings.Join([]string{counts, errors, percent}, " "),
		strings.Join([]string{errors, percent}, " "),
		percent,
	}
}

// liveForms are of what has no end.
func (p Progress) liveForms(elapsed time.Duration, rate float64) []string {
	since := fmt.Sprintf("[%s]", elapsed.Round(time.Second))
	in := fmt.Sprintf("%d in %.0f/s", p.Messages, rate)
	lost := fmt.Sprintf("lost %d", p.Lost)
	return []string{
		fmt.Sprintf("%s %s %s queued %d errors %d", since, in, lost, p.Queued, p.Failed),
		fmt.Sprintf("%s %s queued %d errors %d", in, lost, p.Queued, p.Failed),
		in + " " + lost,
		in,
	}
}

// timeLeft is how long it will still take, "?" when nothing is done yet. It goes
// by all of the time that has passed, since the last seconds say little.
func timeLeft(elapsed time.Duration, done, all int64) string {
	if done <= 0 {
		return "?"
	}
	left := float64(elapsed) / float64(done) * float64(max(all-done, 0))
	return time.Duration(left).Round(time.Second).String()
}
