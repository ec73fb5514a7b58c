//go:build !linux

package source

import (
	"errors"
	"fmt"
)

func openRings(c Config) (Source, error) { return nil, noRings(c) }

func openFanout(c Config, _ int) ([]Source, error) { return nil, noRings(c) }

func openVXLAN(c Config) (Source, error) { return nil, noRings(c) }

func noRings(c Config) error {
	return fmt.Errorf("capture %q: %w on this system: give a capture file, such as x.pcap", c.Address, errors.ErrUnsupported)
}
