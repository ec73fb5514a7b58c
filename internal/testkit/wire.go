package testkit

import (
	"testing"

	"github.com/buger/gor/bench/netns"
)

// NewWire makes two hosts that a veth pair joins, for the length of the test.
// Near has the addresses 10.77.0.1 and fd77::1, far those that end in 2.
func NewWire(t *testing.T) *netns.Pair {
	t.Helper()
	NeedTool(t, "ip", "iproute2")
	wire, err := netns.NewPair("gorwire")
	Must(t, err)
	t.Cleanup(func() {
		if err := wire.Close(); err != nil {
			t.Error(err)
		}
	})
	return wire
}
