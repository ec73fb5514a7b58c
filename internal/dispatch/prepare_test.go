package dispatch

import (
	"sync/atomic"
	"testing"
	"time"
)

// prepared is Workers whose target and whose workers' beginnings a test decides.
type prepared struct {
	*Workers
	begun           chan struct{} // a token for each worker that was started
	stands          atomic.Bool
	wanted, allowed atomic.Int64
}

func newPrepared(t *testing.T) *prepared {
	p := &prepared{begun: make(chan struct{}, 100)}
	p.stands.Store(true)
	p.allowed.Store(20)
	p.Workers = NewWorkers(WorkersConfig{
		Least: 1, Most: 20, Work: func() { p.begun <- struct{}{} }, Short: func() int { return 0 },
		Allow:  func(most int) (int, time.Duration) { return min(most, int(p.allowed.Load())), 0 },
		Stands: p.stands.Load, Wanted: func() int { return int(p.wanted.Load()) },
	})
	t.Cleanup(func() {
		p.Close()
		p.Wait()
	})
	return p
}

// prepare has n workers prepared, which are ready as soon as they begin, and
// returns how many there are then.
func (p *prepared) prepare(n int) int {
	p.wanted.Store(int64(n))
	p.Prepare()
	ready := p.Ready()
	for {
		select {
		case <-p.begun:
			p.Started()
		case <-ready:
			return p.Running()
		}
	}
}

func TestPrepare(t *testing.T) {
	p := newPrepared(t)
	p.Begin()
	<-p.begun
	p.Started()
	for _, step := range []struct{ wanted, running int }{{8, 8}, {3, 8}, {12, 12}, {500, 20}} {
		if n := p.prepare(step.wanted); n != step.running {
			t.Errorf("%d wanted: %d workers, want %d", step.wanted, n, step.running)
		}
	}
}

// TestPrepareNothing: a target that takes no connection, or is known to take no
// more than it has, is left alone.
func TestPrepareNothing(t *testing.T) {
	p := newPrepared(t)
	p.stands.Store(false)
	p.Begin()
	p.wanted.Store(8)
	p.Prepare() // the first may find a target
	<-p.begun
	p.Started()
	<-p.Ready()
	if n := p.prepare(8); n != 1 {
		t.Errorf("%d workers for a target that takes no connection, want 1", n)
	}
	p.stands.Store(true)
	p.allowed.Store(5)
	if n := p.prepare(8); n != 1 {
		t.Errorf("%d workers for a target that takes 5, want 1", n)
	}
	p.Close()
	p.allowed.Store(20)
	if n := p.prepare(8); n != 1 {
		t.Errorf("%d workers after Close, want 1", n)
	}
}

// TestPrepareFar: for a target that is far away others are started before the
// first is ready.
func TestPrepareFar(t *testing.T) {
	p := newPrepared(t)
	p.Begin()
	p.wanted.Store(4)
	p.Prepare()
	for range 4 {
		<-p.begun
	}
	for range 4 {
		p.Started()
	}
	<-p.Ready()
}
