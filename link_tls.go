package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// The link's TLS: certificates are files, and are read again when they have
// changed, so that a renewal needs no restart.

// certLook is how often the files are looked at, at most.
const certLook = time.Second

// certFiles is what was read from files. What they hold now counts; when that
// cannot be used, what they held before.
type certFiles[T any] struct {
	names []string
	read  func() (T, error)
	logf  func(format string, args ...any)
	now   func() time.Time

	mu     sync.Mutex
	value  T
	stamps []os.FileInfo
	looked time.Time
	failed int // looks at which they could not be used, in a row
}

func openCertFiles[T any](logf func(string, ...any), read func() (T, error), names ...string) (*certFiles[T], error) {
	c := &certFiles[T]{names: names, read: read, logf: logf, now: time.Now}
	c.stamps = c.stat()
	c.looked = c.now()
	var err error
	c.value, err = read()
	return c, err
}

// stat returns nil when not all files are there.
func (c *certFiles[T]) stat() []os.FileInfo {
	var list []os.FileInfo
	for _, name := range c.names {
		fi, err := os.Stat(name)
		if err != nil {
			return nil
		}
		list = append(list, fi)
	}
	return list
}

// get returns what the files hold.
func (c *certFiles[T]) get() T {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if now.Sub(c.looked) < certLook {
		return c.value
	}
	c.looked = now
	stamps := c.stat()
	if sameFiles(stamps, c.stamps) {
		return c.value
	}
	value, err := c.read()
	if err != nil {
		// A renewal replaces one file after the other: it may only be half done.
		if c.failed++; c.failed == 2 {
			c.logf("%v; what was read before stays in use", err)
		}
		return c.value
	}
	c.value, c.stamps, c.failed = value, stamps, 0
	c.logf("%s has changed and was read again", strings.Join(c.names, ", "))
	return c.value
}

func sameFiles(a, b []os.FileInfo) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !os.SameFile(a[i], b[i]) || !a[i].ModTime().Equal(b[i].ModTime()) || a[i].Size() != b[i].Size() {
			return false
		}
	}
	return true
}

// openKeyPair reads a certificate, with those that lead to its authority, and
// its key. flags are what gave their names.
func openKeyPair(logf func(string, ...any), flags [2]string, certFile, keyFile string) (*certFiles[*tls.Certificate], error) {
	c, err := openCertFiles(logf, func() (*tls.Certificate, error) { return readKeyPair(flags, certFile, keyFile) }, certFile, keyFile)
	if err != nil {
		return nil, err
	}
	if leaf := c.value.Leaf; time.Now().After(leaf.NotAfter) {
		logf("the certificate in %s has expired on %s", certFile, leaf.NotAfter.Format(time.RFC3339))
	}
	return c, nil
}

func readKeyPair(flags [2]string, certFile, keyFile string) (*tls.Certificate, error) {
	certPEM, err := readPEM(flags[0], certFile, "CERTIFICATE", "certificate")
	if err != nil {
		return nil, err
	}
	keyPEM, err := readPEM(flags[1], keyFile, "PRIVATE KEY", "key")
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	switch {
	case err == nil:
		return &pair, nil
	case strings.Contains(err.Error(), "does not match") || strings.Contains(err.Error(), "type does not match"):
		return nil, fmt.Errorf("--%s %s: it is not the key of the certificate in %s", flags[1], keyFile, certFile)
	}
	return nil, fmt.Errorf("--%s %s, --%s %s: %w", flags[0], certFile, flags[1], keyFile, err)
}

// readPEM reads a file and wants a block of that kind in it.
func readPEM(flag, name, kind, what string) ([]byte, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		var pathErr *os.PathError
		if errors.As(err, &pathErr) {
			err = pathErr.Err
		}
		return nil, fmt.Errorf("--%s %s: %w", flag, name, err)
	}
	var other string
	for rest := b; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		switch {
		case strings.Contains(block.Type, "ENCRYPTED") || block.Headers["DEK-Info"] != "":
			return nil, fmt.Errorf("--%s %s: the key needs a passphrase; write it without: openssl pkey -in %s -out key.pem", flag, name, name)
		case strings.HasSuffix(block.Type, kind):
			return b, nil
		}
		other = block.Type
	}
	if other != "" {
		return nil, fmt.Errorf("--%s %s: it holds no %s, but a %s", flag, name, what, other)
	}
	tool := "openssl x509 -inform der -in " + name + " -out cert.pem"
	if kind != "CERTIFICATE" {
		tool = "openssl pkey -inform der -in " + name + " -out key.pem"
	}
	return nil, fmt.Errorf("--%s %s: it is no %s in PEM form; when it is one in DER form, convert it: %s", flag, name, what, tool)
}

// openAuthorities reads the certificates of authorities.
func openAuthorities(logf func(string, ...any), flag, file string) (*certFiles[*x509.CertPool], error) {
	return openCertFiles(logf, func() (*x509.CertPool, error) {
		b, err := readPEM(flag, file, "CERTIFICATE", "certificate")
		if err != nil {
			return nil, err
		}
		pool := x509.NewCertPool()
		for rest := b; ; {
			var block *pem.Block
			if block, rest = pem.Decode(rest); block == nil {
				return pool, nil
			}
			if block.Type != "CERTIFICATE" {
				continue
			}
			cert, err := x509.ParseCertificate(bytes.Clone(block.Bytes))
			if err != nil {
				return nil, fmt.Errorf("--%s %s: %w", flag, file, err)
			}
			pool.AddCert(cert)
		}
	}, file)
}

// receiverTLS returns what makes the configuration of each connection of an
// --input-tcp, or nil without --input-tcp-secure.
func receiverTLS(s *linkSettings, logf func(string, ...any)) (func() *tls.Config, error) {
	if !s.InSecure {
		return nil, nil
	}
	pair, err := openKeyPair(logf, [2]string{"input-tcp-certificate", "input-tcp-certificate-key"}, s.InCertificate, s.InKey)
	if err != nil {
		return nil, err
	}
	var authorities *certFiles[*x509.CertPool]
	if s.InClientCA != "" {
		if authorities, err = openAuthorities(logf, "input-tcp-client-ca", s.InClientCA); err != nil {
			return nil, err
		}
	}
	return func() *tls.Config {
		config := &tls.Config{
			MinVersion:     tls.VersionTLS12,
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return pair.get(), nil },
		}
		if authorities != nil {
			config.ClientAuth = tls.RequireAndVerifyClientCert
			config.ClientCAs = authorities.get()
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
		pair        *certFiles[*tls.Certificate]
		authorities *certFiles[*x509.CertPool]
		err         error
	)
	if s.OutCertificate != "" {
		if pair, err = openKeyPair(logf, [2]string{"output-tcp-client-cert", "output-tcp-client-key"}, s.OutCertificate, s.OutKey); err != nil {
			return nil, err
		}
	}
	if s.OutCA != "" {
		if authorities, err = openAuthorities(logf, "output-tcp-ca", s.OutCA); err != nil {
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
			config.RootCAs = authorities.get()
		}
		if pair != nil {
			// Also when the receiver names other authorities: it can then say so,
			// where no certificate at all would only be missing.
			config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return pair.get(), nil }
		}
		return config
	}, nil
}
