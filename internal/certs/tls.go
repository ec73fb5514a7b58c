package certs

import (
	"crypto/tls"
	"crypto/x509"
)

// A ServerConfig says what a server shows its clients. A Source without a name
// was not given.
type ServerConfig struct {
	Certificate, Key Source // both given

	// ClientAuthorities, when given, admits only clients with a certificate of
	// one of these authorities.
	ClientAuthorities Source

	Logf func(format string, args ...any) // is told when files are read again
}

// Server returns what makes the configuration of each connection to a server, of
// TLS 1.2 or later.
func Server(c ServerConfig) (func() *tls.Config, error) {
	pair, err := OpenPair(c.Logf, c.Certificate, c.Key)
	if err != nil {
		return nil, err
	}
	authorities, err := optionalAuthorities(c.Logf, c.ClientAuthorities)
	if err != nil {
		return nil, err
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

// optionalAuthorities returns nil when none were given.
func optionalAuthorities(logf func(format string, args ...any), source Source) (*Files[*x509.CertPool], error) {
	if source.Name == "" {
		return nil, nil
	}
	return OpenAuthorities(logf, source)
}
