package main

import (
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/plugin/plugintest"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/testkit"
)

// tightOutput has room for some messages only, until room is added. What it
// took counts as delivered.
type tightOutput struct {
	nullOutput
	room     atomic.Int64
	progress time.Time
	waited   atomic.Int64
	onWait   func(o *tightOutput)
	mu       sync.Mutex
	ids      []string
}

func (o *tightOutput) Write(p []byte) (int, error) {
	if o.room.Add(-1) < 0 {
		o.room.Add(1)
		return 0, queue.ErrFull
	}
	o.mu.Lock()
	o.ids = append(o.ids, string(payload.ID(p)))
	o.mu.Unlock()
	return o.nullOutput.Write(p)
}
func (o *tightOutput) LastProgress() time.Time { return o.progress }
func (o *tightOutput) Room(<-chan struct{}, time.Duration) bool {
	o.waited.Add(1)
	if o.onWait != nil {
		o.onWait(o)
	}
	return true
}

func emit(t *testing.T, args []string, in plugin.Input, outs ...plugin.Output) *emitter {
	t.Helper()
	s, err := parseArgs(append(args, "--input-dummy", "--output-null")...)
	testkit.Must(t, err)
	e := newEmitter(&plugins{inputs: []plugin.Input{in}, outputs: outs}, s, t.Logf)
	if !e.run() {
		t.Error("the input did not end well")
	}
	return e
}

func TestLiveInputNeverWaits(t *testing.T) {
	full := &tightOutput{progress: time.Now().Add(time.Hour)}
	free := &nullOutput{}
	e := emit(t, nil, &plugintest.ListInput{Messages: testMessages(50, 10), IsLive: true}, full, free)
	if full.waited.Load() != 0 {
		t.Error("a live input waited for room")
	}
	if got := e.outputs[0].Shed(); got != 50 {
		t.Errorf("%d shed, want 50", got)
	}
	if got := free.delivered.Load(); got != 50 {
		t.Errorf("the other output has %d, want 50", got)
	}
}

func TestPatientInputWaitsWhileThereIsProgress(t *testing.T) {
	slow := &tightOutput{progress: time.Now().Add(time.Hour), onWait: func(o *tightOutput) { o.room.Add(1) }}
	e := emit(t, nil, &plugintest.ListInput{Messages: testMessages(50, 10)}, slow, &nullOutput{})
	if got := slow.delivered.Load(); got != 50 || e.outputs[0].Shed() != 0 {
		t.Errorf("%d delivered, %d shed; want 50 and none", got, e.outputs[0].Shed())
	}
}

func TestPatientInputShedsForAStalledOutput(t *testing.T) {
	hung := &tightOutput{progress: time.Now().Add(-2 * plugin.StallAfter)}
	free := &nullOutput{}
	e := emit(t, nil, &plugintest.ListInput{Messages: testMessages(50, 10)}, hung, free)
	if e.outputs[0].Shed() != 50 || free.delivered.Load() != 50 {
		t.Errorf("%d shed, the other has %d; want 50 and 50", e.outputs[0].Shed(), free.delivered.Load())
	}
}

func TestTheOnlyOutputIsWaitedFor(t *testing.T) {
	waits := 0
	slow := &tightOutput{progress: time.Now().Add(-time.Hour), onWait: func(o *tightOutput) {
		if waits++; waits%3 == 0 {
			o.room.Add(1)
		}
	}}
	emit(t, nil, &plugintest.ListInput{Messages: testMessages(20, 10)}, slow)
	if got := slow.delivered.Load(); got != 20 {
		t.Errorf("%d delivered, want 20", got)
	}
}

func TestOnFullOverrides(t *testing.T) {
	full := &tightOutput{progress: time.Now().Add(time.Hour)}
	e := emit(t, []string{"--on-full", "shed"}, &plugintest.ListInput{Messages: testMessages(5, 10)}, full)
	if e.outputs[0].Shed() != 5 || full.waited.Load() != 0 {
		t.Error("--on-full shed waited")
	}
	slow := &tightOutput{progress: time.Now().Add(-time.Hour), onWait: func(o *tightOutput) { o.room.Add(1) }}
	emit(t, []string{"--on-full", "wait"}, &plugintest.ListInput{Messages: testMessages(5, 10), IsLive: true}, slow, &nullOutput{})
	if slow.delivered.Load() != 5 {
		t.Errorf("--on-full wait delivered %d of 5", slow.delivered.Load())
	}
}

func TestSplitKeepsResponsesWithTheirRequests(t *testing.T) {
	var msgs [][]byte
	for i := range 30 {
		for _, kind := range []byte{payload.Request, payload.Response} {
			msgs = append(msgs, append(payload.AppendMeta(nil, payload.Meta{
				Type: kind, ID: payload.AppendID(nil, 1, uint32(i)), Time: 1, Duration: -1, Length: -1,
			}), "x"...))
		}
	}
	outs := make([]plugin.Output, 3)
	for i := range outs {
		o := &tightOutput{}
		o.room.Store(1000)
		outs[i] = o
	}
	emit(t, []string{"--split-output"}, &plugintest.ListInput{Messages: msgs}, outs...)
	for i, out := range outs {
		seen := map[string]int{}
		for _, id := range out.(*tightOutput).ids {
			seen[id]++
		}
		if len(seen) != 10 {
			t.Errorf("output %d has %d exchanges, want 10", i, len(seen))
		}
		for id, n := range seen {
			if n != 2 {
				t.Errorf("output %d has %d of the 2 messages of %s", i, n, id)
			}
		}
	}
}

func TestLargeMessageGrowsTheBuffer(t *testing.T) {
	o := &tightOutput{}
	o.room.Store(10)
	emit(t, nil, &plugintest.ListInput{Messages: testMessages(2, 3<<20)}, o)
	if o.delivered.Load() != 2 {
		t.Errorf("%d delivered, want 2", o.delivered.Load())
	}
}

func BenchmarkEmit(b *testing.B) {
	s, err := parseArgs("--input-dummy", "--output-null")
	if err != nil {
		b.Fatal(err)
	}
	in := &repeatInput{msg: testMessages(1, 300)[0], left: b.N}
	e := newEmitter(&plugins{inputs: []plugin.Input{in}, outputs: []plugin.Output{&nullOutput{}}}, s, b.Logf)
	b.ReportAllocs()
	b.ResetTimer()
	e.run()
}

type repeatInput struct {
	plugintest.ListInput
	msg  []byte
	left int
}

func (r *repeatInput) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	r.left--
	return copy(p, r.msg), nil
}

// Uploads among small requests once cost a new buffer each, grown by doubling:
// the collector then kept the emitter from its work.
func TestLargeMessagesAmongSmallOnesShareABuffer(t *testing.T) {
	large, small := testMessages(1, 1<<20)[0], testMessages(1, 100)[0]
	run := func(n int) uint64 {
		in := &plugintest.ListInput{}
		for range n {
			in.Messages = append(in.Messages, large, small, small)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		emit(t, nil, in, &nullOutput{})
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	once := run(1)
	if many := run(200); many > once+1<<20 {
		t.Errorf("%d bytes allocated for 200 large messages, %d for one", many, once)
	}
}
