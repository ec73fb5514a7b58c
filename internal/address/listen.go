package address

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// CheckListen refuses what is not [HOST]:PORT, an address to listen on, and says
// how one is written.
func CheckListen(addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		if _, perr := strconv.ParseUint(addr, 10, 16); perr == nil {
			return fmt.Errorf("%q is not an address; a port alone is written :%s", addr, addr)
		}
		return fmt.Errorf("%q is not an address; it is written :28020, host:28020 or [::1]:28020", addr)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%q has no port between 1 and 65535, as in :28020", addr)
	}
	return nil
}

// ConnectHost returns the host of HOST:PORT, an address to connect to. Unlike
// one to listen on it has to name a host.
func ConnectHost(addr string) (string, error) {
	if err := CheckListen(addr); err != nil {
		return "", err
	}
	host, port, _ := net.SplitHostPort(addr)
	if strings.Trim(port, "0") == "" {
		return "", fmt.Errorf("%q has no port between 1 and 65535, as in %s", addr, net.JoinHostPort(host, "28020"))
	}
	if host == "" {
		return "", fmt.Errorf("%q names no host; it is written replay.local%s", addr, addr)
	}
	return host, nil
}

// ParseHostPort reads HOST:PORT, an address to connect to in place of another. A
// port of zero is none.
func ParseHostPort(s string) (string, error) {
	host, port, err := net.SplitHostPort(s)
	if n, perr := strconv.Atoi(port); err != nil || perr != nil || host == "" || n < 1 || n > 65535 {
		return "", errors.New("want a host and a port, such as 10.0.0.7:8443")
	}
	return s, nil
}
