package rawsocket

import (
	"encoding/binary"
	"slices"
)

// vlanID is the part of a tag's control information that names the VLAN
// (IEEE 802.1Q section 9.6).
const vlanID = 0x0fff

// A vlanFilter says which frames are wanted by their outermost VLAN tag. The
// zero value wants all of them.
type vlanFilter struct {
	tagged bool  // those with a tag only
	ids    []int // of these VLANs only; none: of any
}

// all reports that no frame need be looked at.
func (v *vlanFilter) all() bool { return !v.tagged && len(v.ids) == 0 }

// wants says whether a frame with that tag, or without one, is wanted. VLAN 0,
// of a tag that has a priority only, is one like the others.
func (v *vlanFilter) wants(tci uint16, tagged bool) bool {
	if v.all() {
		return true
	}
	return tagged && (len(v.ids) == 0 || slices.Contains(v.ids, int(tci&vlanID)))
}

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
