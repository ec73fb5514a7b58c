package pcapout

import (
	"encoding/binary"
	"hash/fnv"
	"slices"

	"github.com/buger/gor/internal/payload"
)

// An endpoint is an IPv4 address and a port.
type endpoint struct {
	addr [4]byte
	port uint16
}

// server is the one end of all connections: recordings do not name theirs.
var server = endpoint{[4]byte{10, 255, 255, 254}, 80}

// A conn is a TCP connection.
type conn struct {
	name         string
	client       endpoint
	fromC, fromS uint32 // sequence numbers of the next bytes
	idC, idS     uint16 // of IP packets
	at           int64  // of its latest packet, ns
	waiting      []*exchange
	last         bool // no request may follow
	mute         bool // no response may come any more
	closed       bool
}

// connect opens a connection. The client's address and port, and the sequence
// numbers, follow from the id, so that a recording always gives the same file.
func (p *Writer) connect(name string, m *payload.Meta) *conn {
	h := fnv.New64a()
	h.Write([]byte(name))
	n := h.Sum64()
	p.opened++
	n += p.opened // nobody takes a connection for the continuation of an earlier one
	c := &conn{name: name, fromC: uint32(n>>32) + uint32(p.opened)<<16, fromS: uint32(n) ^ uint32(m.Time), at: max(m.Time-connTime, 0)}
	for {
		c.client = endpoint{[4]byte{10, byte(n>>40) % 255, byte(n >> 32), byte(n>>24)%254 + 1}, uint16(n)%(1<<16-1024) + 1024}
		if !p.tuple[c.client] {
			break
		}
		n++ // as clients do: the next port
	}
	p.tuple[c.client] = true
	p.conns[name] = c
	for len(p.open) > 0 && p.open[0].closed {
		p.open = p.open[1:]
	}
	if len(p.tuple) > connsMost {
		i := slices.IndexFunc(p.open, func(c *conn) bool { return !c.closed })
		p.forget(p.open[i])
		p.retire(p.open[i])
	}
	if len(p.open) > 2*connsMost {
		p.open = slices.DeleteFunc(p.open, func(c *conn) bool { return c.closed })
	}
	p.open = append(p.open, c)

	p.segment(c, true, flagSYN, c.at, nil)
	c.fromC++
	p.segment(c, false, flagSYN|flagACK, c.at+connTime/3, nil)
	c.fromS++
	p.segment(c, true, flagACK, c.at+connTime/3, nil)
	return c
}

// disconnect closes a connection at the time of the present message.
func (p *Writer) disconnect(c *conn) {
	if c.closed {
		return
	}
	c.closed = true
	delete(p.tuple, c.client)
	if p.conns[c.name] == c {
		delete(p.conns, c.name)
	}
	p.segment(c, false, flagFIN|flagACK, p.now, nil)
	c.fromS++
	p.segment(c, true, flagFIN|flagACK, p.now, nil)
	c.fromC++
	p.segment(c, false, flagACK, p.now, nil)
}

// data sends a message in segments that share its duration, and the other side's
// acknowledgement.
func (p *Writer) data(c *conn, toServer bool, m *payload.Meta, body []byte) {
	took := max(m.Duration, 0)
	count := (len(body) + segmentMost - 1) / segmentMost
	if took > 0 && len(body) > 1 {
		count = max(count, 2) // one packet cannot last
	}
	for i := range count {
		from, to := len(body)*i/count, len(body)*(i+1)/count
		at := m.Time
		if i > 0 {
			at += took / int64(count-1) * int64(i)
		}
		if i == count-1 && i > 0 {
			at = m.Time + took
		}
		flags := byte(flagACK)
		if i == count-1 {
			flags |= flagPSH
		}
		p.segment(c, toServer, flags, at, body[from:to])
		if toServer {
			c.fromC += uint32(to - from)
		} else {
			c.fromS += uint32(to - from)
		}
	}
	p.segment(c, !toServer, flagACK, c.at, nil)
}

// segment sends one packet, not before the one that the connection had last.
func (p *Writer) segment(c *conn, toServer bool, flags byte, at int64, data []byte) {
	c.at = max(c.at, at)
	src, dst, seq, ack, id := c.client, server, c.fromC, c.fromS, &c.idC
	if !toServer {
		src, dst, seq, ack, id = server, c.client, c.fromS, c.fromC, &c.idS
	}
	if flags&flagACK == 0 {
		ack = 0
	}
	*id++
	p.push(c.at, frame(src, dst, seq, ack, *id, flags, data))
}

const (
	flagFIN = 0x01
	flagSYN = 0x02
	flagPSH = 0x08
	flagACK = 0x10

	segmentMost = 1460 // bytes in a packet of Ethernet's 1500
	etherHeader = 14
	ipHeader    = 20
	tcpHeader   = 20
)

// synOptions are a maximum segment size of 1460, and a window of 64 KiB << 14:
// nobody waits here for the other to read (RFC 9293 section 3.7.1, RFC 7323 section 2).
const synOptions = "\x02\x04\x05\xb4\x03\x03\x0e\x00"

// fileHeader begins a pcap file of Ethernet frames with times in ns
// (draft-ietf-opsawg-pcap section 4).
func fileHeader() []byte {
	b := binary.LittleEndian.AppendUint32(nil, 0xa1b23c4d)
	b = append(b, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, 1<<16) // longest frame
	return binary.LittleEndian.AppendUint32(b, 1)  // Ethernet
}

// frame makes an Ethernet frame with IPv4 and TCP (RFC 791 section 3.1, RFC 9293 section 3.1).
func frame(src, dst endpoint, seq, ack uint32, id uint16, flags byte, data []byte) []byte {
	options := ""
	if flags&flagSYN != 0 {
		options = synOptions
	}
	length := ipHeader + tcpHeader + len(options) + len(data)
	b := make([]byte, 0, etherHeader+length)
	for _, e := range []endpoint{dst, src} {
		b = append(b, 2, 0) // locally administered
		b = append(b, e.addr[:]...)
	}
	b = append(b, 8, 0) // IPv4
	ip := len(b)
	b = append(b, 0x45, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(length))
	b = binary.BigEndian.AppendUint16(b, id)
	b = append(b, 0x40, 0, 64, 6, 0, 0) // do not fragment; TTL; TCP
	b = append(append(b, src.addr[:]...), dst.addr[:]...)
	binary.BigEndian.PutUint16(b[ip+10:], checksum(0, b[ip:]))
	tcp := len(b)
	b = binary.BigEndian.AppendUint16(b, src.port)
	b = binary.BigEndian.AppendUint16(b, dst.port)
	b = binary.BigEndian.AppendUint32(b, seq)
	b = binary.BigEndian.AppendUint32(b, ack)
	b = append(b, byte(tcpHeader+len(options))/4<<4, flags, 0xff, 0xff, 0, 0, 0, 0)
	b = append(append(b, options...), data...)
	pseudo := uint32(6 + length - ipHeader)
	for i := ip + 12; i < tcp; i += 2 {
		pseudo += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	binary.BigEndian.PutUint16(b[tcp+16:], checksum(pseudo, b[tcp:]))
	return b
}

// checksum is that of RFC 1071, with sum added.
func checksum(sum uint32, b []byte) uint16 {
	for ; len(b) > 1; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
