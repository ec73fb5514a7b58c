package source

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"net"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/buger/gor/raw_socket_listener/packet"
)

const (
	// maxBlock is large enough that a busy link fills one in milliseconds.
	maxBlock = 1 << 20
	// minBlock has room for the largest frame that is common, 64 KiB of
	// segmentation offload, several times. A block is also the longest frame:
	// what BIG TCP makes longer is cut and counted.
	minBlock = 256 << 10
	// minBlocks lets the kernel fill some blocks while we read one.
	minBlocks = 4
)

// Offsets in struct tpacket_block_desc, of which the header that follows
// version and offset_to_priv is struct tpacket_hdr_v1 (linux/if_packet.h).
const (
	blockStatus  = 8
	blockPackets = 12
	blockFirst   = 16
	blockLastSec = 40
	blockLastNs  = 44
)

// Offsets in struct tpacket3_hdr, and in the struct sockaddr_ll behind it.
const (
	frameNext    = 0
	frameSec     = 4
	frameNsec    = 8
	frameSnapLen = 12
	frameLen     = 16
	frameStatus  = 20
	frameNet     = 26
	frameTCI     = 32 // of the VLAN tag that the kernel took off
	frameProto   = unix.SizeofTpacket3Hdr + 2
	frameIface   = unix.SizeofTpacket3Hdr + 4
)

// A ring is an AF_PACKET socket with a memory-mapped TPACKET_V3 receive ring
// (Documentation/networking/packet_mmap.rst). The kernel fills blocks in turn
// and gives each to us when it is full or its time is over; we give it back.
type ring struct {
	fd     int
	name   string // of the interface; empty for all
	index  int    // of the interface; 0 for all
	mem    []byte
	block  int  // bytes in a block
	next   int  // the block that the kernel gives us next
	absent bool // the interface does not exist at the moment

	yield func() // see Config.Yield
}

// ringDepth is how long we may be held up on a link that fills no block: the
// kernel ends each when its time is over, however little is in it.
const ringDepth = time.Second

// ringShape says how to divide bytes into blocks that last for timeout.
func ringShape(bytes int, timeout time.Duration) (block, blocks int) {
	block = maxBlock
	for block > minBlock && (bytes/block < 2*minBlocks || time.Duration(bytes/block)*timeout < ringDepth) {
		block /= 2
	}
	return block, max(bytes/block, minBlocks)
}

// openRing opens a ring that takes nothing until bind.
//
// The socket has no protocol, so that no packet can reach it before the
// filter is attached and the ring is there.
func openRing(name string, bytes int, timeout time.Duration, filter []bpf.RawInstruction) (*ring, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, socketError(err)
	}
	r := &ring{fd: fd, name: name}
	if err := r.setup(bytes, timeout, filter); err != nil {
		r.release()
		return nil, err
	}
	return r, nil
}

func (r *ring) setup(bytes int, timeout time.Duration, filter []bpf.RawInstruction) error {
	if err := r.attach(filter); err != nil {
		return err
	}
	if err := unix.SetsockoptInt(r.fd, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V3); err != nil {
		return fmt.Errorf("ask for a TPACKET_V3 ring (Linux 3.2 or later): %w", err)
	}
	block, blocks := ringShape(bytes, timeout)
	req := unix.TpacketReq3{
		Block_size:     uint32(block),
		Block_nr:       uint32(blocks),
		Frame_size:     uint32(block), // TPACKET_V3 packs frames; the kernel only checks the product
		Frame_nr:       uint32(blocks),
		Retire_blk_tov: uint32(max(1, timeout.Milliseconds())),
	}
	if err := unix.SetsockoptTpacketReq3(r.fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &req); err != nil {
		return fmt.Errorf("make a ring of %d bytes (--input-raw-buffer-size): %w", block*blocks, err)
	}
	mem, err := unix.Mmap(r.fd, 0, block*blocks, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("map a ring of %d bytes (--input-raw-buffer-size): %w", block*blocks, err)
	}
	r.mem, r.block = mem, block
	return nil
}

