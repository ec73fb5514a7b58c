package main

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"

	"github.com/buger/gor/internal/outbound"

	"github.com/buger/gor/internal/link"
	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/stats"
)

// tcpInput is the receiving end of the link. What Read gave is acknowledged
// to its sender once the next Read has begun and every output has settled it.
type tcpInput struct {
	*link.Receiver // Read, Close, Counts
	addr           net.Addr
}

var _ Input = (*tcpInput)(nil)

func newTCPInput(addr string, _ pace.Limit, s *Settings, env *pluginEnv) (Input, error) {
	if err := checkLinkAddr(addr); err != nil {
		return nil, asUsage(err)
	}
	logf := prefixed(env.logf, "input-tcp "+addr+": ")
	secure, err := receiverTLS(&s.TCP, logf)
	if err != nil {
		return nil, err
	}
	listener, err := listen(addr)
	if err != nil {
		return nil, err
	}
	if a, ok := listener.Addr().(*net.TCPAddr); ok && !a.IP.IsLoopback() {
		warnOpen(&s.TCP, a, env)
	}
	r := link.NewReceiver(listener, link.ReceiverConfig{
		Limit:  s.MessageLimit,
		Settle: env.settle,
		TLS:    secure,
		Logf:   logf,
	})
	return &tcpInput{Receiver: r, addr: listener.Addr()}, nil
}

// warnOpen says what an input means that others than this host can reach.
func warnOpen(s *linkSettings, addr *net.TCPAddr, env *pluginEnv) {
	switch {
	case s.InClientCA != "":
	case s.InSecure:
		env.logf("input-tcp %s: the traffic is encrypted, but everyone who can reach this port can still have requests replayed; admit the senders only with --input-tcp-client-ca FILE, or by a firewall", addr)
	default:
		env.logf("input-tcp %s: everyone who can reach this port can have requests replayed, and the traffic is not encrypted; admit the senders only with --input-tcp-secure and --input-tcp-client-ca FILE, or by a firewall, or listen on 127.0.0.1 behind a tunnel", addr)
	}
}

// checkLinkAddr refuses what is not HOST:PORT. A host is required where the
// address is connected to, and may be left out where it is listened on.
func checkLinkAddr(addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		if _, perr := strconv.ParseUint(addr, 10, 16); perr == nil {
			return fmt.Errorf("%q is no address; a port alone is written :%s", addr, addr)
		}
		return fmt.Errorf("%q is no address; it is written :28020, host:28020 or [::1]:28020", addr)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%q has no port between 1 and 65535, as in :28020", addr)
	}
	return nil
}

func prefixed(logf func(format string, args ...any), prefix string) func(format string, args ...any) {
	return func(format string, args ...any) { logf("%s%s", prefix, fmt.Sprintf(format, args...)) }
}

// Live is false: a full receiver stops reading, and its senders wait.
func (t *tcpInput) Live() bool { return false }

func (t *tcpInput) Counts() []stats.Count { return t.Receiver.Counts() }
func (t *tcpInput) Progress() progress    { return progress{} }
func (t *tcpInput) Report(*report)        {}
func (t *tcpInput) String() string        { return "input-tcp " + t.addr.String() }

// listen is net.Listen whose Accept says what it lacks when that is files.
func listen(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, explainListen(addr, err)
	}
	return filesListener{l}, nil
}

type filesListener struct{ net.Listener }

func (l filesListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return conn, outbound.ExplainFiles(err)
}

// explainListen says what to do about an address that cannot be listened on.
func explainListen(addr string, err error) error {
	_, port, _ := net.SplitHostPort(addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("listen on %q: the port is in use; see by whom with: ss -ltnp 'sport = :%s'", addr, port)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("listen on %q: this host has no such address; :%s listens on all it has", addr, port)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("listen on %q: not permitted; ports below 1024 need root: take another, such as :28020", addr)
	}
	return fmt.Errorf("listen on %q: %w", addr, err)
}
