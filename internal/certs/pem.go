package certs

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// A Source is a file and what it is called in errors and in the log: Label, such
// as the flag that named it, stands before the name.
type Source struct {
	Label string
	Name  string
}

func (s Source) String() string { return s.Label + " " + s.Name }

// OpenPair reads a certificate, with those that lead to its authority, and its
// key, both in PEM form.
func OpenPair(logf func(string, ...any), cert, key Source) (*Files[*tls.Certificate], error) {
	c, err := openFiles(logf, func() (*tls.Certificate, error) { return readPair(cert, key) }, cert.Name, key.Name)
	if err != nil {
		return nil, err
	}
	if leaf := c.value.Leaf; time.Now().After(leaf.NotAfter) {
		logf("the certificate in %s has expired on %s", cert.Name, leaf.NotAfter.Format(time.RFC3339))
	}
	return c, nil
}

func readPair(cert, key Source) (*tls.Certificate, error) {
	certPEM, err := readPEM(cert, "CERTIFICATE", "certificate")
	if err != nil {
		return nil, err
	}
	keyPEM, err := readPEM(key, "PRIVATE KEY", "key")
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	switch {
	case err == nil:
		return &pair, nil
	case otherKey(certPEM, keyPEM):
		return nil, fmt.Errorf("%s: it is not the key of the certificate in %s", key, cert.Name)
	}
	return nil, fmt.Errorf("%s, %s: %w", cert, key, err)
}

// otherKey reports whether both can be read, and the key is another
// certificate's.
func otherKey(certPEM, keyPEM []byte) bool {
	cert, err := x509.ParseCertificate(firstBlock(certPEM, "CERTIFICATE"))
	if err != nil {
		return false
	}
	der := firstBlock(keyPEM, "PRIVATE KEY")
	var key any
	if key, err = x509.ParsePKCS8PrivateKey(der); err != nil {
		if key, err = x509.ParsePKCS1PrivateKey(der); err != nil {
			if key, err = x509.ParseECPrivateKey(der); err != nil {
				return false
			}
		}
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return false
	}
	public, ok := signer.Public().(interface{ Equal(crypto.PublicKey) bool })
	return ok && !public.Equal(cert.PublicKey)
}

// firstBlock is what the first block holds whose type ends in kind, nil when
// there is none.
func firstBlock(b []byte, kind string) []byte {
	for {
		block, rest := pem.Decode(b)
		if block == nil {
			return nil
		}
		if strings.HasSuffix(block.Type, kind) {
			return block.Bytes
		}
		b = rest
	}
}

// readPEM reads a file and wants a block of that kind in it.
func readPEM(file Source, kind, what string) ([]byte, error) {
	b, err := os.ReadFile(file.Name)
	if err != nil {
		var pathErr *os.PathError
		if errors.As(err, &pathErr) {
			err = pathErr.Err
		}
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var other string
	for rest := b; ; {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil {
			break
		}
		switch {
		case strings.Contains(block.Type, "ENCRYPTED") || block.Headers["DEK-Info"] != "":
			return nil, fmt.Errorf("%s: the key needs a passphrase; write it without: openssl pkey -in %s -out key.pem", file, file.Name)
		case strings.HasSuffix(block.Type, kind):
			return b, nil
		}
		other = block.Type
	}
	if other != "" {
		return nil, fmt.Errorf("%s: it holds no %s, but a %s", file, what, other)
	}
	tool := "openssl x509 -inform der -in " + file.Name + " -out cert.pem"
	if kind != "CERTIFICATE" {
		tool = "openssl pkey -inform der -in " + file.Name + " -out key.pem"
	}
	return nil, fmt.Errorf("%s: it is no %s in PEM form; when it is one in DER form, convert it: %s", file, what, tool)
}

// OpenAuthorities reads the certificates of authorities, in PEM form.
func OpenAuthorities(logf func(string, ...any), file Source) (*Files[*x509.CertPool], error) {
	return openFiles(logf, func() (*x509.CertPool, error) {
		b, err := readPEM(file, "CERTIFICATE", "certificate")
		if err != nil {
			return nil, err
		}
		pool := x509.NewCertPool()
		for rest := b; ; {
			var block *pem.Block
			block, rest = pem.Decode(rest)
			if block == nil {
				return pool, nil
			}
			if block.Type != "CERTIFICATE" {
				continue
			}
			cert, err := x509.ParseCertificate(bytes.Clone(block.Bytes))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			pool.AddCert(cert)
		}
	}, file.Name)
}
