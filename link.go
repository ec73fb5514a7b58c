package main

import (
	"crypto/tls"
	"crypto/x509"
	"slices"

	"github.com/buger/gor/internal/certs"
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
	var (
		pair        *certs.Files[*tls.Certificate]
		authorities *certs.Files[*x509.CertPool]
		err         error
	)
	if s.Certificate != "" {
		if pair, err = certs.OpenPair(logf, certs.Source{Label: "--output-tcp-client-cert", Name: s.Certificate}, certs.Source{Label: "--output-tcp-client-key", Name: s.Key}); err != nil {
			return nil, err
		}
	}
	if s.CA != "" {
		if authorities, err = certs.OpenAuthorities(logf, certs.Source{Label: "--output-tcp-ca", Name: s.CA}); err != nil {
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
