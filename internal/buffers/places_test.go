package buffers

import (
	"testing"
	"time"
)

func TestPlaces(t *testing.T) {
	p := NewPlaces(2)
	now := time.Now()
	for range 2 {
		if !p.Take(nil, now) {
			t.Error("one of two places cannot be taken")
		}
	}
	if p.Take(nil, now.Add(time.Millisecond)) || len(p) != 2 {
		t.Errorf("%d of two places are taken", len(p))
	}
	done := make(chan struct{})
	close(done)
	if p.Take(done, now.Add(time.Hour)) {
		t.Error("a place after the end")
	}
	got := make(chan bool)
	go func() { got <- p.Take(nil, now.Add(time.Hour)) }()
	p.Leave()
	if !<-got {
		t.Error("no place although one was left")
	}
	p.Leave()
	p.Leave()
	if len(p) != 0 {
		t.Errorf("%d places are taken", len(p))
	}
	var none Places
	if !none.Take(nil, now) {
		t.Error("nil Places have a bound")
	}
	none.Leave()
}