func (r *ring) attach(filter []bpf.RawInstruction) error {
	prog := unix.SockFprog{
		Len:    uint16(len(filter)),
		Filter: (*unix.SockFilter)(unsafe.Pointer(unsafe.SliceData(filter))), // the same layout: op, jt, jf, k
	}
	if err := unix.SetsockoptSockFprog(r.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &prog); err != nil {
		return fmt.Errorf("attach the kernel filter: %w", err)
	}
	return nil
}

// bind lets packets in. All protocols are asked for, as only such sockets see
// what the host sends.
func (r *ring) bind() error {
	if r.name != "" {
		ifi, err := net.InterfaceByName(r.name)
		if err != nil {
			return fmt.Errorf("find the interface %q: %w", r.name, err)
		}
		r.index = ifi.Index
	}
	all := bits.ReverseBytes16(unix.ETH_P_ALL)
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		all = unix.ETH_P_ALL
	}
	err := unix.Bind(r.fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: r.index})
	// An interface that is down takes the socket and gives packets once up.
	if err != nil && !errors.Is(err, unix.ENETDOWN) {
		return fmt.Errorf("capture on %s: %w", r, err)
	}
	return nil
}

// promisc has an interface receive what is not addressed to this host.
func (r *ring) promisc(index int) error {
	mreq := unix.PacketMreq{Ifindex: int32(index), Type: unix.PACKET_MR_PROMISC}
	return unix.SetsockoptPacketMreq(r.fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &mreq)
}

func (r *ring) String() string {
	if r.name == "" {
		return "every interface"
	}
	return r.name
}

// drain reads the blocks that the kernel has given and returns how many they
// were, at most all of the ring so that other rings get their turn.
func (r *ring) drain(t *tally, to Sink) int {
	blocks := len(r.mem) / r.block
	for n := range blocks {
		if !r.given(r.next) {
			return n
		}
		r.readBlock(r.mem[r.next*r.block:][:r.block], t, to)
		atomic.StoreUint32(r.status(r.next), unix.TP_STATUS_KERNEL)
		r.next = (r.next + 1) % blocks
	}
	return blocks
}

// status is where the kernel and we say whose a block is.
func (r *ring) status(block int) *uint32 {
	return (*uint32)(unsafe.Pointer(&r.mem[block*r.block+blockStatus]))
}

// given reports whether the kernel has given us a block.
func (r *ring) given(block int) bool {
	return atomic.LoadUint32(r.status(block))&unix.TP_STATUS_USER != 0
}

// nearlyFull reports whether the kernel has less than a quarter of the blocks
// left. It fills them in turn, so that the one at three quarters tells.
func (r *ring) nearlyFull() bool {
	return r.filled(3, 4)
}

// filled reports whether the kernel has filled num of den parts of the ring.
func (r *ring) filled(num, den int) bool {
	blocks := len(r.mem) / r.block
	return r.given((r.next + blocks*num/den) % blocks)
}

// yieldFrames is how many frames are decoded between two yields: 30 to 50 µs of
// work, about as long as tcpdump takes for a block. A block may hold thousands, and
// a server that shares the core would wait for milliseconds. Whoever yields finds
// the caches cold: with a quarter as many frames a capture takes a quarter more CPU.
const yieldFrames = 96

// readBlock decodes the frames of a block.
func (r *ring) readBlock(b []byte, t *tally, to Sink) {
	le := binary.NativeEndian
	at := le.Uint32(b[blockFirst:])
	for i := range le.Uint32(b[blockPackets:]) {
		if i%yieldFrames == yieldFrames-1 && r.yield != nil && !r.filled(1, 2) {
			r.yield()
		}
		f := b[at:]
		data := f[le.Uint16(f[frameNet:]):][:le.Uint32(f[frameSnapLen:])]
		proto := binary.BigEndian.Uint16(f[frameProto:])
		t.seg.Time = int64(le.Uint32(f[frameSec:]))*1e9 + int64(le.Uint32(f[frameNsec:]))
		at += le.Uint32(f[frameNext:])
		if t.filtersFrames && !t.wantsFrame(f, proto, data, to) {
			continue
		}
		wire := int(le.Uint32(f[frameLen:]))
		proto, data, wire = hiddenTag(proto, data, wire)
		r := packet.DecodeEtherType(proto, data, wire, &t.seg, 0)
		t.take(packet.AsReceived(r, &t.seg, len(data), wire), to)
	}
	to.Tick(int64(le.Uint32(b[blockLastSec:]))*1e9 + int64(le.Uint32(b[blockLastNs:])))
}

