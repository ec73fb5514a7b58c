package main

import (
	"testing"

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
