// Package clientflags is the flags by which an output is told how to speak TLS to
// its servers. All such outputs have the same, each under its own prefix.
package clientflags

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"

	"github.com/buger/gor/internal/certs"
	"github.com/buger/gor/internal/flags"
)

// A Client is what the flags say. A file that was not given is "".
type Client struct {
	SkipVerify           bool
	CA, Certificate, Key string // files
}

// Flags returns the flags, whose names begin with prefix and a hyphen. server is
// what the output sends to, and example a command line that they can be added to.
func (c *Client) Flags(prefix, server, example string) []flags.Def {
	return []flags.Def{
		{Name: prefix + "-skip-verify", Help: "do not verify the " + server + "'s certificate", Value: flags.Bool(&c.SkipVerify)},
		{Name: prefix + "-ca", Arg: "FILE", Help: "trust the authorities in FILE, in PEM form, instead of the system's (for those, SSL_CERT_FILE in the environment names another " +
			"file). It is read again when it changes", Example: example + " --" + prefix + "-ca ca.pem", Value: flags.String(&c.CA)},
		{Name: prefix + "-client-cert", Arg: "FILE", Help: "the certificate for a " + server + " that wants one, in PEM form", Value: flags.String(&c.Certificate)},
		{Name: prefix + "-client-key", Arg: "FILE", Help: "its key, in PEM form, without a passphrase", Value: flags.String(&c.Key)},
	}
}

// Given is the name of the first flag that was given, or "".
func (c *Client) Given(prefix string) string {
	switch {
	case c.CA != "":
		return prefix + "-ca"
	case c.Certificate != "":
		return prefix + "-client-cert"
	case c.Key != "":
		return prefix + "-client-key"
	case c.SkipVerify:
		return prefix + "-skip-verify"
	}
	return ""
}

// Check refuses what cannot work together, with what to type.
func (c *Client) Check(prefix string) error {
	if c.SkipVerify && c.CA != "" {
		return fmt.Errorf("--%s-ca %s says whose certificates to trust, and --%s-skip-verify to trust any; leave one out", prefix, c.CA, prefix)
	}
	return c.files(prefix).Check()
}

// CheckFor is Check for an output whose addresses begin with scheme when they are
// reached over TLS, and refuses flags for TLS when none of its addresses does.
func (c *Client) CheckFor(prefix, scheme string, addresses []string) error {
	if given := c.Given(prefix); given != "" && !AnyBegins(addresses, scheme) {
		return fmt.Errorf("--%s is for TLS, and no --%s begins with %s", given, prefix, scheme)
	}
	return c.Check(prefix)
}

// AnyBegins reports whether one of the addresses has that scheme, in small
// letters or in capitals.
func AnyBegins(addresses []string, scheme string) bool {
	return slices.ContainsFunc(addresses, func(addr string) bool {
		return len(addr) > len(scheme) && strings.EqualFold(addr[:len(scheme)], scheme)
	})
}

// Open reads the files. base is how to speak TLS without them; nil is not at all.
func (c *Client) Open(prefix string, base *tls.Config, logf func(string, ...any)) (func() *tls.Config, error) {
	if base == nil {
		return nil, nil
	}
	return c.files(prefix).Open(logf, base)
}

func (c *Client) files(prefix string) certs.Client {
	return certs.Client{
		CA:   certs.Source{Label: "--" + prefix + "-ca", Name: c.CA},
		Cert: certs.Source{Label: "--" + prefix + "-client-cert", Name: c.Certificate},
		Key:  certs.Source{Label: "--" + prefix + "-client-key", Name: c.Key},
	}
}
