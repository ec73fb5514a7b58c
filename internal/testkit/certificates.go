package testkit

import (
	"fmt"
	"testing"
	"time"

	"github.com/buger/gor/internal/certs/certstest"
)

// An Authority issues the certificates of a link's two ends.
type Authority struct {
	*certstest.Authority
	n int // senders' certificates so far
}

// NewAuthority makes an authority of that name.
func NewAuthority(t *testing.T, name string) *Authority {
	t.Helper()
	return &Authority{Authority: certstest.New(t, name)}
}

// Receiver returns the flags of an --input-tcp with a certificate of a, which
// wants senders to have one of clients unless that is nil.
func (a *Authority) Receiver(clients *Authority) []string {
	cert, key := a.Issue("receiver", time.Now().Add(time.Hour))
	args := []string{"--input-tcp-secure", "--input-tcp-certificate", cert, "--input-tcp-certificate-key", key}
	if clients != nil {
		args = append(args, "--input-tcp-client-ca", clients.File)
	}
	return args
}

// Sender returns the flags of an --output-tcp that trusts a; its own
// certificate, of signer unless that is nil, is valid until end.
func (a *Authority) Sender(signer *Authority, end time.Time) []string {
	args := []string{"--output-tcp-secure", "--output-tcp-ca", a.File}
	if signer != nil {
		signer.n++
		cert, key := signer.Issue(fmt.Sprintf("sender%d", signer.n), end)
		args = append(args, "--output-tcp-client-cert", cert, "--output-tcp-client-key", key)
	}
	return args
}
