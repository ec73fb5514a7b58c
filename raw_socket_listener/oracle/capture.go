package oracle

import (
	"encoding/binary"
	"errors"
	"time"
)

// ErrCapture says that a file is neither a classic pcap nor a pcapng, or is cut
// before its first packet.
var ErrCapture = errors.New("oracle: no capture file")

// Read returns the TCP segments of a capture file, up to where it is whole.
// Their payloads lie in b.
func Read(b []byte) ([]Packet, error) {
	if len(b) < 24 {
		return nil, ErrCapture
	}
	switch magic := binary.LittleEndian.Uint32(b); magic {
	case 0xA1B2C3D4:
		return readPcap(b, binary.LittleEndian, time.Microsecond), nil
	case 0xA1B23C4D:
		return readPcap(b, binary.LittleEndian, time.Nanosecond), nil
	case 0xD4C3B2A1:
		return readPcap(b, binary.BigEndian, time.Microsecond), nil
	case 0x4D3CB2A1:
		return readPcap(b, binary.BigEndian, time.Nanosecond), nil
	case 0x0A0D0D0A:
		return readPcapNG(b), nil
	}
	return nil, ErrCapture
}

func readPcap(b []byte, order binary.ByteOrder, unit time.Duration) (packets []Packet) {
	link := order.Uint32(b[20:]) & 0xFFFF
	for b = b[24:]; len(b) >= 16; {
		size := int(order.Uint32(b[8:]))
		if size < 0 || size > len(b)-16 {
			return packets
		}
		p := Packet{Time: int64(order.Uint32(b))*int64(time.Second) + int64(order.Uint32(b[4:]))*int64(unit)}
		if decode(link, b[16:16+size], &p) {
			packets = append(packets, p)
		}
		b = b[16+size:]
	}
	return packets
}

// readPcapNG reads enhanced packet blocks, with times in microseconds.
func readPcapNG(b []byte) (packets []Packet) {
	var order binary.ByteOrder = binary.LittleEndian
	var links []uint32
	for len(b) >= 12 {
		if binary.LittleEndian.Uint32(b) == 0x0A0D0D0A {
			order, links = binary.LittleEndian, nil
			if binary.BigEndian.Uint32(b[8:]) == 0x1A2B3C4D {
				order = binary.BigEndian
			}
		}
		size := int(order.Uint32(b[4:]))
		if size < 12 || size > len(b) {
			return packets
		}
		switch body := b[8 : size-4]; order.Uint32(b) {
		case 1: // interface description
			if len(body) >= 8 {
				links = append(links, uint32(order.Uint16(body)))
			}
		case 6: // enhanced packet
			if len(body) < 20 {
				return packets
			}
			iface, kept := order.Uint32(body), int(order.Uint32(body[12:]))
			if int64(iface) >= int64(len(links)) || kept < 0 || kept > len(body)-20 {
				return packets
			}
			p := Packet{Time: int64(uint64(order.Uint32(body[4:]))<<32|uint64(order.Uint32(body[8:]))) * int64(time.Microsecond)}
			if decode(links[iface], body[20:20+kept], &p) {
				packets = append(packets, p)
			}
		}
		b = b[size:]
	}
	return packets
}
