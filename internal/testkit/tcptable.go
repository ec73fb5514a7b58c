package testkit

import (
	"bufio"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
)

// Established counts the connections that the kernel holds at an IPv4 listener's
// address, including those that nobody has accepted yet (proc(5), /proc/net/tcp).
// Unlike a count of accepts it is right on a machine too busy to accept.
func Established(t testing.TB, addr string) (n int) {
	t.Helper()
	local, err := netip.ParseAddrPort(addr)
	Must(t, err)
	f, err := os.Open("/proc/thread-self/net/tcp")
	Must(t, err)
	defer f.Close()
	const established = "01"
	port := fmt.Sprintf(":%04X", local.Port())
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		// "0: 0100007F:8AE0 0100007F:D2F4 01 ...": slot, local, remote, state
		if row := strings.Fields(lines.Text()); len(row) > 3 && strings.HasSuffix(row[1], port) && row[3] == established {
			n++
		}
	}
	Must(t, lines.Err())
	return n
}
