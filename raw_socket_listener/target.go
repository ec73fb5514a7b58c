package rawsocket

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strconv"
)

// Sees reports whether a capture of a on this host sees what is sent to target,
// a host and a port. It looks up the host's name, until ctx ends.
func Sees(ctx context.Context, a Address, target string) bool {
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
		return false // whoever connects to it will say so
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
