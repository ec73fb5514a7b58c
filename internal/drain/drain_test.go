package drain

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// part ends when finish is closed, or with an error when it is given up.
type part struct {
	finish   chan struct{}
	progress atomic.Pointer[time.Time]
	begun    chan struct{}
	once     sync.Once
}

func newPart() *part { return &part{finish: make(chan struct{}), begun: make(chan struct{})} }

func finished() *part {
	p := newPart()
	close(p.finish)
	return p
}

func (p *part) Drain(cancel <-chan struct{}) error {
	p.once.Do(func() { close(p.begun) })
	select {
	case <-p.finish:
		return nil
	case <-cancel:
		return errors.New("given up")
	}
}

func (p *part) LastProgress() time.Time {
	if t := p.progress.Load(); t != nil {
		return *t
	}
	return time.Time{}
}

func TestPartsThatFinish(t *testing.T) {
	d := New(Config{Patience: time.Hour})
	if end := d.Run(finished(), finished()); end != Done || d.End() != Done {
		t.Errorf("end %v, of all %v", end, d.End())
	}
	if end := d.Run(); end != Done {
		t.Errorf("a group without parts: %v", end)
	}
}

// One part hangs, the other finishes long after the first was given up.
func TestOnePartHangsAndHoldsUpNoOther(t *testing.T) {
	hangs, goesOn := newPart(), newPart()
	future := time.Now().Add(time.Hour)
	goesOn.progress.Store(&future)
	gaveUp := make(chan struct{})
	d := New(Config{Patience: time.Millisecond})
	go func() {
		<-gaveUp
		close(goesOn.finish)
	}()
	if end := d.Run(watched{hangs, gaveUp}, goesOn); end != Stuck {
		t.Errorf("end %v, want stuck", end)
	}
	if end := d.Run(finished()); end != Done || d.End() != Stuck {
		t.Errorf("the next group: %v; all: %v", end, d.End())
	}
}

// watched closes gaveUp when its part was given up.
type watched struct {
	*part
	gaveUp chan struct{}
}

func (w watched) Drain(cancel <-chan struct{}) error {
	err := w.part.Drain(cancel)
	if err != nil {
		close(w.gaveUp)
	}
	return err
}

func TestSignalBoundsThenAborts(t *testing.T) {
	signals := make(chan os.Signal)
	var told []os.Signal
	d := New(Config{Patience: time.Hour, Bound: time.Hour, Signals: signals, Told: func(sig os.Signal) { told = append(told, sig) }})
	hangs := newPart()
	go func() {
		<-hangs.begun
		signals <- os.Interrupt
		signals <- syscall.SIGTERM
	}()
	if end := d.Run(hangs); end != Aborted {
		t.Errorf("end %v, want aborted", end)
	}
	if len(told) != 1 || told[0] != os.Interrupt {
		t.Errorf("told %v", told)
	}
	if end := d.Run(finished()); end != Aborted {
		t.Errorf("after that: %v", end)
	}
	close(hangs.finish)
}

// A signal bounds not only the group that it meets: another one ends what comes
// after at once.
func TestSignalBoundsTheGroupsThatFollow(t *testing.T) {
	signals := make(chan os.Signal)
	told := make(chan os.Signal, 1)
	d := New(Config{Patience: time.Hour, Bound: time.Hour, Signals: signals, Told: func(sig os.Signal) { told <- sig }})
	first, second := newPart(), newPart()
	go func() {
		<-first.begun
		signals <- os.Interrupt
		<-told
		close(first.finish)
		<-second.begun
		signals <- os.Interrupt
	}()
	if end := d.Run(first); end != Done {
		t.Errorf("first: %v", end)
	}
	if end := d.Run(second); end != Aborted {
		t.Errorf("second: %v, want aborted", end)
	}
	close(second.finish)
}

func TestBoundedFromTheBeginning(t *testing.T) {
	d := New(Config{Patience: time.Hour, Bound: time.Millisecond, Bounded: true})
	if end := d.Run(newPart()); end != Interrupted || d.End() != Interrupted {
		t.Errorf("end %v, want interrupted", end)
	}
}
