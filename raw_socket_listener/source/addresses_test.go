package source

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/buger/gor/raw_socket_listener/filter"
)

// addressFor parses an address. Of a host that has neither, eth0 is an
// interface and "both" has an address of each family.
func addressFor(t testing.TB, s string) filter.Address {
	t.Helper()
	name, rest, _ := strings.Cut(s, ":")
	if name == "eth0" || name == "both" {
		a := addressFor(t, ":"+rest)
		a.Text = s
		if name == "eth0" {
			a.Interfaces = []string{"eth0"}
		} else {
			a.Hosts = []netip.Addr{netip.MustParseAddr("10.0.0.5"), netip.MustParseAddr("2001:db8::5")}
		}
		return a
	}
	a, err := filter.ParseAddress(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
