// Package filter says which packets a capture wants: those of an address, those
// that match an expression of pcap-filter(7), and those of a VLAN. It answers for
// a packet of a file, and as a program for the kernel.
package filter

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxPorts is how many ports one address may list. The kernel takes filters
// of 4,096 instructions, and one port costs at most four.
const maxPorts = 512

// resolveTimeout bounds the look-up of a host name at the start.
const resolveTimeout = 5 * time.Second

// An Address says what to capture. It is what stands behind --input-raw:
//
//	:80            port 80, every interface
//	:80,8080       several ports
//	80             the same as :80
//	10.0.0.5:80    requests to that address; [::1]:80 for IPv6
//	staging:80     requests to any address of that host
//	eth0:80        one interface; eth*:80 those whose names match, now and later
//	eth0:          every port
//	x.pcap:80      a capture file; x.pcap for every connection in it
//	x.pcap*:80     the files of tcpdump -C or -G, as one
//	-:80, -        a capture file on stdin
type Address struct {
	Path       string       // the capture file, "-" for stdin, empty for live capture
	Interfaces []string     // live: the interfaces by name; empty for all, or when Pattern matches none now
	Pattern    string       // live: of the interfaces' names; those that appear later are captured too
	Hosts      []netip.Addr // the server's addresses; empty for any
	Ports      []uint16     // the server's ports, ascending; empty for all
	Text       string       // the address as it was given
}

// String is the address as it was given.
func (a Address) String() string { return a.Text }

// Live reports that the packets come from interfaces and not from a file.
func (a Address) Live() bool { return a.Path == "" }

// EveryInterface reports that no interface was named.
func (a Address) EveryInterface() bool { return a.Pattern == "" && len(a.Interfaces) == 0 }

// TakesInterface reports whether the interface is one that was named.
func (a Address) TakesInterface(name string) bool {
	return a.EveryInterface() || slices.Contains(a.Interfaces, name) || a.Pattern != "" && MatchesAny([]string{a.Pattern}, name)
}

// Match says which way a segment goes: toServer when dst is the address that
// is captured, fromServer when src is. An address without ports leaves it
// open: then both are false, and Wants alone tells whether the segment counts.
func (a Address) Match(src, dst netip.AddrPort) (toServer, fromServer bool) {
	if len(a.Ports) == 0 {
		return false, false
	}
	return a.IsServer(dst), a.IsServer(src)
}

// Wants reports whether a segment is to be looked at; those from the server
// only with response, and for an address without ports always.
func (a Address) Wants(src, dst netip.AddrPort, response bool) bool {
	if len(a.Ports) == 0 {
		return a.IsServer(dst) || a.IsServer(src)
	}
	return a.IsServer(dst) || response && a.IsServer(src)
}

// IsServer reports whether p is an end that the address names.
func (a Address) IsServer(p netip.AddrPort) bool {
	if len(a.Ports) > 0 && !slices.Contains(a.Ports, p.Port()) {
		return false
	}
	return len(a.Hosts) == 0 || slices.Contains(a.Hosts, p.Addr())
}

// ParseAddress reads the value of --input-raw. It asks the system for its
// interfaces and, when it must, for the addresses of a host name.
func ParseAddress(s string) (Address, error) {
	return systemNames().parse(s)
}

// ParseFileAddress reads the value of --input-raw when its engine reads
// capture files: any path will do, with or without ports behind a colon.
func ParseFileAddress(s string) (Address, error) {
	a, err := parseFile(s)
	a.Text = s
	return a, err
}

// names is what the meaning of an address depends on.
type names struct {
	interfaces func() ([]string, error)
	lookup     func(host string) ([]netip.Addr, error)
	isFile     func(path string) bool
}

func systemNames() names {
	return names{
		interfaces: func() ([]string, error) {
			list, err := net.Interfaces()
			if err != nil {
				return nil, fmt.Errorf("list the network interfaces: %w", err)
			}
			out := make([]string, len(list))
			for i := range list {
				out[i] = list[i].Name
			}
			return out, nil
		},
		lookup: func(host string) ([]netip.Addr, error) {
			ctx, cancel := context.WithTimeout(context.Background(), resolveTimeout)
			defer cancel()
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		},
		isFile: func(p string) bool {
			st, err := os.Stat(p)
			return err == nil && !st.IsDir()
		},
	}
}

func (n names) parse(s string) (Address, error) {
	a, err := n.parseAny(s)
	if err != nil {
		return Address{}, fmt.Errorf("read the capture address %q: %w", s, err)
	}
	a.Text = s
	return a, nil
}

func (n names) parseAny(s string) (Address, error) {
	if s == "" || s == ":" {
		return Address{}, errors.New("it names no port: type :80, or *: for every port of every interface")
	}
	if _, rest, found := strings.Cut(s, "://"); found {
		return Address{}, fmt.Errorf("it is a URL: type %q", strings.TrimRight(rest, "/"))
	}
	if isDigits(s) {
		s = ":" + s
	}
	bare, _ := unbracket(s)
	if addr, err := netip.ParseAddr(bare); err == nil {
		return Address{}, fmt.Errorf("it names no port: type %q", netip.AddrPortFrom(addr, 80).String())
	}
	host, _, found := cutLast(s, ":")
	if host == "-" || strings.Contains(host, "/") || isCaptureName(s) || isCaptureName(host) || isCapturePattern(s) {
		return parseFile(s)
	}
	if !found {
		if n.isFile(s) {
			return parseFile(s)
		}
		return Address{}, fmt.Errorf("it names no port: type %q, or %q for every port", s+":80", s+":")
	}
	return n.parseLive(s)
}

