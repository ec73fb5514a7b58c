package certs

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
)

// A Client is what a client of TLS is told beside the server's name. A Source
// without a name is not given.
type Client struct {
	CA        Source // whom to trust in place of the system's authorities
	Cert, Key Source // for a server that wants a certificate
}

// Check refuses one half of a pair. Its error names the flag that is missing.
func (c Client) Check() error {
	switch {
	case c.Cert.Name != "" && c.Key.Name == "":
		return fmt.Errorf("%s needs its key; add %s key.pem", c.Cert, c.Key.Label)
	case c.Key.Name != "" && c.Cert.Name == "":
		return fmt.Errorf("%s needs its certificate; add %s cert.pem", c.Key, c.Cert.Label)
	}
	return nil
}

// Open reads the files, and returns what makes the configuration of each
// connection: base, which it does not change, and what the files hold by then.
func (c Client) Open(logf func(string, ...any), base *tls.Config) (func() *tls.Config, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	base = base.Clone()
	if c.Cert.Name != "" {
		pair, err := OpenPair(logf, c.Cert, c.Key)
		if err != nil {
			return nil, err
		}
		// Also when the server names other authorities: it can then say so, where
		// no certificate at all would only be missing.
		base.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return pair.Get(), nil }
	}
	var authorities *Files[*x509.CertPool]
	if c.CA.Name != "" {
		var err error
		if authorities, err = OpenAuthorities(logf, c.CA); err != nil {
			return nil, err
		}
	}
	return func() *tls.Config {
		if authorities == nil {
			return base
		}
		config := base.Clone()
		config.RootCAs = authorities.Get()
		return config
	}, nil
}
