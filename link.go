package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"

	"github.com/buger/gor/internal/certs"
	"github.com/buger/gor/internal/flags"
	"github.com/buger/gor/internal/link"
)

// linkSettings is what the command line says of --input-tcp (In...) and of
// --output-tcp. Names of files are empty when they were not given.
type linkSettings struct {
	InSecure      bool
	InCertificate string
	InKey         string
	InClientCA    string

	OutSecure      bool
	SkipVerify     bool
	OutCA          string
	OutCertificate string
	OutKey         string

	Plain    link.Plain
	Workers  int
	Compress bool

	Spill     string // folder; "": none
	SpillSize int    // bytes
}

// plainValue is never, auto or always.
type plainValue link.Plain

var plainNames = [...]string{link.PlainAuto: "auto", link.PlainNever: "never", link.PlainAlways: "always"}

func (v *plainValue) String() string { return plainNames[*v] }
func (v *plainValue) Set(s string) error {
	i := slices.Index(plainNames[:], s)
	if i < 0 {
		return errors.New("want never, auto or always")
	}
	*v = plainValue(i)
	return nil
}

// maxLinkWorkers bounds the connections of one --output-tcp: a receiver has
// room for 1024, of all its senders.
const maxLinkWorkers = 64

// maxSpillSize is more than any disk has, or what an int holds.
const maxSpillSize = 1 << (30 + 20*(^uint(0)>>63))

