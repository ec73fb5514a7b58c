package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"github.com/buger/gor/internal/address"
	"github.com/buger/gor/internal/admission"
	"github.com/buger/gor/internal/certs"
	"github.com/buger/gor/internal/flags"
	"github.com/buger/gor/internal/link"
	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/stats"
)

// tcpInput is the receiving end of the link. What Read gave is acknowledged
// to its sender once the next Read has begun and every output has settled it.
type tcpInput struct {
	*link.Receiver // Read, Close, Counts
	addr           net.Addr
}

var _ plugin.Input = (*tcpInput)(nil)

// tcpInputPlugin is the row of --input-tcp.
func tcpInputPlugin() inputPlugin {
	return inputPlugin{
		pluginFlags: pluginFlags{
			name: "input-tcp", arg: "ADDRESS",
			help:    "receive messages from the --output-tcp of another Gor; any number of them may send",
			example: "gor --input-tcp :28020 --output-http staging.com",
		}, // what it can be told stands under "TCP link", with the other end's
		fits:  func(s *Settings) error { return s.tcpInput.check() },
		parse: parseTCPInput,
	}
}

func parseTCPInput(addr string, _ pace.Limit, s *Settings) (plugin.Parsed[plugin.Input], error) {
	return plugin.Parsed[plugin.Input]{
		Check: func() error { _, err := s.tcpInput.tls(unheard); return err },
		Open:  func(env *plugin.Env) (plugin.Input, error) { return newTCPInput(addr, s, env) },
	}, address.CheckListen(addr)
}

func newTCPInput(addr string, s *Settings, env *plugin.Env) (plugin.Input, error) {
	logf := prefixed(env.Logf, "input-tcp "+addr+": ")
	secure, err := s.tcpInput.tls(logf)
	if err != nil {
		return nil, err
	}
	listener, err := admission.Listen(addr)
	if err != nil {
		return nil, err
	}
	if a, ok := listener.Addr().(*net.TCPAddr); ok && !a.IP.IsLoopback() {
		warnOpen(&s.tcpInput, a, env)
	}
	r := link.NewReceiver(listener, link.ReceiverConfig{
		Limit:  s.MessageLimit,
		Settle: env.Settle,
		TLS:    secure,
		Logf:   logf,
	})
	return &tcpInput{Receiver: r, addr: listener.Addr()}, nil
}

// warnOpen says what an input means that others than this host can reach.
func warnOpen(s *tcpInputSettings, addr *net.TCPAddr, env *plugin.Env) {
	switch {
	case s.ClientCA != "":
	case s.Secure:
		env.Logf("input-tcp %s: the traffic is encrypted, but everyone who can reach this port can still have requests replayed; admit the senders only with --input-tcp-client-ca FILE, or by a firewall", addr)
	default:
		env.Logf("input-tcp %s: everyone who can reach this port can have requests replayed, and the traffic is not encrypted; admit the senders only with --input-tcp-secure and --input-tcp-client-ca FILE, or by a firewall, or listen on 127.0.0.1 behind a tunnel", addr)
	}
}

func prefixed(logf func(format string, args ...any), prefix string) func(format string, args ...any) {
	return func(format string, args ...any) { logf("%s%s", prefix, fmt.Sprintf(format, args...)) }
}

// Live is false: a full receiver stops reading, and its senders wait.
func (t *tcpInput) Live() bool { return false }

func (t *tcpInput) Counts() []stats.Count     { return t.Receiver.Counts() }
func (t *tcpInput) Progress() plugin.Progress { return plugin.Progress{} }
func (t *tcpInput) Report(*plugin.Report)     {}
func (t *tcpInput) String() string            { return "input-tcp " + t.addr.String() }

// tcpInputSettings is what the command line says of --input-tcp. Names of files
// are empty when they were not given.
type tcpInputSettings struct {
	Secure      bool
	Certificate string
	Key         string
	ClientCA    string
}

// flags sets the defaults and returns the flags that change them.
func (s *tcpInputSettings) flags() []flagDef {
	return []flagDef{
		{"input-tcp-secure", "", "receive over TLS; needs --input-tcp-certificate and --input-tcp-certificate-key. The files are read " +
			"again when they change",
			"gor --input-tcp :28020 --input-tcp-secure --input-tcp-certificate cert.pem " +
				"--input-tcp-certificate-key key.pem --output-http staging.com", flags.Bool(&s.Secure)},
		{"input-tcp-certificate", "FILE", "the certificate of --input-tcp in PEM form, followed by any intermediate certificates", "",
			flags.String(&s.Certificate)},
		{"input-tcp-certificate-key", "FILE", "its key, in PEM form, without a passphrase", "", flags.String(&s.Key)},
		{"input-tcp-client-ca", "FILE", "admit only senders with a certificate of an authority in FILE; without it, everyone who can reach " +
			"the port can have requests replayed", "", flags.String(&s.ClientCA)},
	}
}

// check refuses what cannot work together, with what to type. TLS that was asked for and is not there would be
// worse than an error.
func (s *tcpInputSettings) check() error {
	other := firstSet("input-tcp-certificate", s.Certificate, "input-tcp-certificate-key", s.Key, "input-tcp-client-ca", s.ClientCA)
	switch {
	case other != "" && !s.Secure:
		return fmt.Errorf("--%s is for TLS; add --input-tcp-secure", other)
	case s.Secure && s.Certificate == "" && s.Key == "":
		return errors.New("--input-tcp-secure needs a certificate; add --input-tcp-certificate cert.pem --input-tcp-certificate-key key.pem")
	case s.Secure && s.Key == "":
		return fmt.Errorf("--input-tcp-certificate %s needs its key; add --input-tcp-certificate-key key.pem", s.Certificate)
	case s.Secure && s.Certificate == "":
		return fmt.Errorf("--input-tcp-certificate-key %s needs its certificate; add --input-tcp-certificate cert.pem", s.Key)
	}
	return nil
}

// tls returns what makes the configuration of each connection, or nil without
// --input-tcp-secure.
func (s *tcpInputSettings) tls(logf func(format string, args ...any)) (func() *tls.Config, error) {
	if !s.Secure {
		return nil, nil
	}
	return certs.Server(certs.ServerConfig{
		Certificate:       certs.Source{Label: "--input-tcp-certificate", Name: s.Certificate},
		Key:               certs.Source{Label: "--input-tcp-certificate-key", Name: s.Key},
		ClientAuthorities: certs.Source{Label: "--input-tcp-client-ca", Name: s.ClientCA},
		Logf:              logf,
	})
}

// firstSet returns the first name whose value, which follows it, is not empty.
func firstSet(pairs ...string) string {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			return pairs[i]
		}
	}
	return ""
}
