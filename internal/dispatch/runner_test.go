package dispatch

import (
	"testing"
	"time"

	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/testkit"
)

// TestRunnerEnds: a worker that was last used somewhere between two looks at it
// ends when it has been idle for long enough.
func TestRunnerEnds(t *testing.T) {
	const idleFor = 40 * time.Millisecond
	q := queue.New(0, 1<<20)
	ended := make(chan bool, 1)
	var r *Runner
	r = NewRunner(RunnerConfig{
		Queue: q, Done: make(chan struct{}), IdleFor: idleFor,
		Send:   func(it queue.Item) { q.Done(it, true); r.Ready() },
		Broken: func() bool { return false },
		Idle:   func() bool { return true },
		End:    func(broken bool) { ended <- broken },
	})
	began := time.Now()
	r.Start()
	testkit.Eventually(t, "half of the time passes", func() bool { return time.Since(began) > idleFor/2 })
	testkit.Must(t, q.Put([]byte("message")))
	select {
	case broken := <-ended:
		if broken {
			t.Error("it broke")
		}
	case <-time.After(testkit.Timeout):
		t.Error("it does not end")
	}
}
