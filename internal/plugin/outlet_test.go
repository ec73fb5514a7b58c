package plugin_test

import (
	"errors"
	"testing"
	"time"

	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/queue"
)

// roomyOutput takes as many messages as it has room for.
type roomyOutput struct {
	plugin.Output // nil: the rest is not called
	room          int
	closed        bool
	progress      time.Time
	onWait        func()
}

func (o *roomyOutput) Write(p []byte) (int, error) {
	switch {
	case o.closed:
		return 0, errors.New("closed")
	case o.room == 0:
		return 0, queue.ErrFull
	}
	o.room--
	return len(p), nil
}

func (o *roomyOutput) LastProgress() time.Time { return o.progress }

func (o *roomyOutput) Room(<-chan struct{}, time.Duration) bool {
	if o.onWait != nil {
		o.onWait()
	}
	return o.room > 0
}

func TestOutletWaitsOrSheds(t *testing.T) {
	recently, longAgo := time.Now().Add(time.Hour), time.Now().Add(-2*plugin.StallAfter)
	for _, tt := range []struct {
		name     string
		waiting  plugin.Waiting
		progress time.Time
		stop     bool // while it waits; otherwise there is room at the third wait
		shed     uint64
		waits    int
	}{
		{"never", plugin.Never, recently, false, 1, 0},
		{"while there is progress", plugin.WhileProgress, recently, false, 0, 3},
		{"no progress", plugin.WhileProgress, longAgo, false, 1, 0},
		{"always", plugin.Always, longAgo, false, 0, 3},
		{"always, until stopped", plugin.Always, longAgo, true, 1, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out := &roomyOutput{progress: tt.progress}
			stop := make(chan struct{})
			waits := 0
			out.onWait = func() {
				if waits++; tt.stop {
					close(stop)
				} else if waits == 3 {
					out.room = 1
				}
			}
			o := plugin.NewOutlet(out, time.Second, t.Logf)
			if o.Offer([]byte("x")) {
				t.Fatal("taken without room")
			}
			o.WaitOrShed([]byte("x"), tt.waiting, stop)
			if o.Offered() != 1 || o.Shed() != tt.shed || waits != tt.waits {
				t.Errorf("%d offered, %d shed after %d waits; want 1, %d and %d", o.Offered(), o.Shed(), waits, tt.shed, tt.waits)
			}
		})
	}
}

func TestClosedOutletShedsAtOnce(t *testing.T) {
	o := plugin.NewOutlet(&roomyOutput{closed: true}, time.Second, t.Logf)
	if !o.Offer([]byte("x")) || o.Shed() != 1 {
		t.Errorf("%d shed, want 1 without waiting", o.Shed())
	}
}
