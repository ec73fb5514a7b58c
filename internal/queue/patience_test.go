package queue

import (
	"testing"
	"time"
)

// One that hangs is waited for once, and not again until it moves.
func TestPatience(t *testing.T) {
	q := New(100, 1<<20)
	var changes []bool
	p := Patience{Limit: 20 * time.Millisecond, Changed: func(stuck bool) { changes = append(changes, stuck) }}
	settle := func(want bool) {
		t.Helper()
		if settled, err := p.Settle(q, nil); settled != want || err != nil {
			t.Fatalf("Settle = %v, %v, want %v", settled, err, want)
		}
	}
	settle(true)
	for range 2 {
		if err := q.Put([]byte("message")); err != nil {
			t.Fatal(err)
		}
	}
	settle(false)
	p.Limit = time.Hour
	settle(false) // at once
	it, _ := q.Get(nil, 0)
	q.Done(it, true)
	// It moves: there is something to wait for again.
	ended := make(chan bool)
	go func() {
		settled, _ := p.Settle(q, nil)
		ended <- settled
	}()
	if it, ok := q.Get(nil, 0); ok {
		q.Done(it, true)
	}
	if !<-ended {
		t.Error("given up although it moves")
	}
	if len(changes) != 2 || !changes[0] || changes[1] {
		t.Errorf("told %v, want stuck and then not", changes)
	}
}

// A queue in which nothing was asked to move for long is not stuck: its holder
// may write once an hour, and at once when it is settled.
func TestPatienceBegins(t *testing.T) {
	q := New(100, 1<<20)
	if err := q.Put([]byte("message")); err != nil {
		t.Fatal(err)
	}
	q.start = q.start.Add(-time.Hour) // the message came an hour ago
	p := Patience{Limit: 10 * time.Second}
	ended := make(chan bool)
	go func() {
		settled, _ := p.Settle(q, nil)
		ended <- settled
	}()
	for q.settlers() == 0 {
		time.Sleep(time.Millisecond)
	}
	it, _ := q.Get(nil, 0)
	q.Done(it, true)
	if !<-ended {
		t.Error("given up without having waited")
	}
}

func TestPatienceCancelled(t *testing.T) {
	q := New(100, 1<<20)
	if err := q.Put([]byte("message")); err != nil {
		t.Fatal(err)
	}
	cancel := make(chan struct{})
	close(cancel)
	p := Patience{Limit: time.Hour}
	if settled, err := p.Settle(q, cancel); settled || err != ErrCancelled {
		t.Errorf("Settle = %v, %v, want %v", settled, err, ErrCancelled)
	}
}

func (q *Queue) settlers() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.epochs.waiting)
}
