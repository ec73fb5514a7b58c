package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// A Cluster says where the brokers are and how to speak to them.
type Cluster struct {
	// Brokers are host:port of one broker or more, as ParseBrokers returns them.
	// The others of the cluster are learnt from these.
	Brokers []string

	// TLS, unless nil, gives the configuration for each new connection, which is
	// copied. The server's name is set to the broker's host.
	TLS func() *tls.Config

	SASL SASL

	// Dial makes the connections; nil stands for a net.Dialer's DialContext.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// Logf is told what happens to the connections; nil for nobody.
	Logf func(format string, args ...any)

	// Hint says what to type about a trouble, after a semicolon; nil or "" is
	// nothing.
	Hint func(Trouble) string
}

// SASL is who asks. The zero value is nobody.
type SASL struct {
	Mechanism string // of Mechanisms; "": no SASL
	Username  string

	// Password is called for each connection, so that it may change.
	Password func() (string, error)
}

// The mechanisms of SASL that there are.
const (
	MechanismPlain       = "PLAIN"
	MechanismScramSHA256 = "SCRAM-SHA-256"
	MechanismScramSHA512 = "SCRAM-SHA-512"
)

const (
	// defaultPort is what a broker listens on unless it is told otherwise.
	defaultPort = "9092"

	// dialTimeout is how long a connection may take, its TLS handshake included.
	dialTimeout = 10 * time.Second

	// requestOverhead is how long beyond its own limit a broker may take for an
	// answer before the connection is given up.
	requestOverhead = 10 * time.Second

	// backoff is how long the first retry waits, and maxBackoff every later one at
	// most: a broker that is back is found soon, and one that is away costs
	// little.
	backoff    = 100 * time.Millisecond
	maxBackoff = time.Second

	// metadataAge is how old what is known of a cluster becomes: new partitions and
	// moved ones are then seen, if nothing has shown them before.
	metadataAge = 30 * time.Second
)

// ParseBrokers reads a list of brokers with commas between them, each
// host or host:port; without a port it is 9092.
func ParseBrokers(list string) ([]string, error) {
	var brokers []string
	for _, text := range strings.Split(list, ",") {
		broker, err := parseBroker(strings.TrimSpace(text))
		if err != nil {
			return nil, err
		}
		brokers = append(brokers, broker)
	}
	return brokers, nil
}

func parseBroker(text string) (string, error) {
	if scheme, rest, is := strings.Cut(text, "://"); is {
		return "", fmt.Errorf("%q is not a broker: leave out %s:// and write %s", text, scheme, strings.TrimSuffix(rest, "/"))
	}
	if strings.ContainsAny(text, "/@ ?#") || text == "" {
		return "", fmt.Errorf("%q is not a broker; want host:port, with commas between several", text)
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		host, port = strings.Trim(text, "[]"), defaultPort
		if strings.Contains(host, ":") && net.ParseIP(host) == nil {
			return "", fmt.Errorf("%q is not a broker; want host:port, with commas between several", text)
		}
	}
	if n, err := strconv.Atoi(port); host == "" || err != nil || n < 1 || n > 65535 {
		return "", fmt.Errorf("%q is not a broker; want host:port, with commas between several", text)
	}
	return net.JoinHostPort(host, port), nil
}

// maxTopic is the longest name of a topic that Kafka takes.
const maxTopic = 249

// CheckTopic returns an error when Kafka would not take name for a topic.
func CheckTopic(name string) error {
	switch {
	case name == "":
		return errors.New("want the name of a topic")
	case len(name) > maxTopic, name == ".", name == "..":
		return fmt.Errorf("%q is not the name of a topic", name)
	}
	for _, c := range name {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-') {
			return fmt.Errorf("%q is not the name of a topic: only letters, digits, '.', '_' and '-' are allowed", name)
		}
	}
	return nil
}

// options are what producers and consumers have in common.
func (c *Cluster) options(w *watch) []kgo.Opt {
	opts := []kgo.Opt{
		kgo.SeedBrokers(c.Brokers...),
		kgo.ClientID("gor"),
		kgo.Dialer(c.dialer(w)),
		kgo.WithHooks(w),
		kgo.WithLogger(w),
		kgo.RequestTimeoutOverhead(requestOverhead),
		kgo.RetryBackoffFn(func(tries int) time.Duration { return min(backoff<<min(tries-1, 10), maxBackoff) }),
		kgo.MetadataMaxAge(metadataAge),
		kgo.MetadataMinAge(100 * time.Millisecond),
		kgo.DisableClientMetrics(), // they would tell the broker of this host
	}
	if mechanism := c.SASL.mechanism(); mechanism != nil {
		opts = append(opts, kgo.SASL(mechanism))
	}
	return opts
}

func (c *Cluster) dialer(w *watch) func(ctx context.Context, network, address string) (net.Conn, error) {
	dial := c.Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, stop := context.WithTimeout(ctx, dialTimeout)
		defer stop()
		conn, err := dial(ctx, network, address)
		if err == nil && c.TLS != nil {
			conn, err = c.secure(ctx, conn, address)
		}
		w.dialled(err)
		return conn, err
	}
}

// secure speaks TLS over conn, and closes it when that fails.
func (c *Cluster) secure(ctx context.Context, conn net.Conn, address string) (net.Conn, error) {
	config := c.TLS().Clone()
	if host, _, err := net.SplitHostPort(address); err == nil && config.ServerName == "" {
		config.ServerName = host
	}
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
			err = fmt.Errorf("%w: %w", errNoTLS, err)
		}
		return nil, err
	}
	return secure, nil
}

func (s *SASL) mechanism() sasl.Mechanism {
	password := func() (string, error) {
		if s.Password == nil {
			return "", nil
		}
		return s.Password()
	}
	scramAuth := func(context.Context) (scram.Auth, error) {
		pass, err := password()
		return scram.Auth{User: s.Username, Pass: pass}, err
	}
	switch s.Mechanism {
	case MechanismPlain:
		return plain.Plain(func(context.Context) (plain.Auth, error) {
			pass, err := password()
			return plain.Auth{User: s.Username, Pass: pass}, err
		})
	case MechanismScramSHA256:
		return scram.Sha256(scramAuth)
	case MechanismScramSHA512:
		return scram.Sha512(scramAuth)
	}
	return nil
}
