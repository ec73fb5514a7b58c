package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/buger/gor/internal/address"
	"github.com/buger/gor/internal/certs/clientflags"
	"github.com/buger/gor/internal/disk"
	"github.com/buger/gor/internal/flags"
	"github.com/buger/gor/internal/link"
	"github.com/buger/gor/internal/linkclient"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/stats"
)

// tcpOutput is the sending end of the link.
type tcpOutput struct {
	*linkclient.Client
	addr string
}

var _ plugin.Output = (*tcpOutput)(nil)

func (o *tcpOutput) String() string { return "output-tcp " + o.addr }

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
			topics:  []string{"input-tcp"},
			flags:   func(s *Settings) []flagDef { return slices.Concat(s.tcpInput.flags(), s.tcpOutput.flags()) },
		},
		fits:     func(s *Settings) error { return s.tcpOutput.check() },
		connects: true,
		parse:    parseTCPOutput,
	}
}

func parseTCPOutput(addr string, s *Settings) (plugin.Parsed[plugin.Output], error) {
	host, err := address.ConnectHost(addr)
	return plugin.Parsed[plugin.Output]{
		Check: func() error {
			var errs []error
			if s.tcpOutput.Spill != "" {
				if err := disk.MayMake(s.tcpOutput.Spill); err != nil {
					errs = append(errs, fmt.Errorf("--output-tcp-spill %s: %w", s.tcpOutput.Spill, err))
				}
			}
			_, err := s.tcpOutput.tls(host, unheard)
			return errors.Join(append(errs, err)...)
		},
		Open: func(env *plugin.Env) (plugin.Output, error) { return newTCPOutput(addr, host, s, env) },
	}, err
}

func newTCPOutput(addr, host string, s *Settings, env *plugin.Env) (plugin.Output, error) {
	o := &tcpOutput{addr: addr}
	cfg := linkclient.Config{
		Name: o.String(),
		Sender: link.SenderConfig{
			Dial:        func(ctx context.Context) (net.Conn, error) { return env.Own.DialContext(ctx, "tcp", addr) },
			Plain:       s.tcpOutput.Plain,
			SilentHint:  "; a Gor 0.10 or a GoReplay never does, and is sent to with --output-tcp-plain always",
			ForeignHint: func(what *link.ForeignError) string { return foreignHint(what, addr) },
			Compress:    s.tcpOutput.Compress,
		},
		Connections: s.tcpOutput.Workers,
		QueueBytes:  env.QueueBytes,
		Large:       env.Large,
		Patience:    linkPatience,
		Spill:       s.tcpOutput.spill(addr, s),
		Logf:        env.Logf,
	}
	var err error
	if cfg.Sender.TLS, err = s.tcpOutput.tls(host, prefixed(env.Logf, cfg.Name+": ")); err != nil {
		return nil, err
	}
	if s.tcpOutput.Stats {
		cfg.Gauge = env.StartGauge("output_tcp", stats.GaugePeriod)
	}
	o.Client, err = linkclient.Open(cfg)
	switch {
	case errors.Is(err, disk.ErrLocked):
		return nil, fmt.Errorf("--output-tcp-spill: %w; give each Gor a folder of its own", err)
	case err != nil:
		return nil, fmt.Errorf("--output-tcp-spill: %w", err)
	}
	return o, nil
}

// spill is where messages to addr wait, or nil without --output-tcp-spill.
func (t *tcpOutputSettings) spill(addr string, s *Settings) *linkclient.Spill {
	if t.Spill == "" {
		return nil
	}
	return &linkclient.Spill{
		Folder: t.Spill, Address: addr, Size: int64(t.SpillSize), MessageMost: s.MessageLimit + plugin.MaxHeaderLine,
		Check:    func(dir string) error { return keepFree(s.fileOutput.MinFree, dir) },
		FullText: "the spill holds what --output-tcp-spill-size allows; what the receiver cannot take is lost from now on",
	}
}

// foreignHint is what to type when something else answers at addr.
func foreignHint(what *link.ForeignError, addr string) string {
	switch {
	case what.Said != "":
		return "--output-tcp is for the --input-tcp of another Gor; look at the port"
	case what.Status == "":
		return "add --output-tcp-secure"
	}
	return "--output-tcp is for the --input-tcp of another Gor, and requests go to a server with --output-http http://" + addr
}

// tcpOutputSettings is what the command line says of --output-tcp.
type tcpOutputSettings struct {
	Secure   bool
	TLS      clientflags.Client
	Plain    link.Plain
	Workers  int
	Compress bool
	Stats    bool

	Spill     string // folder; "": none
	SpillSize int    // bytes
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
		{"output-tcp-ca", "FILE", "trust the authorities in FILE, in PEM form, instead of the system's", "", flags.String(&s.TLS.CA)},
		{"output-tcp-client-cert", "FILE", "the certificate for a receiver that wants one, in PEM form", "", flags.String(&s.TLS.Certificate)},
		{"output-tcp-client-key", "FILE", "its key, in PEM form, without a passphrase", "", flags.String(&s.TLS.Key)},
		{"output-tcp-skip-verify", "", "do not verify the receiver's certificate: whoever answers gets the traffic", "",
			flags.Bool(&s.TLS.SkipVerify)},
		{"output-tcp-plain", "never|auto|always",
			"when to send the plain stream of Gor 0.10 and GoReplay 1.x, which is not acknowledged; auto: to a receiver " +
				"that has never answered, and not with --output-tcp-spill",
			"sudo gor --input-raw :80 --output-tcp goreplay.local:28020 --output-tcp-plain always", flags.Parsed(&s.Plain, link.ParsePlain, link.Plain.String)},
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
			flags.Needs(flags.Size(&s.SpillSize, 16<<20, maxSpillSize), "output-tcp-spill", func() bool { return s.Spill != "" })},
		{"output-tcp-stats", "", "print the queue's length every 5 seconds, as --output-http-stats does", "", flags.Bool(&s.Stats)},
	}
}

// check refuses what cannot work together, with what to type.
func (s *tcpOutputSettings) check() error {
	if other := s.TLS.Given("output-tcp"); other != "" && !s.Secure {
		return fmt.Errorf("--%s is for TLS; add --output-tcp-secure", other)
	}
	if err := s.TLS.Check("output-tcp"); err != nil {
		return err
	}
	switch {
	case s.Plain == link.PlainAlways && s.Compress:
		return errors.New("--output-tcp-compress is for receivers that acknowledge messages, and --output-tcp-plain always asks none; leave one out")
	case s.Spill != "" && s.Workers > 1:
		return fmt.Errorf("--output-tcp-spill keeps one order for all messages; leave out --output-tcp-workers %d", s.Workers)
	}
	return nil
}

// tls returns what makes the configuration of each connection to host, or nil
// without --output-tcp-secure.
func (s *tcpOutputSettings) tls(host string, logf func(format string, args ...any)) (func() *tls.Config, error) {
	if !s.Secure {
		return nil, nil
	}
	return s.TLS.Open("output-tcp", &tls.Config{
		MinVersion:         tls.VersionTLS12,
		ServerName:         host,
		InsecureSkipVerify: s.TLS.SkipVerify,
	}, logf)
}
