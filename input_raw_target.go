package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"time"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/http1client"
	"github.com/buger/gor/internal/plugin"
	rawsocket "github.com/buger/gor/raw_socket_listener"
)

// lookupPatience bounds the look-up of a target's name, beside the capture.
const lookupPatience = 2 * time.Second

// warnOfTargets says which HTTP outputs are servers that the capture sees
// too. It does not loop, since the capture leaves this process's connections
// out, but such a server is given each of its requests again.
func warnOfTargets(a rawsocket.Address, s *Settings, env *plugin.Env) {
	for _, out := range s.Outputs {
		if out.Flag != "output-http" {
			continue
		}
		addr, _, err := splitLimit(out.Value)
		if err != nil {
			continue // openOutput has refused it
		}
		t, err := http1client.ParseTarget(addr)
		if err != nil {
			continue
		}
		env.Background.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), lookupPatience)
			defer cancel()
			if capturesTarget(ctx, a, cmp.Or(s.http.ConnectTo, t.Address())) {
				env.Logf("output-http %s is a server that input-raw %s captures: it will get each of its requests a second time", t, a)
			}
		})
	}
}

// capturesTarget reports whether a capture sees requests to host:port on this
// host.
func capturesTarget(ctx context.Context, a rawsocket.Address, target string) bool {
	host, portText, err := net.SplitHostPort(target)
	if err != nil {
		return false
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil || len(a.Ports) > 0 && !slices.Contains(a.Ports, uint16(port)) {
		return false
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return false // the output will say so
	}
	for _, ip := range ips {
		ip = ip.Unmap().WithZone("")
		if isLocal(ip) && (len(a.Hosts) == 0 || slices.Contains(a.Hosts, ip)) {
			return true
		}
	}
	return false
}

// isLocal reports whether ip is an address of this host.
func isLocal(ip netip.Addr) bool {
	if ip.IsLoopback() || ip.IsUnspecified() {
		return true
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	return slices.ContainsFunc(addrs, func(a net.Addr) bool {
		n, ok := a.(*net.IPNet)
		if !ok {
			return false
		}
		local, ok := netip.AddrFromSlice(n.IP)
		return ok && local.Unmap() == ip
	})
}

// The engines of --input-raw, under one of their names each.
const (
	engineRings = "af_packet"
	engineFile  = "pcap_file"
	engineVXLAN = "vxlan"
)

// What --input-raw-protocol captures.
const (
	protocolHTTP   = "http"
	protocolBinary = "binary"
)

// checkEngine takes the names that GoReplay has for its engines. Those that
// read from interfaces are one engine here.
func checkEngine(s string) (string, error) {
	switch s {
	case "libpcap", "raw_socket", engineRings:
		return engineRings, nil
	case engineFile, engineVXLAN:
		return s, nil
	}
	return "", errors.New("want af_packet, pcap_file or vxlan")
}

// checkHeaderName takes the name of an HTTP header.
func checkHeaderName(s string) (string, error) {
	if !http1.ValidHeaderName(s) {
		return "", errors.New("want the name of a header such as X-Real-IP")
	}
	return s, nil
}

// checkInterface takes the name of an interface, or a pattern of names.
func checkInterface(s string) (string, error) {
	if _, err := path.Match(s, ""); err != nil || s == "" {
		return "", errors.New("want the name of an interface such as eth0, or a pattern such as veth*")
	}
	if s == "localhost" {
		s = "lo" // so GoReplay's own example calls it
	}
	return s, nil
}

// filterValue takes one expression: two would have to be joined, and only
// whoever wrote them knows how.
type filterValue struct{ p **rawsocket.Filter }

func (v *filterValue) String() string {
	if v.p == nil {
		return ""
	}
	return (*v.p).String()
}

func (v *filterValue) Set(s string) error {
	if *v.p != nil {
		return fmt.Errorf("there is the filter %q already: join them with and, or with or", *v.p)
	}
	f, err := rawsocket.ParseFilter(s)
	if err != nil {
		return err
	}
	*v.p = f
	return nil
}
