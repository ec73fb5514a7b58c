package rawsocket

import "slices"

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
