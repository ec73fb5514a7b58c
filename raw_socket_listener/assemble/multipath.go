package assemble

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/buger/gor/raw_socket_listener/packet"
)

// MPTCP (RFC 8684): one stream of bytes over several TCP connections. In which
// of them a part of it travels is for the sender to choose, so that each alone
// has holes that look like none. Until somebody puts them together, a connection
// that another joins is not understood, and the other is not either.
const (
	optionEnd   = 0
	optionNop   = 1
	optionMPTCP = 30 // IANA's registry of TCP options

	mpCapable = 0 // subtypes (RFC 8684 section 8)
	mpJoin    = 1
)

// mptcpOption returns the MPTCP option of that subtype among options, with its
// kind and length, nil when there is none. The list comes off the wire: a length
// below two ends it.
func mptcpOption(options []byte, subtype byte) []byte {
	for len(options) > 0 {
		switch options[0] {
		case optionEnd:
			return nil
		case optionNop:
			options = options[1:]
			continue
		}
		if len(options) < 2 || options[1] < 2 || int(options[1]) > len(options) {
			return nil
		}
		o := options[:options[1]]
		if o[0] == optionMPTCP && len(o) > 2 && o[2]>>4 == subtype {
			return o
		}
		options = options[len(o):]
	}
	return nil
}

// multipath looks at the options of a handshake's segment, and makes c, and the
// connection that it joins, ones that are not understood when it is a subflow.
func (a *Assembler) multipath(c *conn, s *packet.Segment) {
	if o := mptcpOption(s.Options, mpJoin); o != nil {
		// A SYN names the connection by a token that the server's key gives.
		if s.Flags.Has(packet.FlagSYN) && !s.Flags.Has(packet.FlagACK) && len(o) >= 8 {
			if first := a.tokens[binary.BigEndian.Uint32(o[4:])]; first != nil {
				a.spread(first)
			}
		}
		a.spread(c)
		return
	}
	// The server's key comes with the SYN,ACK, and again, behind the client's,
	// with the handshake's third packet or the first data.
	o := mptcpOption(s.Options, mpCapable)
	if o == nil || c.token != 0 || len(a.tokens) >= a.cfg.MaxConns {
		return
	}
	var key []byte
	switch {
	case s.Flags.Has(packet.FlagSYN) && s.Flags.Has(packet.FlagACK) && len(o) >= 12:
		key = o[4:12]
	case !s.Flags.Has(packet.FlagSYN) && len(o) >= 20:
		key = o[12:20]
	default:
		return
	}
	hash := sha256.Sum256(key)
	c.token = binary.BigEndian.Uint32(hash[:])
	if a.tokens == nil {
		a.tokens = make(map[uint32]*conn)
	}
	a.tokens[c.token] = c
}

// spread makes c one that is not understood.
func (a *Assembler) spread(c *conn) {
	if c.ignored {
		return
	}
	a.stats.Multipath++
	for _, f := range [...]*flow{&c.req, &c.rsp} {
		if h := f.h; h != nil && h.open {
			a.stats.Lost[LostGap]++
			h.open = false
		}
	}
	a.ignore(c)
	c.multipath = true
}
