package rawsocket

import "encoding/binary"

// linkTag finds the outermost VLAN tag of a packet that begins with the header
// of its link. Of the links that we know only these have tags.
func linkTag(link uint32, b []byte) (tci uint16, tagged bool) {
	var etherType uint16
	header := 0
	switch {
	case link == linkEthernet && len(b) >= etherHeader:
		etherType, header = binary.BigEndian.Uint16(b[12:]), etherHeader
	case link == linkSLL && len(b) >= sllHeader:
		etherType, header = binary.BigEndian.Uint16(b[14:]), sllHeader
	case link == linkSLL2 && len(b) >= sll2Header:
		etherType, header = binary.BigEndian.Uint16(b), sll2Header
	}
	return etherTag(etherType, b[header:])
}

// etherTag is linkTag for what an EtherType announced.
func etherTag(etherType uint16, b []byte) (tci uint16, tagged bool) {
	switch etherType {
	case etherVLAN, etherQinQ, etherQinQOld:
		if len(b) >= 2 {
			return binary.BigEndian.Uint16(b), true
		}
	}
	return 0, false
}
