package e2e

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Flags of a TCP header (RFC 9293 section 3.1).
const (
	tcpFIN = 1 << iota
	tcpSYN
	tcpRST
	tcpPSH
	tcpACK
)

// etherHeader is what stands before a frame's packet, in bytes.
const etherHeader = 14

// forgedData is the most that a forged segment carries: what fits a frame of
// Ethernet's size behind the headers of IPv6 and TCP.
const forgedData = 1500 - 40 - 20

// A forged segment says what it likes.
type forged struct {
	seq, ack uint32
	flags    byte
	data     []byte
}

// A forger puts frames with any source on a link, through a packet socket.
type forger struct {
	fd       int
	from, to net.HardwareAddr
	frame    []byte // scratch
	refused  int    // frames that the link had no room for
}

func newForger(link string, to net.HardwareAddr) (*forger, error) {
	ifi, err := net.InterfaceByName(link)
	if err != nil {
		return nil, fmt.Errorf("find the interface %q: %w", link, err)
	}
	// Without a protocol the socket receives nothing.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open a packet socket: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: ifi.Index}); err != nil {
		return nil, fmt.Errorf("bind to %q: %w", link, err)
	}
	return &forger{fd: fd, from: ifi.HardwareAddr, to: to}, nil
}

// send puts a segment on the link.
func (f *forger) send(src, dst netip.AddrPort, s forged) error {
	f.build(src, dst, s)
	return f.write()
}

// build makes the frame of a segment. Its checksums are right, so that the
// host which gets it takes it for what it says.
func (f *forger) build(src, dst netip.AddrPort, s forged) {
	f.frame = append(append(f.frame[:0], f.to...), f.from...)
	length := 20 + len(s.data)
	if src.Addr().Is4() {
		f.frame = append(f.frame, 0x08, 0x00, 0x45, 0)
		at := len(f.frame) - 2
		f.frame = binary.BigEndian.AppendUint16(f.frame, uint16(20+length))
		f.frame = append(f.frame, 0, 0, 0, 0, 64, unix.IPPROTO_TCP, 0, 0)
		f.frame = append(append(f.frame, src.Addr().AsSlice()...), dst.Addr().AsSlice()...)
		binary.BigEndian.PutUint16(f.frame[at+10:], ^fold(sum16(0, f.frame[at:])))
	} else {
		f.frame = append(f.frame, 0x86, 0xDD, 0x60, 0, 0, 0)
		f.frame = binary.BigEndian.AppendUint16(f.frame, uint16(length))
		f.frame = append(f.frame, unix.IPPROTO_TCP, 64)
		f.frame = append(append(f.frame, src.Addr().AsSlice()...), dst.Addr().AsSlice()...)
	}
	at := len(f.frame)
	f.frame = binary.BigEndian.AppendUint16(f.frame, src.Port())
	f.frame = binary.BigEndian.AppendUint16(f.frame, dst.Port())
	f.frame = binary.BigEndian.AppendUint32(f.frame, s.seq)
	f.frame = binary.BigEndian.AppendUint32(f.frame, s.ack)
	f.frame = append(f.frame, 5<<4, s.flags, 0xFF, 0xFF, 0, 0, 0, 0)
	f.frame = append(f.frame, s.data...)
	sum := sum16(uint32(unix.IPPROTO_TCP)+uint32(length), src.Addr().AsSlice())
	sum = sum16(sum16(sum, dst.Addr().AsSlice()), f.frame[at:])
	binary.BigEndian.PutUint16(f.frame[at+16:], ^fold(sum))
}

// write puts the frame on the link.
func (f *forger) write() error {
	_, err := unix.Write(f.fd, f.frame)
	if errors.Is(err, unix.ENOBUFS) {
		f.refused++
		return nil
	}
	return err
}

// sum16 adds b to a checksum, 16 bits at a time (RFC 1071).
func sum16(sum uint32, b []byte) uint32 {
	for ; len(b) > 1; b = b[2:] {
		sum += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	return sum
}

func fold(sum uint32) uint16 {
	for sum > 0xFFFF {
		sum = sum>>16 + sum&0xFFFF
	}
	return uint16(sum)
}

// forgedSource is the n-th of many addresses that nobody has, in the networks
// behind the forger's end of the link.
func forgedSource(n int, six bool) netip.AddrPort {
	host, port := n/50_000, uint16(1025+n%50_000)
	if six {
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte{0: 0xFD, 1: 0x78, 14: byte(host >> 8), 15: byte(host)}), port)
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 78, byte(host >> 8), byte(host)}), port)
}

// abuseText is what segments and connections hold parts of. All that might be
// taken for a request asks for /abuse, so that it can be told from the ones
// that must be captured.
const abuseText = "GET /abuse HTTP/1.1\r\nHost: abuse\r\nAccept: */*\r\n\r\n" +
	"POST /abuse HTTP/1.1\r\nHost: abuse\r\nContent-Length: 1000\r\n\r\n" +
	"POST /abuse HTTP/1.1\r\nHost: abuse\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\nFFFFFFFFFFFFFFFFF\r\n-1\r\n0\r\n\r\n" +
	"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" +
	"\r\n\r\n\x00\x00 HTTP/9.9\n\n: \r\nPUT /abuse HTTP/1.0\nContent-Length: 5\nContent-Length: 6\n\n" +
	"CONNECT /abuse:443 HTTP/1.1\r\n\r\nGET /abuse HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"

// garbage fills b with random bytes, and every other time with a part of
// abuseText among them.
func garbage(random *rand.Rand, b []byte) []byte {
	for at := 0; at < len(b); at += 8 {
		var word [8]byte
		binary.NativeEndian.PutUint64(word[:], random.Uint64())
		copy(b[at:], word[:])
	}
	if len(b) > 0 && random.IntN(2) == 0 {
		copy(b[random.IntN(len(b)):], abuseText[random.IntN(len(abuseText)):])
	}
	return b
}