func (n names) parseLive(s string) (Address, error) {
	host, list, _ := cutLast(s, ":")
	ports, err := parsePorts(list)
	if err != nil {
		return Address{}, err
	}
	a := Address{Ports: ports}
	if host == "" || host == "*" {
		return a, nil
	}
	bare, bracketed := unbracket(host)
	if addr, err := netip.ParseAddr(bare); err == nil {
		switch {
		case addr.Is6() && !bracketed:
			return Address{}, fmt.Errorf("an IPv6 address stands in brackets: type %q", "["+host+"]:"+list)
		case !addr.IsUnspecified():
			// Packets carry no zone, so that one would never match.
			a.Hosts = []netip.Addr{addr.WithZone("").Unmap()}
		}
		return a, nil
	}
	if bracketed || strings.Contains(host, ":") {
		return Address{}, fmt.Errorf("%q is not an IP address", host)
	}
	return n.parseName(a, host, s)
}

// parseName finds out what a word before the colon is: interface, capture
// file or host, in this order.
func (n names) parseName(a Address, host, s string) (Address, error) {
	ifs, err := n.interfaces()
	if err != nil {
		return Address{}, err
	}
	for _, name := range ifs {
		if ok, err := path.Match(host, name); err != nil {
			return Address{}, fmt.Errorf("the pattern %q is malformed: %w", host, err)
		} else if ok || host == name {
			a.Interfaces = append(a.Interfaces, name)
		}
	}
	if HasPattern(host) {
		a.Pattern = host
	}
	if len(a.Interfaces) > 0 {
		return a, nil
	}
	have := "the interfaces are " + strings.Join(ifs, ", ")
	if n.isFile(host) {
		return parseFile(s)
	}
	if a.Pattern != "" {
		if files, _ := filepath.Glob(host); len(files) > 0 {
			return parseFile(s)
		}
		return a, nil // until one appears
	}
	hosts, err := n.lookup(host)
	if err != nil {
		return Address{}, fmt.Errorf("%q is not an interface, a capture file or a known host: %s (%w)", host, have, err)
	}
	for _, h := range hosts {
		a.Hosts = append(a.Hosts, h.WithZone("").Unmap())
	}
	if len(a.Hosts) == 0 {
		return Address{}, fmt.Errorf("the host %q has no address", host)
	}
	slices.SortFunc(a.Hosts, netip.Addr.Compare)
	a.Hosts = slices.Compact(a.Hosts)
	return a, nil
}

// parseFile reads path and path:ports. What stands behind the last colon
// belongs to the path when it is not a list of ports and a name of a capture
// file ends there, as in 10:30:00.pcap.
func parseFile(s string) (Address, error) {
	p, list, found := cutLast(s, ":")
	if !found || isCaptureName(s) {
		p, list = s, ""
	}
	if p == "" {
		return Address{}, errors.New("it names no capture file")
	}
	ports, err := parsePorts(list)
	if err != nil {
		return Address{}, err
	}
	return Address{Path: p, Ports: ports}, nil
}

func parsePorts(list string) ([]uint16, error) {
	if list == "" || list == "*" {
		return nil, nil
	}
	var ports []uint16
	for word := range strings.SplitSeq(list, ",") {
		p, err := strconv.ParseUint(word, 10, 16)
		if err != nil || p == 0 {
			return nil, fmt.Errorf("%q is not a port: a port is a number from 1 to 65535, several are 80,8080", word)
		}
		ports = append(ports, uint16(p))
	}
	slices.Sort(ports)
	ports = slices.Compact(ports)
	if len(ports) > maxPorts {
		return nil, fmt.Errorf("%d ports are too many: at most %d, or leave them out for every port", len(ports), maxPorts)
	}
	return ports, nil
}

// captureSuffixes are those of capture files' names.
func captureSuffixes() []string { return []string{".pcap", ".pcapng", ".cap", ".dmp"} }

// isCaptureName reports whether s ends as the names of capture files do.
func isCaptureName(s string) bool {
	base := strings.ToLower(s)
	for _, packed := range []string{".gz", ".zst", ".xz", ".bz2"} { // those that are refused too, so that the file's own error is seen
		base = strings.TrimSuffix(base, packed)
	}
	return slices.ContainsFunc(captureSuffixes(), func(suffix string) bool { return strings.HasSuffix(base, suffix) })
}

// isCapturePattern reports whether s is a pattern with the name of a capture
// file in it, such as x.pcap*: no interface's name has such a suffix.
func isCapturePattern(s string) bool {
	return HasPattern(s) && slices.ContainsFunc(captureSuffixes(), func(suffix string) bool { return strings.Contains(strings.ToLower(s), suffix) })
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func unbracket(s string) (string, bool) {
	if len(s) >= 2 && s[0] == '[' && s[len(s)-1] == ']' {
		return s[1 : len(s)-1], true
	}
	return s, false
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
