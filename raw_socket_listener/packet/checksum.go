package packet

import (
	"encoding/binary"
	"net/netip"
)

// badSum reports whether the checksum of the TCP segment b, which is whole, is
// wrong (RFC 9293 section 3.1). It is right as well where it was left to the
// network card, as on packets that this host sends: the field then holds the
// sum of the pseudo header alone, as Linux leaves it, or nothing.
func badSum(src, dst netip.Addr, b []byte) bool {
	field := binary.BigEndian.Uint16(b[16:])
	if field == 0 {
		return false
	}
	sum := uint32(ProtoTCP) + uint32(len(b))>>16 + uint32(len(b))&0xffff
	for _, addr := range [...]netip.Addr{src, dst} {
		if addr.Is4() {
			a := addr.As4()
			sum = addWords(sum, a[:])
		} else {
			a := addr.As16()
			sum = addWords(sum, a[:])
		}
	}
	pseudo := fold(sum)
	return field != pseudo && fold(addWords(sum, b)) != 0xffff
}

// addWords adds the 16-bit words of b, of at most 128 KiB before the sum could
// overflow; larger segments are folded on the way.
func addWords(sum uint32, b []byte) uint32 {
	for len(b) > 1 {
		sum += uint32(binary.BigEndian.Uint16(b))
		if sum > 1<<31 {
			sum = uint32(fold(sum))
		}
		b = b[2:]
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	return sum
}

func fold(sum uint32) uint16 {
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return uint16(sum)
}