// wantsFrame asks for a frame's interface and VLAN; one that is not wanted is
// counted. Of several tags the kernel takes the outermost off; what this host
// sends may still have its tag.
func (t *tally) wantsFrame(f []byte, proto uint16, data []byte, to Sink) bool {
	le := binary.NativeEndian
	if t.ifaces != nil && t.ifaces.ignores(int(int32(le.Uint32(f[frameIface:]))), t.seg.Time) {
		t.take(packet.IgnoredInterface, to)
		return false
	}
	tci, tagged := uint16(le.Uint32(f[frameTCI:])), le.Uint32(f[frameStatus:])&unix.TP_STATUS_VLAN_VALID != 0
	if !tagged {
		tci, tagged = packet.EtherTag(proto, data)
	}
	if !t.vlans.Wants(tci, tagged) {
		t.take(packet.IgnoredVLAN, to)
		return false
	}
	return true
}

// hiddenTag takes a VLAN tag off data that the protocol says nothing of. Of
// two tags the kernel takes the outer one away and, since Linux 6.10, names
// what follows the inner one. The tag's first byte may look like that of an IP
// header; what follows it has to be one with the right length.
func hiddenTag(proto uint16, data []byte, wire int) (uint16, []byte, int) {
	const tag = 4
	if len(data) < tag+packet.IP4HeaderLen || binary.BigEndian.Uint16(data[2:]) != proto {
		return proto, data, wire
	}
	ip := data[tag:]
	switch {
	case proto == packet.EtherIP4 && ip[0]>>4 == 4 && ip[0]&0x0f >= 5 && int(binary.BigEndian.Uint16(ip[2:])) <= wire-tag:
	case proto == packet.EtherIP6 && ip[0]>>4 == 6 && int(binary.BigEndian.Uint16(ip[4:])) <= wire-tag-packet.IP6HeaderLen:
	default:
		return proto, data, wire
	}
	if looksLikeIP(proto, data, wire) {
		return proto, data, wire
	}
	return proto, ip, wire - tag
}

// looksLikeIP reports whether data begins with an IP header of its length.
func looksLikeIP(proto uint16, data []byte, wire int) bool {
	if proto == packet.EtherIP4 {
		return data[0]>>4 == 4 && data[0]&0x0f >= 5 && int(binary.BigEndian.Uint16(data[2:])) == wire
	}
	return data[0]>>4 == 6 && int(binary.BigEndian.Uint16(data[4:])) == wire-packet.IP6HeaderLen
}

// interfaceName asks the kernel for the name of an interface, without the
// list of all that package net would fetch.
func (r *ring) interfaceName(index int) (name string, ok bool) {
	req, err := unix.NewIfreq("")
	if err != nil {
		return "", false
	}
	req.SetUint32(uint32(index)) // ifr_ifindex of netdevice(7)
	if unix.IoctlIfreq(r.fd, unix.SIOCGIFNAME, req) != nil {
		return "", false
	}
	return req.Name(), true
}

// drops is how many packets the kernel could not place since the last call.
func (r *ring) drops() uint64 {
	st, err := unix.GetsockoptTpacketStatsV3(r.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return 0
	}
	return uint64(st.Drops)
}

func (r *ring) release() {
	if r.mem != nil {
		_ = unix.Munmap(r.mem)
		r.mem = nil
	}
	_ = unix.Close(r.fd)
}

// socketError explains why a socket cannot be opened.
func socketError(err error) error {
	if !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.EACCES) {
		return fmt.Errorf("open a packet socket: %w", err)
	}
	exe, pathErr := os.Executable()
	if pathErr != nil {
		exe = "$(which gor)"
	}
	return fmt.Errorf("capturing needs CAP_NET_RAW: run as root, or once: sudo setcap cap_net_raw+ep %s (%w)", exe, err)
}
