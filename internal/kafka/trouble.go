package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A Trouble is a kind of error between here and the brokers.
type Trouble int

const (
	_             Trouble = iota
	Unreachable           // no connection to any broker
	NoTLS                 // the brokers do not speak TLS there
	UnknownCA             // the broker's certificate is of an authority that is not trusted, or for another host
	ClosedAtOnce          // the connection ends with the first request: a port that speaks TLS, or wants SASL
	BadLogin              // the user or the password is refused
	BadMechanism          // the brokers do not have that mechanism of SASL
	NoLogin               // the brokers want no user there
	NotAuthorized         // the user may not do that with the topic or group
	NoTopic               // there is no such topic
	NoAnswer              // brokers are reached, and do not answer
	OtherTrouble          // any other
)

// errNoTLS is of a connection that ends in the handshake.
var errNoTLS = errors.New("the connection ends in the TLS handshake")

// troubleOf tells what kind of error it is.
func troubleOf(err error) Trouble {
	var record tls.RecordHeaderError
	var verify *tls.CertificateVerificationError
	var first *kgo.ErrFirstReadEOF
	var op *net.OpError
	switch {
	case errors.As(err, &record), errors.Is(err, errNoTLS):
		return NoTLS
	case errors.As(err, &verify), errors.As(err, new(x509.UnknownAuthorityError)), errors.As(err, new(x509.HostnameError)):
		return UnknownCA
	case errors.Is(err, kerr.SaslAuthenticationFailed):
		return BadLogin
	case errors.Is(err, kerr.IllegalSaslState):
		return NoLogin
	case errors.Is(err, kerr.UnsupportedSaslMechanism):
		return BadMechanism
	case errors.Is(err, kerr.TopicAuthorizationFailed), errors.Is(err, kerr.GroupAuthorizationFailed), errors.Is(err, kerr.ClusterAuthorizationFailed):
		return NotAuthorized
	case errors.Is(err, kerr.UnknownTopicOrPartition):
		return NoTopic
	case errors.As(err, &first), errors.Is(err, io.EOF):
		return ClosedAtOnce
	case errors.As(err, &op), errors.As(err, new(*net.DNSError)):
		return Unreachable
	case errors.Is(err, context.DeadlineExceeded):
		return NoAnswer
	}
	return OtherTrouble
}

// A watch follows a client's connections: it keeps why the last one failed, and
// counts what had to be tried again by reason.
type watch struct {
	lastDial atomic.Pointer[error] // nil: the last one was made

	mu      sync.Mutex
	retries map[string]uint64
}

func newWatch() *watch { return &watch{retries: map[string]uint64{}} }

var (
	_ kgo.HookBrokerE2E = (*watch)(nil)
	_ kgo.Logger        = (*watch)(nil)
)

func (w *watch) dialled(err error) {
	if err == nil {
		w.lastDial.Store(nil)
		return
	}
	if errors.Is(err, context.Canceled) {
		return
	}
	w.lastDial.Store(&err)
	w.retry("no connection")
}

// dialError is why the last connection could not be made, or nil.
func (w *watch) dialError() error {
	if err := w.lastDial.Load(); err != nil {
		return *err
	}
	return nil
}

func (w *watch) retry(reason string) {
	w.mu.Lock()
	w.retries[reason]++
	w.mu.Unlock()
}

// Retries is how often something had to be tried again, by reason.
func (w *watch) Retries() map[string]uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	m := make(map[string]uint64, len(w.retries))
	for reason, n := range w.retries {
		m[reason] = n
	}
	return m
}

// OnBrokerE2E counts requests that a connection was lost over.
func (w *watch) OnBrokerE2E(_ kgo.BrokerMetadata, _ int16, e kgo.BrokerE2E) {
	if err := e.Err(); err != nil && !errors.Is(err, context.Canceled) {
		w.retry("connection lost")
	}
}

// Level and Log make a kgo.Logger of the watch. Nothing but its debug log tells that a
// broker wanted a batch again, and why.
func (w *watch) Level() kgo.LogLevel { return kgo.LogLevelDebug }

func (w *watch) Log(_ kgo.LogLevel, msg string, keyvals ...any) {
	if msg != "produced" {
		return
	}
	for i := 0; i+1 < len(keyvals); i += 2 {
		if text, is := keyvals[i+1].(string); is && keyvals[i] == "to" {
			w.retried(text)
		}
	}
}

// retried counts the reasons in what is said of a produce response: each
// partition that is tried again has "retrying@OFFSET,RECORDS(REASON: words)", or
// "move:" when the broker names the new leader.
func (w *watch) retried(text string) {
	for rest := text; ; {
		_, after, found := strings.Cut(rest, "retrying@")
		if !found {
			break
		}
		rest = after
		if _, reason, found := strings.Cut(after, "("); found {
			if end := strings.IndexAny(reason, ":)"); end > 0 && end < 64 {
				w.retry(strings.ToLower(strings.ReplaceAll(reason[:end], "_", " ")))
			}
		}
	}
	for range strings.Count(text, "move:") {
		w.retry("not leader or follower")
	}
}

// probeTimeout is how long brokers may take to answer what costs them nothing.
const probeTimeout = 5 * time.Second

// say tells of a trouble with a hint, and what it means.
func (c *Cluster) say(err error, means string) {
	hint := ""
	if c.Hint != nil {
		hint = c.Hint(troubleOf(err))
	}
	c.Logf("%s", describe(err)+means+hint)
}

// describe is an error in words that say who said it.
func describe(err error) string {
	var kafka *kerr.Error
	switch trouble := troubleOf(err); {
	case trouble == NoTopic:
		return "there is no such topic"
	case trouble == Unreachable, trouble == NoTLS, trouble == UnknownCA:
		return "no broker can be reached: " + err.Error()
	case trouble == ClosedAtOnce:
		return "the broker closes the connection at the first request"
	case trouble == NoAnswer:
		return "no broker answers"
	case errors.As(err, &kafka):
		return "the broker says " + kafka.Message + ": " + strings.TrimSuffix(kafka.Description, ".")
	}
	return err.Error()
}
