package main

import (
	"fmt"
	"net"

	"github.com/buger/gor/internal/mirror"
	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/stats"
)

// httpInput takes the requests that a proxy mirrors: where TLS hides the
// traffic from a capture, the server that ends it can send a copy.
type httpInput struct {
	*mirror.Server // Read, Close, Counts
	addr           net.Addr
}

var _ Input = (*httpInput)(nil)

func newHTTPInput(addr string, _ pace.Limit, s *Settings, env *pluginEnv) (Input, error) {
	if err := checkLinkAddr(addr); err != nil {
		return nil, asUsage(err)
	}
	listener, err := listen(addr)
	if err != nil {
		return nil, err
	}
	logf := prefixed(env.logf, fmt.Sprintf("input-http %s: ", listener.Addr()))
	if a, ok := listener.Addr().(*net.TCPAddr); ok && !a.IP.IsLoopback() {
		logf("everyone who can reach this port can have requests replayed; let a firewall admit your proxies only, or listen on 127.0.0.1:%d", a.Port)
	}
	return &httpInput{
		Server: mirror.New(listener, mirror.Config{Limit: s.MessageLimit, Bytes: env.queueBytes, Logf: logf}),
		addr:   listener.Addr(),
	}, nil
}

func checkHTTPInput(addr string, _ pace.Limit, _ *Settings) error { return checkLinkAddr(addr) }

// Live is true: the proxy's clients may be waiting for our answer.
func (h *httpInput) Live() bool { return true }

func (h *httpInput) Counts() []stats.Count { return h.Server.Counts() }
func (h *httpInput) Progress() progress    { return progress{} }
func (h *httpInput) Report(*report)        {}
func (h *httpInput) String() string        { return "input-http " + h.addr.String() }
