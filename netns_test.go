package main

import (
	"testing"

	"github.com/buger/gor/bench/netns"
)

// newWire makes two hosts that a veth pair joins, for the length of the test.
// Near has the addresses 10.77.0.1 and fd77::1, far those that end in 2.
func newWire(t *testing.T) *netns.Pair {
	t.Helper()
	needTool(t, "ip", "iproute2")
	wire, err := netns.NewPair("gorwire")
	must(t, err)
	t.Cleanup(func() {
		if err := wire.Close(); err != nil {
			t.Error(err)
		}
	})
	return wire
}
