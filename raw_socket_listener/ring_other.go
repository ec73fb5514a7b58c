//go:build !linux

package rawsocket

import (
	"errors"
	"fmt"
)

func openRings(c sourceConfig) (source, error) { return nil, noRings(c) }

func openFanout(c sourceConfig, _ int) ([]source, error) { return nil, noRings(c) }

func openVXLAN(c sourceConfig) (source, error) { return nil, noRings(c) }

func noRings(c sourceConfig) error {
	return fmt.Errorf("capture %q: %w on this system: give a capture file, such as x.pcap", c.Address, errors.ErrUnsupported)
}
