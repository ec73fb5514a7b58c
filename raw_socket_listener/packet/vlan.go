package packet

import "encoding/binary"

// LinkTag finds the outermost VLAN tag of a packet that begins with the header
// of its link. Of the links that we know only these have tags.
func LinkTag(link uint32, b []byte) (tci uint16, tagged bool) {
	var etherType uint16
	header := 0
	switch {
	case link == LinkEthernet && len(b) >= EtherHeaderLen:
		etherType, header = binary.BigEndian.Uint16(b[12:]), EtherHeaderLen
	case link == LinkSLL && len(b) >= SLLHeaderLen:
		etherType, header = binary.BigEndian.Uint16(b[14:]), SLLHeaderLen
	case link == LinkSLL2 && len(b) >= SLL2HeaderLen:
		etherType, header = binary.BigEndian.Uint16(b), SLL2HeaderLen
	}
	return EtherTag(etherType, b[header:])
}

// EtherTag is LinkTag for what an EtherType announced.
func EtherTag(etherType uint16, b []byte) (tci uint16, tagged bool) {
	switch etherType {
	case EtherVLAN, EtherQinQ, EtherQinQOld:
		if len(b) >= 2 {
			return binary.BigEndian.Uint16(b), true
		}
	}
	return 0, false
}
