package plugin

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/buger/gor/internal/buffers"
	"github.com/buger/gor/internal/outbound"
	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/stats"
)

// An Env is what a run gives to every plugin that it opens, beside what the
// plugin was told.
type Env struct {
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer

	// Logf writes one line to stderr, after "gor: ".
	Logf func(format string, args ...any)

	// Own makes the outgoing connections, so that capture knows them.
	Own *outbound.Conns

	// QueueBytes is the share of the queues' memory that one output gets.
	QueueBytes int

	// Large makes the copies of large messages for all queues.
	Large *buffers.Copies

	// Answers is the memory that the connections of all outputs together have
	// for what targets answer.
	Answers *buffers.Budget

	// Places are for the large heads of answers, which take no part of Answers.
	Places buffers.Places

	// Settle settles every output: what was written to any of them before
	// the call is out of the process's hands when it returns.
	Settle func(cancel <-chan struct{}) error

	// Finish ends the run in good order, as a signal does. It never waits. Nil
	// when no run can be ended.
	Finish func(why string)

	// Context ends when the start is interrupted. Names are looked up with it, and
	// so is whatever else may wait while a plugin is opened.
	Context context.Context

	// Yield lets another program have the core, between two pieces of work; nil
	// when this run captures nothing.
	Yield func()

	// LatencyMatters says that some output has to have messages within
	// milliseconds: a capture then hands them over that often.
	LatencyMatters bool

	// OnTime says that messages come on a schedule, which begins when everything is
	// open. An output that has to prepare for its first message begins to do so while
	// it is opened, and adds a function to Standing that returns a channel, which is
	// closed when it is ready. Forecast tells outputs when the next messages are due.
	OnTime   bool
	Standing []func() <-chan struct{}
	Forecast *pace.Forecast

	// Background counts goroutines that print for a plugin (stats lines)
	// and end when Done is closed.
	Background *sync.WaitGroup
	Done       <-chan struct{}
}

// NewQueue makes the queue of an output, with its share of the memory. items
// bounds the messages that wait; zero leaves that to the memory.
func (env *Env) NewQueue(items int) *queue.Queue {
	q := queue.New(items, env.QueueBytes)
	q.Share(env.Large)
	return q
}

// StartGauge returns a gauge, whose values are printed to Stderr after each
// period until the run ends.
func (env *Env) StartGauge(name string, period time.Duration) *stats.Gauge {
	g := stats.NewGauge(name, period)
	env.Background.Go(func() { _ = g.Run(env.Done, env.Stderr) }) // stderr is gone: nobody to tell
	return g
}

// standMost is how long a schedule waits for its outputs' first connections: a
// handshake with a host that is far away. One that is down says nothing sooner.
const standMost = time.Second

// AwaitStanding waits until the outputs are ready for their first message.
func (env *Env) AwaitStanding() {
	late := time.NewTimer(standMost)
	defer late.Stop()
	for _, ready := range env.Standing {
		select {
		case <-ready():
		case <-late.C:
			return
		case <-env.Context.Done():
			return
		}
	}
}
