package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/stats"
)

// dummyInput makes one "GET /" a second.
type dummyInput struct {
	tick  *time.Ticker
	done  chan struct{}
	close sync.Once
	conn  uint64
	count uint32      // of the requests so far
	msg   plugin.Held // made but not yet given, when the last Read's buffer was short
}

var _ plugin.Input = (*dummyInput)(nil)

const dummyRequest = "GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: Gor\r\n\r\n"

// dummyInputPlugin is the row of --input-dummy.
func dummyInputPlugin() inputPlugin {
	return inputPlugin{
		pluginFlags: pluginFlags{
			name:    "input-dummy",
			help:    "make one GET / a second, to try outputs with",
			example: "gor --input-dummy \"\" --output-http staging.com",
		},
		parse: func(string, pace.Limit, *Settings) (plugin.Parsed[plugin.Input], error) {
			return plugin.Parsed[plugin.Input]{Open: func(*plugin.Env) (plugin.Input, error) { return newDummyInput(), nil }}, nil
		},
	}
}

func newDummyInput() *dummyInput {
	return &dummyInput{
		tick: time.NewTicker(time.Second),
		done: make(chan struct{}),
		conn: rand.Uint64(),
	}
}

func (d *dummyInput) Read(p []byte) (int, error) {
	if len(d.msg) == 0 {
		select {
		case <-d.done:
			return 0, io.EOF
		case now := <-d.tick.C:
			d.msg = d.make(now)
		}
	}
	return d.msg.Give(p)
}

func (d *dummyInput) make(now time.Time) []byte {
	id := payload.AppendID(nil, d.conn, d.count)
	d.count++
	msg := payload.AppendMeta(nil, payload.Meta{
		Type: payload.Request, ID: id, Time: now.UnixNano(), Duration: 0, Length: -1,
	})
	return append(msg, dummyRequest...)
}

func (d *dummyInput) Close() error {
	d.close.Do(func() {
		d.tick.Stop()
		close(d.done)
	})
	return nil
}

func (d *dummyInput) Live() bool                { return false }
func (d *dummyInput) Counts() []stats.Count     { return nil }
func (d *dummyInput) Progress() plugin.Progress { return plugin.Progress{} }
func (d *dummyInput) Report(*plugin.Report)     {}
func (d *dummyInput) String() string            { return fmt.Sprintf("input-dummy (GET / every %s)", time.Second) }
