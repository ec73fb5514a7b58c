// Package netns makes two hosts on one machine: network namespaces that a pair
// of veth interfaces joins, for tests and benchmarks that want a wire. It needs
// root and the ip program of iproute2.
package netns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// A Host is a namespace with its addresses on the wire. The zero value is the
// namespace that the program runs in.
type Host struct {
	Name       string
	IPv4, IPv6 string
}

// A Pair is two hosts joined by a wire.
type Pair struct {
	Near, Far Host
	ip        string // path of the program
}

// NewPair makes two namespaces whose names begin with label, and a wire of
// Ethernet's usual size between them. Close removes them.
func NewPair(label string) (*Pair, error) {
	ip, err := Tool("ip")
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("%s%d", label, os.Getpid())
	p := &Pair{
		Near: Host{name + "a", "10.77.0.1", "fd77::1"},
		Far:  Host{name + "b", "10.77.0.2", "fd77::2"},
		ip:   ip,
	}
	if err := p.make(); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

func (p *Pair) make() error {
	hosts := []Host{p.Near, p.Far}
	for _, h := range hosts {
		if err := p.run("netns", "add", h.Name); err != nil {
			return err
		}
		if err := p.run("-n", h.Name, "link", "set", "lo", "up"); err != nil {
			return err
		}
	}
	if err := p.run("link", "add", "veth0", "netns", p.Near.Name, "type", "veth", "peer", "name", "veth0", "netns", p.Far.Name); err != nil {
		return err
	}
	for _, h := range hosts {
		for _, args := range [][]string{
			{"addr", "add", h.IPv4 + "/24", "dev", "veth0"},
			// An address that is still looked for elsewhere cannot be bound.
			{"addr", "add", h.IPv6 + "/64", "dev", "veth0", "nodad"},
			{"link", "set", "veth0", "up"},
		} {
			if err := p.run(append([]string{"-n", h.Name}, args...)...); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *Pair) run(args ...string) error {
	if out, err := exec.Command(p.ip, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// Close removes what there is of the pair. Processes and sockets in it keep
// their namespaces until they end.
func (p *Pair) Close() error {
	var errs []error
	for _, h := range []Host{p.Near, p.Far} {
		if _, err := os.Stat(pathOf(h.Name)); err == nil {
			errs = append(errs, p.run("netns", "del", h.Name))
		}
	}
	return errors.Join(errs...)
}

// pathOf is where iproute2 keeps a namespace.
func pathOf(name string) string { return "/run/netns/" + name }

// Prefix is what before a command line makes it run on the host.
func (h Host) Prefix() []string {
	if h.Name == "" {
		return nil
	}
	ip, err := Tool("ip")
	if err != nil {
		ip = "ip" // the command will say what is missing
	}
	return []string{ip, "netns", "exec", h.Name}
}

// Do runs f on a thread of the host. Sockets that f opens stay there, whoever
// uses them; goroutines that it starts run elsewhere.
func (h Host) Do(f func() error) error {
	if h.Name == "" {
		return f()
	}
	result := make(chan error, 1)
	go func() {
		// Never unlocked: the thread ends with this goroutine, so that nothing
		// else can come to run in the namespace.
		runtime.LockOSThread()
		if err := enter(pathOf(h.Name)); err != nil {
			result <- fmt.Errorf("enter the namespace %q: %w", h.Name, err)
			return
		}
		result <- f()
	}()
	return <-result
}

// Listen listens on the host, for TCP and nothing that is built on it: what
// Go prefers, MPTCP, costs a server more.
func (h Host) Listen(addr string) (l net.Listener, err error) {
	var config net.ListenConfig
	config.SetMultipathTCP(false)
	err = h.Do(func() (err error) {
		l, err = config.Listen(context.Background(), "tcp", addr)
		return err
	})
	return l, err
}

// Dial connects from the host to an IP address and port.
func (h Host) Dial(addr string) (c net.Conn, err error) {
	err = h.Do(func() (err error) {
		c, err = net.Dial("tcp", addr)
		return err
	})
	return c, err
}
