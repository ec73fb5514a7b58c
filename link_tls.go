package main

import (
	"crypto/tls"
	"crypto/x509"

	"github.com/buger/gor/internal/certs"
)

// receiverTLS returns what makes the configuration of each connection of an
// --input-tcp, or nil without --input-tcp-secure.
func receiverTLS(s *linkSettings, logf func(string, ...any)) (func() *tls.Config, error) {
	if !s.InSecure {
		return nil, nil
	}
	pair, err := certs.OpenPair(logf, certs.Source{Label: "--input-tcp-certificate", Name: s.InCertificate}, certs.Source{Label: "--input-tcp-certificate-key", Name: s.InKey})
	if err != nil {
		return nil, err
	}
	var authorities *certs.Files[*x509.CertPool]
	if s.InClientCA != "" {
		if authorities, err = certs.OpenAuthorities(logf, certs.Source{Label: "--input-tcp-client-ca", Name: s.InClientCA}); err != nil {
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
func senderTLS(s *linkSettings, host string, logf func(string, ...any)) (func() *tls.Config, error) {
	if !s.OutSecure {
		return nil, nil
	}
	var (
		pair        *certs.Files[*tls.Certificate]
		authorities *certs.Files[*x509.CertPool]
		err         error
	)
	if s.OutCertificate != "" {
		if pair, err = certs.OpenPair(logf, certs.Source{Label: "--output-tcp-client-cert", Name: s.OutCertificate}, certs.Source{Label: "--output-tcp-client-key", Name: s.OutKey}); err != nil {
			return nil, err
		}
	}
	if s.OutCA != "" {
		if authorities, err = certs.OpenAuthorities(logf, certs.Source{Label: "--output-tcp-ca", Name: s.OutCA}); err != nil {
			return nil, err
		}
	}
	return func() *tls.Config {
		config := &tls.Config{
			MinVersion:         tls.VersionTLS12,
			ServerName:         host,
			InsecureSkipVerify: s.SkipVerify,
		}
		if authorities != nil {
			config.RootCAs = authorities.Get()
		}
		if pair != nil {
			// Also when the receiver names other authorities: it can then say so,
			// where no certificate at all would only be missing.
			config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return pair.Get(), nil }
		}
		return config
	}, nil
}
