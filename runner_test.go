package main

import (
	"context"
	"io"
	"net"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/buger/gor/internal/console"
	"github.com/buger/gor/internal/link"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/testkit"
)

// A capture goes on beside a middleware that takes nothing.
func TestMiddlewareSheds(t *testing.T) {
	s := defaultSettings()
	s.Middleware, s.OnFull = "sleep 1000", "shed"
	in, msgs := testkit.MixedRecording(t, 2000)
	s.Inputs = []pluginArg{{"input-file", in + "|max"}}
	s.Outputs = []pluginArg{{"output-null", ""}}
	env := testEnv(t, &testkit.LockedBuffer{})
	env.QueueBytes = 64 << 10
	plugs, err := openPlugins(s, env)
	testkit.Must(t, err)
	defer plugs.close()
	em := newEmitter(plugs, s, t.Logf)
	if !em.run() {
		t.Error("the input failed")
	}
	if shed := em.toMiddleware.Shed(); shed < uint64(len(msgs))/2 || shed >= uint64(len(msgs)) {
		t.Errorf("%d of %d shed", shed, len(msgs))
	}
}

// TestPageInOneProcess: several runs in one process, at once and after each
// other, each have their own page.
func TestPageInOneProcess(t *testing.T) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(-1)) // run sets it
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for range 2 {
				var stderr testkit.LockedBuffer
				if code := run([]string{"--input-dummy", "--output-null", "--exit-after", "50ms", "--http-pprof", "127.0.0.1:0"}, nil, strings.NewReader(""), io.Discard, &stderr); code != exitOK {
					t.Errorf("exit %d:\n%s", code, stderr.Bytes())
				}
				_, rest, _ := strings.Cut(string(stderr.Bytes()), "counts and profiles at http://")
				addr, _, _ := strings.Cut(rest, "/")
				if c, err := net.Dial("tcp", addr); err == nil {
					c.Close()
					t.Errorf("%s is still there", addr)
				}
			}
		})
	}
	wg.Wait()
}

// A reader of stdout that hangs does not stop the link for the output beside
// it: all of that arrives there and is acknowledged to the sender, and what
// the hung one did not get is counted.
func TestLinkBesideAHungOutput(t *testing.T) {
	n := 40_000 // more than the sender's window, and more than stdout's queue
	if os.Getenv("GOR_LINK_CHAOS") != "" {
		n = 200_000
	}
	hung, held, err := os.Pipe() // nobody reads it
	testkit.Must(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	env := testEnv(t, held)
	stdout, err := openOutput(pluginArg{"output-stdout", ""}, defaultSettings(), env)
	testkit.Must(t, err)
	null := &nullOutput{}
	var em *emitter
	ready := make(chan struct{})
	in := &tcpInput{addr: listener.Addr(), Receiver: link.NewReceiver(listener, link.ReceiverConfig{Limit: 1 << 20, Settle: func(cancel <-chan struct{}) error {
		<-ready
		return em.settle(cancel)
	}})}
	em = newEmitter(&plugins{inputs: []plugin.Input{in}, outputs: []plugin.Output{stdout, null}}, defaultSettings(), t.Logf)
	for i, out := range em.outputs {
		em.outputs[i] = plugin.NewOutlet(out.Output, 20*time.Millisecond, t.Logf)
	}
	close(ready)
	carried := make(chan struct{})
	go func() { defer close(carried); em.run() }()

	f := &testkit.Feed{N: n}
	sender := link.NewSender(link.SenderConfig{Dial: func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", listener.Addr().String())
	}}, f)
	select {
	case <-sender.Done():
	case <-time.After(testkit.Timeout):
		t.Errorf("%d of %d messages are acknowledged", f.Acknowledged(), n)
	}
	sender.Close()
	in.Close()
	em.halt()
	<-carried
	held.Close()
	hung.Close()
	testkit.Must(t, stdout.Close())
	if got := int(null.delivered.Load()); got != n {
		t.Errorf("%d of %d messages came to the other output", got, n)
	}
	lost := int(em.outputs[0].Shed())
	for _, row := range stdout.Counts() {
		lost += int(row.N)
	}
	if lost != n {
		t.Errorf("%d of %d messages are accounted for at the hung one: %d shed, %v", lost, n, em.outputs[0].Shed(), stdout.Counts())
	}
}

// A single output is waited for: nothing is acknowledged that it does not have.
func TestSettleOfASingleOutput(t *testing.T) {
	hung, held, err := os.Pipe()
	testkit.Must(t, err)
	defer hung.Close()
	stdout, err := openOutput(pluginArg{"output-stdout", ""}, defaultSettings(), testEnv(t, held))
	testkit.Must(t, err)
	em := newEmitter(&plugins{outputs: []plugin.Output{stdout}}, defaultSettings(), t.Logf)
	em.outputs[0] = plugin.NewOutlet(stdout, time.Millisecond, t.Logf)
	for _, msg := range testMessages(1, 200<<10) { // more than the pipe holds
		_, err := stdout.Write(msg)
		testkit.Must(t, err)
	}
	cancel := make(chan struct{})
	time.AfterFunc(50*time.Millisecond, func() { close(cancel) })
	if em.settle(cancel) == nil {
		t.Error("settled, although nobody reads")
	}
	go io.Copy(io.Discard, hung)
	testkit.Must(t, em.settle(nil))
	testkit.Must(t, stdout.Close())
}

// stuckInput is one whose Read and Close are of no use to each other.
type stuckInput struct {
	plugin.Input
	free chan struct{}
}

func (s *stuckInput) Read([]byte) (int, error) { <-s.free; return 0, io.EOF }
func (s *stuckInput) Close() error             { return nil }

// TestSecondSignalEnds: what is drawn until the end of a run ends too when a second signal
// comes before the inputs have ended.
func TestSecondSignalEnds(t *testing.T) {
	s := defaultSettings()
	s.Inputs, s.Outputs = []pluginArg{{"input-dummy", ""}}, []pluginArg{{"output-null", ""}}
	plugs, err := openPlugins(s, testEnv(t, &testkit.LockedBuffer{}))
	testkit.Must(t, err)
	defer plugs.close()
	stuck := &stuckInput{plugs.inputs[0], make(chan struct{})}
	defer stuck.Input.Close()
	defer close(stuck.free)
	plugs.inputs[0] = stuck
	signals := make(chan os.Signal, 2)
	signals <- os.Interrupt
	signals <- os.Interrupt
	r := &runner{s: s, log: console.New(io.Discard), plugs: plugs, em: newEmitter(plugs, s, t.Logf), signals: signals, over: make(chan struct{})}
	if err := r.run(); err != exitCode(exitInterrupted) {
		t.Errorf("%v", err)
	}
	select {
	case <-r.over:
	default:
		t.Error("the run is not over for what is drawn while it lasts")
	}
}
