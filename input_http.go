package main

import (
	"fmt"
	"net"

	"github.com/buger/gor/internal/address"
	"github.com/buger/gor/internal/admission"
	"github.com/buger/gor/internal/mirror"
	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/stats"
)

// httpInput takes the requests that a proxy mirrors: where TLS hides the
// traffic from a capture, the server that ends it can send a copy.
type httpInput struct {
	*mirror.Server // Read, Close, Counts
	addr           net.Addr
}

var _ plugin.Input = (*httpInput)(nil)

// httpInputPlugin is the row of --input-http.
func httpInputPlugin() inputPlugin {
	return inputPlugin{
		pluginFlags: pluginFlags{
			name: "input-http", arg: "ADDRESS",
			help: "take requests over HTTP and treat them as captured: for the mirroring of nginx, HAProxy or Envoy, " +
				"where TLS hides the traffic from a capture. Each is answered with 204 at once",
			example: "gor --input-http 127.0.0.1:28021 --output-http http://staging.com",
		},
		parse: parseHTTPInput,
	}
}

func parseHTTPInput(addr string, _ pace.Limit, s *Settings) (plugin.Parsed[plugin.Input], error) {
	return plugin.Parsed[plugin.Input]{Open: func(env *plugin.Env) (plugin.Input, error) { return newHTTPInput(addr, s, env) }}, address.CheckListen(addr)
}

func newHTTPInput(addr string, s *Settings, env *plugin.Env) (plugin.Input, error) {
	listener, err := admission.Listen(addr)
	if err != nil {
		return nil, err
	}
	logf := prefixed(env.Logf, fmt.Sprintf("input-http %s: ", listener.Addr()))
	if a, ok := listener.Addr().(*net.TCPAddr); ok && !a.IP.IsLoopback() {
		logf("everyone who can reach this port can have requests replayed; let a firewall admit your proxies only, or listen on 127.0.0.1:%d", a.Port)
	}
	return &httpInput{
		Server: mirror.New(listener, mirror.Config{Limit: s.MessageLimit, Bytes: env.QueueBytes, Logf: logf}),
		addr:   listener.Addr(),
	}, nil
}

// Live is true: the proxy's clients may be waiting for our answer.
func (h *httpInput) Live() bool { return true }

func (h *httpInput) Counts() []stats.Count     { return h.Server.Counts() }
func (h *httpInput) Progress() plugin.Progress { return plugin.Progress{} }
func (h *httpInput) Report(*plugin.Report)     {}
func (h *httpInput) String() string            { return "input-http " + h.addr.String() }
