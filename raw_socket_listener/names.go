package rawsocket

import (
	"runtime"

	"github.com/buger/gor/raw_socket_listener/assemble"
	"github.com/buger/gor/raw_socket_listener/filter"
	"github.com/buger/gor/raw_socket_listener/packet"
	"github.com/buger/gor/raw_socket_listener/source"
)

// Defaults of a Config.
const (
	DefaultExpire      = assemble.DefaultExpire
	DefaultMaxMessage  = assemble.DefaultMaxMessage
	DefaultMaxBuffered = assemble.DefaultMaxBuffered
	DefaultMaxConns    = assemble.DefaultMaxConns
)

// What a caller of this package sees of the rooms below.
type (
	// A Message is one message as it was on the wire.
	Message = assemble.Message
	// An Address says what to capture.
	Address = filter.Address
	// A Filter is an expression of pcap-filter(7) that packets have to match
	// beside.
	Filter = filter.Filter
	// Sights is what several captures share.
	Sights = assemble.Sights
	// An IgnoreReason says why a packet gave no segment.
	IgnoreReason = packet.IgnoreReason
	// SourceStats says what became of the packets of a source.
	SourceStats = source.Stats
)

// ParseAddress reads the value of --input-raw. It asks the system for its
// interfaces and, when it must, for the addresses of a host name.
func ParseAddress(s string) (Address, error) { return filter.ParseAddress(s) }

// ParseFileAddress reads the value of --input-raw when its engine reads capture
// files: any path will do, with or without ports behind a colon.
func ParseFileAddress(s string) (Address, error) { return filter.ParseFileAddress(s) }

// ParseFilter reads an expression of pcap-filter(7), without looking up the host
// names in it.
func ParseFilter(text string) (*Filter, error) { return filter.ParseFilter(text) }

// ParseInterface reads the name of an interface, or a pattern of names.
func ParseInterface(s string) (string, error) { return filter.ParseInterface(s) }

// coresPerRing is how many cores share the packets' work with one ring: one
// thread takes some hundred thousand requests a second, and each ring has its
// own connections, whose memory is divided.
const coresPerRing = 4

// DefaultRings is how many rings a capture on this host should have.
func DefaultRings() int { return max(1, runtime.NumCPU()/coresPerRing) }

// Stats is the ledger of a capture. Starts equals the sum of Requests, Responses,
// Interim, all of Lost, and Open.
type Stats struct {
	assemble.Stats
	Source SourceStats // packets: received, dropped, ignored
}
