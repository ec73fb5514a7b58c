package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/address"
	"github.com/buger/gor/internal/disk"
	"github.com/buger/gor/internal/flags"
	"github.com/buger/gor/internal/link"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/stats"
)

// tcpOutput is the sending end of the link. A message stays in the queue's
// memory until the receiver has acknowledged it, or, when that is an old one
// that never says anything, until it is written to the connection.
type tcpOutput struct {
	addr    string
	q       *queue.Queue
	workers *linkWorkers
	spill   *linkSpill // nil: what the receiver cannot take is in memory only
	once    sync.Once
	unsent  atomic.Uint64

	draining atomic.Bool

	patience queue.Patience // see linkPatience
}

var _ Output = (*tcpOutput)(nil)

const (
	// linkPatience is how long Settle waits for a receiver that acknowledges
	// nothing. A dead one would otherwise hold up the senders of a host in the
	// middle of a chain for ever. What it was waiting for stays in the window
	// and is still sent; only a crash of this process would lose it.
	linkPatience = 5 * time.Second
)

// tcpOutputPlugin is the row of --output-tcp.
func tcpOutputPlugin() outputPlugin {
	return outputPlugin{
		pluginFlags: pluginFlags{
			name: "output-tcp", arg: "ADDRESS",
			help:    "send every message to the --input-tcp of another Gor",
			example: "sudo gor --input-raw :80 --output-tcp replay.local:28020",
			title:   "TCP link",
			flags:   func(s *Settings) []flagDef { return slices.Concat(s.tcpInput.flags(), s.tcpOutput.flags()) },
		},
		fits:  func(s *Settings) error { return s.tcpOutput.check() },
		parse: parseTCPOutput,
	}
}

func parseTCPOutput(addr string, s *Settings) (parsed[Output], error) {
	host, err := address.ConnectHost(addr)
	return parsed[Output]{
		check: func() error {
			var errs []error
			if s.tcpOutput.Spill != "" {
				if err := disk.MayMake(s.tcpOutput.Spill); err != nil {
					errs = append(errs, fmt.Errorf("--output-tcp-spill %s: %w", s.tcpOutput.Spill, err))
				}
			}
			_, err := s.tcpOutput.tls(host, unheard)
			return errors.Join(append(errs, err)...)
		},
		open: func(env *pluginEnv) (Output, error) { return newTCPOutput(addr, host, s, env) },
	}, err
}

func newTCPOutput(addr, host string, s *Settings, env *pluginEnv) (Output, error) {
	prefix := "output-tcp " + addr
	secure, err := s.tcpOutput.tls(host, prefixed(env.logf, prefix+": "))
	if err != nil {
		return nil, err
	}
	bytes := env.queueBytes
	if s.tcpOutput.Spill != "" {
		bytes = max(1, bytes/2) // there are two queues
	}
	o := &tcpOutput{addr: addr, q: queue.New(0, bytes), patience: queue.Patience{Limit: linkPatience}}
	o.q.Share(env.large)
	if s.tcpOutput.Stats {
		gauge := stats.NewGauge("output_tcp", stats.GaugePeriod)
		o.q.Watch(gauge)
		env.background.Go(func() { _ = gauge.Run(env.done, env.stderr) }) // stderr is gone: nobody to tell
	}
	workers := max(1, s.tcpOutput.Workers)
	peer := link.NewPeer(false, nil)
	config := func(i int) link.SenderConfig {
		name := prefix
		if workers > 1 {
			name = fmt.Sprintf("%s, connection %d", prefix, i+1)
		}
		return link.SenderConfig{
			Dial: func(ctx context.Context) (net.Conn, error) {
				return env.own.DialContext(ctx, "tcp", addr)
			},
			TLS:         secure,
			Plain:       s.tcpOutput.Plain,
			SilentHint:  "; a Gor 0.10 or a GoReplay never does, and is sent to with --output-tcp-plain always",
			ForeignHint: func(what *link.ForeignError) string { return foreignHint(what, addr) },
			Peer:        peer,
			Compress:    s.tcpOutput.Compress,
			WindowBytes: max(1, env.queueBytes/workers), // what is not acknowledged stays in the queue's memory
			Logf:        prefixed(env.logf, name+": "),
		}
	}
	if s.tcpOutput.Spill != "" {
		return o, o.startSpill(s, env, config)
	}
	o.workers = startLinkWorkers(o.q, workers, config)
	return o, nil
}

