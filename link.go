package main

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"

	"github.com/buger/gor/internal/certs"
	"github.com/buger/gor/internal/flags"
)

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
		{output + "-ca", "FILE", "trust the authorities in FILE, in PEM form, instead of the system's (for those, SSL_CERT_FILE in the environment names another " +
			"file). It is read again when it changes", example + " --" + output + "-ca ca.pem", flags.String(&s.CA)},
		{output + "-client-cert", "FILE", "the certificate for a " + server + " that wants one, in PEM form", "", flags.String(&s.Certificate)},
		{output + "-client-key", "FILE", "its key, in PEM form, without a passphrase", "", flags.String(&s.Key)},
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
