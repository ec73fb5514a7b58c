package testkit

import (
	"context"
	"testing"
	"time"
)

// Timeout bounds every wait for an event that must come.
const Timeout = 2 * time.Minute

// Eventually waits until f is true, asking again every few milliseconds, for
// events that cannot be waited for otherwise; what names the event.
func Eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Timeout)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !f() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain: %s", what)
		case <-tick.C:
		}
	}
}

// Must ends the test if err is not nil.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