// foreignHint is what to type when something else answers at addr.
func foreignHint(what *link.ForeignError, addr string) string {
	if what.Status == "" {
		return "add --output-tcp-secure"
	}
	return "--output-tcp is for the --input-tcp of another Gor, and requests go to a server with --output-http http://" + addr
}

func (o *tcpOutput) Write(p []byte) (int, error) {
	if err := o.q.Put(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (o *tcpOutput) Room(cancel <-chan struct{}, d time.Duration) bool { return o.q.Room(cancel, d) }

// LastProgress is when the receiver last acknowledged a message, or one was
// last taken by a receiver that never does. Once the output is drained it is
// now, while a plain connection only waits for its receiver to show life.
func (o *tcpOutput) LastProgress() time.Time {
	if o.draining.Load() && o.workers.onTrial() {
		return time.Now()
	}
	if o.spill != nil {
		return o.spill.lastProgress()
	}
	return o.q.LastProgress()
}

// Settle returns when the receiver has acknowledged what was written before,
// so that acknowledgments hold along a chain of hosts; an old receiver when it
// is handed to the connection. When nothing has moved for a while (linkPatience) it
// returns although the messages are still in memory.
func (o *tcpOutput) Settle(cancel <-chan struct{}) error {
	if o.spill != nil {
		return o.spill.Settle(cancel)
	}
	_, err := o.patience.Settle(o.q, cancel)
	return err
}

func (o *tcpOutput) Drain(cancel <-chan struct{}) error {
	o.q.Close()
	o.draining.Store(true)
	if o.spill != nil {
		return o.spill.drain(cancel)
	}
	if err := o.q.Settle(cancel); err != nil {
		return err
	}
	o.workers.finish(cancel)
	return nil
}

func (o *tcpOutput) Close() error {
	o.once.Do(func() {
		o.q.Close()
		if o.spill != nil {
			o.unsent.Add(uint64(o.spill.close(o.workers)))
			return
		}
		n := o.workers.close()
		o.unsent.Add(uint64(n + o.q.Discard()))
	})
	return nil
}

func (o *tcpOutput) Responses() Input { return nil }
func (o *tcpOutput) Counts() []stats.Count {
	rows := o.workers.counts()
	if o.spill != nil {
		rows = o.spill.fates(rows)
	}
	return append(rows, stats.Count{Name: "unsent", Kind: stats.Unsent, N: o.unsent.Load()})
}

func (o *tcpOutput) Report(r *report) {
	if o.spill != nil { // which takes what the receiver does not
		o.spill.report(r)
		return
	}
	r.Peer(o.workers.reached())
}
func (o *tcpOutput) String() string { return "output-tcp " + o.addr }

// tcpOutputSettings is what the command line says of --output-tcp. Names of
// files are empty when they were not given.
type tcpOutputSettings struct {
	Secure      bool
	SkipVerify  bool
	CA          string
	Certificate string
	Key         string

	Plain    link.Plain
	Workers  int
	Compress bool
	Stats    bool

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

// flags sets the defaults and returns the flags that change them.
func (s *tcpOutputSettings) flags() []flagDef {
	*s = tcpOutputSettings{Workers: 1, SpillSize: 1 << 30}
	return []flagDef{
		{"output-tcp-secure", "", "send over TLS; the receiver's certificate has to be for the host in ADDRESS",
			"sudo gor --input-raw :80 --output-tcp replay.local:28020 --output-tcp-secure --output-tcp-ca ca.pem", flags.Bool(&s.Secure)},
		{"output-tcp-ca", "FILE", "trust the authorities in FILE, in PEM form, instead of the system's", "", flags.String(&s.CA)},
		{"output-tcp-client-cert", "FILE", "the certificate for a receiver that wants one, in PEM form", "", flags.String(&s.Certificate)},
		{"output-tcp-client-key", "FILE", "its key, in PEM form, without a passphrase", "", flags.String(&s.Key)},
		{"output-tcp-skip-verify", "", "do not verify the receiver's certificate: whoever answers gets the traffic", "",
			flags.Bool(&s.SkipVerify)},
		{"output-tcp-plain", "never|auto|always",
			"when to send the plain stream of Gor 0.10 and GoReplay 1.x, which is not acknowledged; auto: to a receiver " +
				"that has never answered, and not with --output-tcp-spill",
			"sudo gor --input-raw :80 --output-tcp goreplay.local:28020 --output-tcp-plain always", (*plainValue)(&s.Plain)},
		{"output-tcp-workers", "N", "connections to the receiver; the messages of one recorded connection stay on one of them, in order",
			"sudo gor --input-raw :80 --output-tcp replay.local:28020 --output-tcp-workers 4", flags.Int(&s.Workers, 1, maxLinkWorkers)},
		{"output-tcp-sticky", "", "accepted for older command lines", "", flags.Obsolete(flags.Bool(new(bool)),
			"what was one connection when it was recorded always goes over one connection")},
		{"output-tcp-compress", "", "compress what is sent with zstd, if the receiver supports it",
			"sudo gor --input-raw :80 --output-tcp replay.local:28020 --output-tcp-compress", flags.Bool(&s.Compress)},
		{"output-tcp-spill", "DIR", "keep messages that the receiver cannot take yet in a folder in DIR; they survive a restart of this program and " +
			"are sent in order when the receiver is back",
			"sudo gor --input-raw :80 --output-tcp replay.local:28020 --output-tcp-spill /var/spool/gor", flags.String(&s.Spill)},
		{"output-tcp-spill-size", "SIZE", "size limit of each receiver's folder; beyond it messages are dropped and counted", "",
			flags.Size(&s.SpillSize, 16<<20, maxSpillSize)},
		{"output-tcp-stats", "", "print the queue's length every 5 seconds, as --output-http-stats does", "", flags.Bool(&s.Stats)},
	}
}

// check refuses what cannot work together, with what to type.
func (s *tcpOutputSettings) check() error {
	skip := ""
	if s.SkipVerify {
		skip = "true"
	}
	other := firstSet("output-tcp-ca", s.CA, "output-tcp-client-cert", s.Certificate, "output-tcp-client-key", s.Key, "output-tcp-skip-verify", skip)
	switch {
	case other != "" && !s.Secure:
		return fmt.Errorf("--%s is for TLS; add --output-tcp-secure", other)
	case s.Certificate != "" && s.Key == "":
		return fmt.Errorf("--output-tcp-client-cert %s needs its key; add --output-tcp-client-key key.pem", s.Certificate)
	case s.Key != "" && s.Certificate == "":
		return fmt.Errorf("--output-tcp-client-key %s needs its certificate; add --output-tcp-client-cert cert.pem", s.Key)
	case s.Plain == link.PlainAlways && s.Compress:
		return errors.New("--output-tcp-compress is for receivers that acknowledge messages, and --output-tcp-plain always asks none; leave one out")
	case s.Spill != "" && s.Workers > 1:
		return fmt.Errorf("--output-tcp-spill keeps one order for all messages; leave out --output-tcp-workers %d", s.Workers)
	case s.SkipVerify && s.CA != "":
		return fmt.Errorf("--output-tcp-ca %s says whose certificates to trust, and --output-tcp-skip-verify to trust any; leave one out", s.CA)
	}
	return nil
}

// tls returns what makes the configuration of each connection to host, or nil
// without --output-tcp-secure.
func (s *tcpOutputSettings) tls(host string, logf func(format string, args ...any)) (func() *tls.Config, error) {
	if !s.Secure {
		return nil, nil
	}
	return clientFiles("output-tcp", s.CA, s.Certificate, s.Key).Open(logf, &tls.Config{
		MinVersion:         tls.VersionTLS12,
		ServerName:         host,
		InsecureSkipVerify: s.SkipVerify,
	})
}
