package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"

	"github.com/buger/gor/internal/certs"
	"github.com/buger/gor/internal/flags"
)

// firstSet returns the first name whose value, which follows it, is not empty.
func firstSet(pairs ...string) string {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			return pairs[i]
		}
	}
	return ""
}

// has reports whether flag is one of list's.
func has(list []pluginArg, flag string) bool {
	return slices.ContainsFunc(list, func(arg pluginArg) bool { return arg.Flag == flag })
}

// receiverTLS returns what makes the configuration of each connection of an
// --input-tcp, or nil without --input-tcp-secure.
func receiverTLS(s *tcpInputSettings, logf func(string, ...any)) (func() *tls.Config, error) {
	if !s.Secure {
		return nil, nil
	}
	pair, err := certs.OpenPair(logf, certs.Source{Label: "--input-tcp-certificate", Name: s.Certificate}, certs.Source{Label: "--input-tcp-certificate-key", Name: s.Key})
	if err != nil {
		return nil, err
	}
	var authorities *certs.Files[*x509.CertPool]
	if s.ClientCA != "" {
		if authorities, err = certs.OpenAuthorities(logf, certs.Source{Label: "--input-tcp-client-ca", Name: s.ClientCA}); err != nil {
			return nil, err
		}
	}
	return func() *tls.Config {
		config := &tls.Config{
			MinVersion:     tls.VersionTLS12,
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return pair.Get(), nil },
		}
		if authorities != nil {
			config.ClientAuth = tls.RequireAndVerifyClientCert
			config.ClientCAs = authorities.Get()
		}
		return config
	}, nil
}

// senderTLS is the same for an --output-tcp to host.
func senderTLS(s *tcpOutputSettings, host string, logf func(string, ...any)) (func() *tls.Config, error) {
	if !s.Secure {
		return nil, nil
	}
	return clientFiles("output-tcp", s.CA, s.Certificate, s.Key).Open(logf, &tls.Config{
		MinVersion:         tls.VersionTLS12,
		ServerName:         host,
		InsecureSkipVerify: s.SkipVerify,
	})
}

// clientFiles are the files of an output that speaks TLS, whose flags are called
// alike.
func clientFiles(output, ca, cert, key string) certs.Client {
	return certs.Client{
		CA:   certs.Source{Label: "--" + output + "-ca", Name: ca},
		Cert: certs.Source{Label: "--" + output + "-client-cert", Name: cert},
		Key:  certs.Source{Label: "--" + output + "-client-key", Name: key},
	}
}

// clientSettings is what the command line says of TLS to a target.
type clientSettings struct {
	SkipVerify           bool
	CA, Certificate, Key string // files; "": none
}

// flags returns the flags of an output for servers of that kind.
func (s *clientSettings) flags(output, server, example string) []flagDef {
	return []flagDef{
		{output + "-skip-verify", "", "do not verify the " + server + "'s certificate", "", flags.Bool(&s.SkipVerify)},
		{output + "-ca", "FILE", "trust the authorities in FILE, in PEM form, in place of the system's (for those, SSL_CERT_FILE in the environment names another " +
			"file). It is read again when it changes", example + " --" + output + "-ca ca.pem", flags.String(&s.CA)},
		{output + "-client-cert", "FILE", "the certificate for a " + server + " that wants one, in PEM form", "", flags.String(&s.Certificate)},
		{output + "-client-key", "FILE", "its key, in PEM form and without a passphrase", "", flags.String(&s.Key)},
	}
}

// check refuses what cannot work together, and flags for TLS when no target of
// the output has it: scheme is what such targets begin with.
func (s *clientSettings) check(outputs []pluginArg, output, scheme string) error {
	if given := firstSet(output+"-ca", s.CA, output+"-client-cert", s.Certificate, output+"-client-key", s.Key); given != "" && !slices.ContainsFunc(outputs, func(arg pluginArg) bool {
		return arg.Flag == output && len(arg.Value) > len(scheme) && strings.EqualFold(arg.Value[:len(scheme)], scheme)
	}) {
		return fmt.Errorf("--%s is for TLS, and no --%s begins with %s", given, output, scheme)
	}
	if s.SkipVerify && s.CA != "" {
		return fmt.Errorf("--%s-ca %s says whose certificates to trust, and --%s-skip-verify to trust any; leave one out", output, s.CA, output)
	}
	return clientFiles(output, s.CA, s.Certificate, s.Key).Check()
}

// open reads the files. base is how to speak TLS without them; nil is not at all.
func (s *clientSettings) open(output string, base *tls.Config, logf func(string, ...any)) (func() *tls.Config, error) {
	if base == nil {
		return nil, nil
	}
	return clientFiles(output, s.CA, s.Certificate, s.Key).Open(logf, base)
}
