package rawsocket

import "github.com/buger/gor/raw_socket_listener/packet"

// Names of the rooms below that belong to what a caller of this package sees.
type (
	// IgnoreReason says why a packet gave no segment.
	IgnoreReason = packet.IgnoreReason
)
