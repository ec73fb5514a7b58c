package filter

import "slices"

// vlanID is the part of a tag's control information that names the VLAN
// (IEEE 802.1Q section 9.6).
const vlanID = 0x0fff

// VLANs are the VLANs whose frames are wanted, by their outermost tag. The zero
// value wants all frames.
type VLANs struct {
	Tagged bool  // those with a tag only
	IDs    []int // of these VLANs only; none: of any
}

// All reports that no frame need be looked at.
func (v *VLANs) All() bool { return !v.Tagged && len(v.IDs) == 0 }

// Wants says whether a frame with that tag, or without one, is wanted. VLAN 0,
// of a tag that has a priority only, is one like the others.
func (v *VLANs) Wants(tci uint16, tagged bool) bool {
	if v.All() {
		return true
	}
	return tagged && (len(v.IDs) == 0 || slices.Contains(v.IDs, int(tci&vlanID)))
}
