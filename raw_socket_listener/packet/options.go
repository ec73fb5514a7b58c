package packet

import "encoding/binary"

// Timestamps are both values of the option, 0 when there is none.
func Timestamps(options []byte) uint64 {
	const end, padding, kind, length = 0, 1, 8, 10
	for len(options) > 0 && options[0] != end {
		if options[0] == padding {
			options = options[1:]
			continue
		}
		if len(options) < 2 || options[1] < 2 || int(options[1]) > len(options) {
			return 0
		}
		if options[0] == kind && options[1] == length {
			return binary.BigEndian.Uint64(options[2:])
		}
		options = options[options[1]:]
	}
	return 0
}
