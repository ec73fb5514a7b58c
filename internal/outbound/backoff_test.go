package outbound

import (
	"context"
	"testing"
	"time"
)

// Pauses grow up to their bound, each shortened by less than a half, and begin
// again after Reset.
func TestBackoff(t *testing.T) {
	var b Backoff
	for range 2 {
		for i, want := range []time.Duration{50, 100, 200, 400, 800, 1600, 3200, 5000, 5000} {
			want *= time.Millisecond
			if got := b.next(); got > want || got <= want/2 {
				t.Errorf("pause %d is %s, want up to %s and more than half of that", i, got, want)
			}
		}
		b.Reset()
	}
}

func TestBackoffBetween(t *testing.T) {
	b := Backoff{First: 20 * time.Millisecond, Most: 70 * time.Millisecond}
	for i, want := range []time.Duration{20, 40, 70, 70} {
		want *= time.Millisecond
		if got := b.next(); got > want || got <= want/2 {
			t.Errorf("pause %d is %s, want up to %s and more than half of that", i, got, want)
		}
	}
}

// What is waited for ends a pause at once.
func TestBackoffIsInterrupted(t *testing.T) {
	b := Backoff{pause: time.Hour}
	woken := make(chan struct{})
	close(woken)
	if !b.Wait(context.Background(), woken) {
		t.Error("Wait says that the context has ended")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	b = Backoff{pause: time.Hour}
	if b.Wait(ctx, nil) {
		t.Error("Wait does not say that the context has ended")
	}
}
