package main

import (
	"context"
	"io"
	"sync"

	"github.com/buger/gor/internal/buffers"
	"github.com/buger/gor/internal/outbound"
	"github.com/buger/gor/internal/process"
)

// queuesTotal is the memory of all outputs' queues together. With 16 MB of
// rings, 12 for reassembly and 9 of the program itself it leaves the collector
// enough room below the 64 MB that Gor promises.
const queuesTotal = 12 << 20

// largeTotal bounds what all queues hold of large messages, where each admits
// one that is larger than its share: two of the largest that are let through.
func largeTotal(s *Settings) int { return max(queuesTotal, 2*s.MessageLimit) }

func queueBytes(s *Settings) int {
	queues := max(1, len(s.Outputs))
	if s.Middleware != "" {
		queues++
	}
	return queuesTotal / queues
}

// heapTarget is where the garbage collector begins to work harder: the 64 MB
// that Gor promises, less the rings and large messages, which are not on the heap, and stacks.
const heapTarget = 24 << 20

// tuneRuntime sets what the runtime cannot know.
func tuneRuntime(s *Settings) {
	// Messages above the default size may need several copies of themselves; a
	// limit that they alone exceed would only cost time.
	process.LimitHeap(heapTarget + 4*int64(max(0, s.MessageLimit-defaultMessageLimit)))
	if s.replaysOnTime() {
		process.AddProc()
	}
	if s.captures() == len(s.Inputs) && !s.latencyMatters() {
		process.GiveWay()
	}
}

// pluginEnv is what every constructor is given beside the settings.
type pluginEnv struct {
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer

	// logf writes one line to stderr, after "gor: ".
	logf func(format string, args ...any)

	// own makes the outgoing connections, so that capture knows them.
	own *outbound.Conns

	// queueBytes is the share of the queues' memory that one output gets.
	queueBytes int

	// large makes the copies of large messages for all queues.
	large *buffers.Copies

	// answers is the memory that all outputs' connections have for what targets
	// answer.
	answers *buffers.Budget

	// places are for the large heads of answers, which take no part of answers.
	places buffers.Places

	// settle settles every output: what was written to any of them before
	// the call is out of the process's hands when it returns.
	settle func(cancel <-chan struct{}) error

	// finish ends the run in good order, as a signal does. It never waits.
	finish func(why string)

	// ctx ends when the start is interrupted. Names are looked up with it, and
	// whatever else may wait in a constructor.
	ctx context.Context

	// yield lets another program have the core, between two pieces of work; nil
	// when this run captures nothing.
	yield func()

	// latencyMatters says that some output answers to a clock: a capture
	// then hands over its messages every few milliseconds.
	latencyMatters bool

	// onTime says that a schedule begins when everything is open. What an output
	// has to do before its first message it does then, and adds what is closed
	// when that is done to standing.
	onTime   bool
	standing []<-chan struct{}

	// background counts goroutines that print for a plugin (stats lines)
	// and end when done is closed.
	background *sync.WaitGroup
	done       <-chan struct{}
}
