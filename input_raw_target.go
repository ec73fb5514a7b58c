package main

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/buger/gor/internal/http1client"
	rawsocket "github.com/buger/gor/raw_socket_listener"
)

// lookupPatience bounds the look-up of a target's name, beside the capture.
const lookupPatience = 2 * time.Second

// warnOfTargets says which HTTP outputs are servers that the capture sees
// too. It does not loop, since the capture leaves this process's connections
// out, but such a server is given each of its requests again.
func warnOfTargets(a rawsocket.Address, s *Settings, env *pluginEnv) {
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
		env.background.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), lookupPatience)
			defer cancel()
			if capturesTarget(ctx, a, t.Address()) {
				env.logf("output-http %s is a server that input-raw %s captures: it will get each of its requests a second time", t, a)
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
