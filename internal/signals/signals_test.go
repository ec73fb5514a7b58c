package signals

import (
	"os"
	"syscall"
	"testing"
	"time"
)

// A process manager sends its signal to Gor and again to Gor's process group.
func TestSignalsInQuickSuccessionAreOneRequest(t *testing.T) {
	base := time.Unix(1, 0)
	times := []time.Duration{0, oneRequest - 1, oneRequest, 3 * oneRequest}
	next := 0
	taker := newTaker(func() time.Time {
		at := base.Add(times[next])
		next++
		return at
	})
	go taker.passOn()
	for _, sig := range []os.Signal{syscall.SIGTERM, syscall.SIGTERM, os.Interrupt} {
		taker.received <- sig
	}
	for _, want := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		if got := <-taker.Requests(); got != want {
			t.Errorf("request by %v, want %v", got, want)
		}
	}
	taker.received <- syscall.SIGHUP
	if got := <-taker.Requests(); got != syscall.SIGHUP {
		t.Errorf("request by %v, want %v", got, syscall.SIGHUP)
	}
	taker.Stop()
}

func TestTakeReceivesFromTheSystem(t *testing.T) {
	taker := Take(Config{HangUp: true})
	defer taker.Stop()
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := <-taker.Requests(); got != syscall.SIGTERM {
		t.Errorf("request by %v, want %v", got, syscall.SIGTERM)
	}
}

func TestNames(t *testing.T) {
	for sig, want := range map[os.Signal]string{os.Interrupt: "interrupted", syscall.SIGTERM: "terminated", syscall.SIGHUP: "hung up"} {
		if got := Name(sig); got != want {
			t.Errorf("%v: %q, want %q", sig, got, want)
		}
	}
}