// check refuses what cannot work together, with what to type. TLS that was
// asked for and is not there would be worse than an error.
func (t *linkSettings) check(input, output bool) error {
	inOther := firstSet("input-tcp-certificate", t.InCertificate, "input-tcp-certificate-key", t.InKey, "input-tcp-client-ca", t.InClientCA)
	skip := ""
	if t.SkipVerify {
		skip = "true"
	}
	outOther := firstSet("output-tcp-ca", t.OutCA, "output-tcp-client-cert", t.OutCertificate, "output-tcp-client-key", t.OutKey, "output-tcp-skip-verify", skip)
	switch {
	case t.InSecure && !input:
		return errors.New("--input-tcp-secure is for --input-tcp, and there is none; for --output-tcp it is --output-tcp-secure")
	case t.OutSecure && !output:
		return errors.New("--output-tcp-secure is for --output-tcp, and there is none; for --input-tcp it is --input-tcp-secure")
	case inOther != "" && !t.InSecure:
		return fmt.Errorf("--%s is for TLS; add --input-tcp-secure", inOther)
	case outOther != "" && !t.OutSecure:
		return fmt.Errorf("--%s is for TLS; add --output-tcp-secure", outOther)
	case t.InSecure && t.InCertificate == "" && t.InKey == "":
		return errors.New("--input-tcp-secure needs a certificate; add --input-tcp-certificate cert.pem --input-tcp-certificate-key key.pem")
	case t.InSecure && t.InKey == "":
		return fmt.Errorf("--input-tcp-certificate %s needs its key; add --input-tcp-certificate-key key.pem", t.InCertificate)
	case t.InSecure && t.InCertificate == "":
		return fmt.Errorf("--input-tcp-certificate-key %s needs its certificate; add --input-tcp-certificate cert.pem", t.InKey)
	case t.OutCertificate != "" && t.OutKey == "":
		return fmt.Errorf("--output-tcp-client-cert %s needs its key; add --output-tcp-client-key key.pem", t.OutCertificate)
	case t.OutKey != "" && t.OutCertificate == "":
		return fmt.Errorf("--output-tcp-client-key %s needs its certificate; add --output-tcp-client-cert cert.pem", t.OutKey)
	case t.Plain == link.PlainAlways && t.Compress:
		return errors.New("--output-tcp-compress is for receivers that acknowledge messages, and --output-tcp-plain always asks none; leave one out")
	case t.Spill != "" && !output:
		return errors.New("--output-tcp-spill is for --output-tcp, and there is none; add one, such as --output-tcp replay.local:28020")
	case t.Spill != "" && t.Workers > 1:
		return fmt.Errorf("--output-tcp-spill keeps one order for all messages; leave out --output-tcp-workers %d", t.Workers)
	case t.SkipVerify && t.OutCA != "":
		return fmt.Errorf("--output-tcp-ca %s says whose certificates to trust, and --output-tcp-skip-verify to trust any; leave one out", t.OutCA)
	}
	return nil
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

// has reports whether flag is one of list's.
func has(list []pluginArg, flag string) bool {
	return slices.ContainsFunc(list, func(arg pluginArg) bool { return arg.Flag == flag })
}

// linkFlags are those of --input-tcp and --output-tcp.
func (s *Settings) linkFlags() flagGroup {
	return flagGroup{"TCP link", []flagDef{
		{"input-tcp-secure", "", "receive over TLS; needs --input-tcp-certificate and --input-tcp-certificate-key. The files are read " +
			"again when they change",
			"gor --input-tcp :28020 --input-tcp-secure --input-tcp-certificate cert.pem " +
				"--input-tcp-certificate-key key.pem --output-http staging.com", flags.Bool(&s.TCP.InSecure)},
		{"input-tcp-certificate", "FILE", "the certificate of --input-tcp in PEM form, followed by those that lead to its authority", "",
			flags.String(&s.TCP.InCertificate)},
		{"input-tcp-certificate-key", "FILE", "its key, in PEM form and without a passphrase", "", flags.String(&s.TCP.InKey)},
		{"input-tcp-client-ca", "FILE", "admit only senders with a certificate of an authority in FILE; without it, everyone who can reach " +
			"the port can have requests replayed", "", flags.String(&s.TCP.InClientCA)},
		{"output-tcp-secure", "", "send over TLS; the receiver's certificate has to be for the host in ADDRESS",
			"sudo gor --input-raw :80 --output-tcp replay.local:28020 --output-tcp-secure --output-tcp-ca ca.pem", flags.Bool(&s.TCP.OutSecure)},
		{"output-tcp-ca", "FILE", "trust the authorities in FILE, in PEM form, in place of the system's", "", flags.String(&s.TCP.OutCA)},
		{"output-tcp-client-cert", "FILE", "the certificate for a receiver that wants one, in PEM form", "", flags.String(&s.TCP.OutCertificate)},
		{"output-tcp-client-key", "FILE", "its key, in PEM form and without a passphrase", "", flags.String(&s.TCP.OutKey)},
		{"output-tcp-skip-verify", "", "do not verify the receiver's certificate: whoever answers is given the traffic", "",
			flags.Bool(&s.TCP.SkipVerify)},
		{"output-tcp-plain", "never|auto|always",
			"when to send the plain stream of Gor 0.10 and GoReplay 1.x, of which nobody learns what arrived; " +
				"auto: to a receiver that does not answer and never has, and not with --output-tcp-spill",
			"sudo gor --input-raw :80 --output-tcp goreplay.local:28020 --output-tcp-plain always", (*plainValue)(&s.TCP.Plain)},
		{"output-tcp-workers", "N", "connections to the receiver; what was one connection when it was recorded goes over one of them, in " +
			"order",
			"sudo gor --input-raw :80 --output-tcp replay.local:28020 --output-tcp-workers 4", flags.Int(&s.TCP.Workers, 1, maxLinkWorkers)},
		{"output-tcp-sticky", "", "accepted for older command lines", "", flags.Obsolete(flags.Bool(new(bool)),
			"what was one connection when it was recorded always goes over one connection")},
		{"output-tcp-compress", "", "compress what is sent with zstd, if the receiver can take it so",
			"sudo gor --input-raw :80 --output-tcp replay.local:28020 --output-tcp-compress", flags.Bool(&s.TCP.Compress)},
		{"output-tcp-spill", "DIR", "keep on disk, in a folder in DIR, what the receiver cannot take yet, and across a restart of this " +
			"program; it is sent in order when the receiver is back",
			"sudo gor --input-raw :80 --output-tcp replay.local:28020 --output-tcp-spill /var/spool/gor", flags.String(&s.TCP.Spill)},
		{"output-tcp-spill-size", "SIZE", "what each receiver's folder may hold; beyond it messages are shed, counted", "",
			flags.Size(&s.TCP.SpillSize, 16<<20, maxSpillSize)},
		{"output-tcp-stats", "", "print the queue's length every 5 seconds, as --output-http-stats does", "", flags.Bool(&s.TCPStats)},
	}}
}

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
