package rawsocket

import (
	"encoding/binary"
	"fmt"
)

// Link types of capture files, as https://www.tcpdump.org/linktypes.html
// numbers them: those that carry IP and that decodeLink knows.
const (
	linkNull      = 0
	linkEthernet  = 1
	linkPPP       = 9
	linkRawBSD    = 12 // DLT_RAW, and 14 on OpenBSD
	linkRawOpen   = 14
	linkPPPSerial = 50
	linkPPPoE     = 51
	linkRaw       = 101
	linkHDLC      = 104 // Cisco's
	linkLoop      = 108
	linkENC       = 109 // IPsec of OpenBSD
	linkSLL       = 113
	linkPFLOG     = 117
	linkFireWire  = 138
	linkPPPD      = 166
	linkPPPDir    = 204
	linkIP4       = 228
	linkIP6       = 229
	linkNFLOG     = 239
	linkPKTAP     = 258 // of macOS: what tcpdump -i any and pktap write
	linkSLL2      = 276
)

// linkTypeNames are the names of the types that Gor knows but does not read, or
// reads, without LINKTYPE_.
var linkTypeNames = [...]struct {
	number uint32
	name   string
}{
	{linkNull, "NULL"}, {linkEthernet, "ETHERNET"}, {3, "AX25"}, {6, "IEEE802_5"}, {7, "ARCNET_BSD"}, {8, "SLIP"},
	{linkPPP, "PPP"}, {10, "FDDI"}, {linkPPPSerial, "PPP_HDLC"}, {linkPPPoE, "PPP_ETHER"}, {99, "SYMANTEC_FIREWALL"},
	{100, "ATM_RFC1483"}, {linkRaw, "RAW"}, {linkHDLC, "C_HDLC"}, {105, "IEEE802_11"}, {107, "FRELAY"}, {linkLoop, "LOOP"},
	{linkENC, "ENC"}, {linkSLL, "LINUX_SLL"}, {114, "LTALK"}, {linkPFLOG, "PFLOG"}, {119, "IEEE802_11_PRISM"},
	{122, "IP_OVER_FC"}, {123, "SUNATM"}, {127, "IEEE802_11_RADIOTAP"}, {129, "ARCNET_LINUX"},
	{linkFireWire, "APPLE_IP_OVER_IEEE1394"}, {139, "MTP2_WITH_PHDR"}, {140, "MTP2"}, {141, "MTP3"}, {142, "SCCP"},
	{143, "DOCSIS"}, {144, "LINUX_IRDA"}, {147, "USER0"}, {163, "IEEE802_11_AVS"}, {165, "BACNET_MS_TP"},
	{linkPPPD, "PPP_PPPD"}, {169, "GPRS_LLC"}, {177, "LINUX_LAPD"}, {182, "MFR"}, {187, "BLUETOOTH_HCI_H4"},
	{189, "USB_LINUX"}, {192, "PPI"}, {195, "IEEE802_15_4_WITHFCS"}, {196, "SITA"}, {197, "ERF"},
	{201, "BLUETOOTH_HCI_H4_WITH_PHDR"}, {202, "AX25_KISS"}, {203, "LAPD"}, {linkPPPDir, "PPP_WITH_DIR"},
	{205, "C_HDLC_WITH_DIR"}, {206, "FRELAY_WITH_DIR"}, {209, "IPMB_LINUX"}, {215, "IEEE802_15_4_NONASK_PHY"},
	{220, "USB_LINUX_MMAPPED"}, {224, "FC_2"}, {225, "FC_2_WITH_FRAME_DELIMS"}, {226, "IPNET"}, {227, "CAN_SOCKETCAN"},
	{linkIP4, "IPV4"}, {linkIP6, "IPV6"}, {230, "IEEE802_15_4_NOFCS"}, {231, "DBUS"}, {235, "DVB_CI"}, {236, "MUX27010"},
	{linkNFLOG, "NFLOG"}, {240, "NETANALYZER"}, {241, "NETANALYZER_TRANSPARENT"}, {242, "IPOIB"}, {243, "MPEG_2_TS"},
	{245, "NFC_LLCP"}, {247, "INFINIBAND"}, {248, "SCTP"}, {249, "USBPCAP"}, {251, "BLUETOOTH_LE_LL"},
	{252, "WIRESHARK_UPPER_PDU"}, {253, "NETLINK"}, {254, "BLUETOOTH_LINUX_MONITOR"}, {256, "BLUETOOTH_LE_LL_WITH_PHDR"},
	{257, "PROFIBUS_DL"}, {linkPKTAP, "PKTAP"}, {259, "EPON"}, {264, "ISO_14443"}, {265, "RDS"}, {266, "USB_DARWIN"},
	{268, "SDLC"}, {271, "VSOCK"}, {272, "NORDIC_BLE"}, {273, "DOCSIS31_XRA31"}, {274, "ETHERNET_MPACKET"},
	{275, "DISPLAYPORT_AUX"}, {linkSLL2, "LINUX_SLL2"}, {278, "OPENVIZSLA"}, {279, "EBHSCR"}, {280, "VPP_DISPATCH"},
	{281, "DSA_TAG_BRCM"}, {282, "DSA_TAG_BRCM_PREPEND"}, {283, "IEEE802_15_4_TAP"}, {284, "DSA_TAG_DSA"},
	{285, "DSA_TAG_EDSA"}, {288, "USB_2_0"}, {289, "ATSC_ALP"}, {290, "ETW"}, {293, "USB_2_0_LOW_SPEED"},
}

// linkTypeName is the number of a link type and its name, if Gor knows one.
func linkTypeName(link uint32) string {
	for _, l := range linkTypeNames {
		if l.number == link {
			return fmt.Sprintf("%d (LINKTYPE_%s)", link, l.name)
		}
	}
	return fmt.Sprint(link)
}

// decodeLink decodes a packet of a capture file that begins with the header
// of its link; otherwise it is as decodeIP.
func decodeLink(link uint32, b []byte, wire int, s *Segment) IgnoreReason {
	for range maxWraps {
		inner, etherType, n, r := linkHeader(link, b)
		if r != decoded {
			return r
		}
		b, wire = b[n:], wire-n
		if inner != linkEtherType {
			link = inner
			continue
		}
		switch etherType {
		case etherAny:
			return decodeIP(b, wire, s)
		case etherFrame:
			return decodeEther(b, wire, s, 0)
		case etherPPP:
			return decodePPP(b, wire, s, 0)
		case etherPPPoE:
			return decodePPPoE(b, wire, s, 0)
		}
		return decodeEtherType(etherType, b, wire, s, 0)
	}
	return IgnoredNested
}

// What linkHeader says beside EtherTypes, in numbers that are none.
const (
	etherAny   = 1 // IP of either version
	etherFrame = 2 // an Ethernet frame
	etherPPP   = 3 // a PPP frame

	linkEtherType = 1 << 16 // no link follows, but what etherType says
)

// linkHeader says what follows the header of a link, and where: another link,
// or linkEtherType and an EtherType. Ethernet, PPP and PPPoE have decoders of
// their own, as they also come in tunnels.
func linkHeader(link uint32, b []byte) (inner uint32, etherType uint16, n int, r IgnoreReason) {
	short := func(size int) bool { return len(b) < size }
	be := binary.BigEndian
	inner, r = linkEtherType, decoded
	switch link {
	case linkEthernet:
		etherType = etherFrame
	case linkPPP, linkPPPSerial:
		etherType = etherPPP
	case linkPPPoE:
		etherType = etherPPPoE
	case linkRaw, linkRawBSD, linkRawOpen, linkIP4, linkIP6:
		etherType = etherAny
	case linkNull, linkLoop:
		return linkEtherType, etherAny, nullHeader, nullFamily(b)
	case linkSLL:
		if n = sllHeader; short(n) {
			return 0, 0, 0, IgnoredShort
		}
		etherType = be.Uint16(b[14:])
	case linkSLL2:
		if n = sll2Header; short(n) {
			return 0, 0, 0, IgnoredShort
		}
		etherType = be.Uint16(b)
	case linkHDLC: // address, control, EtherType
		if n = 4; short(n) {
			return 0, 0, 0, IgnoredShort
		}
		etherType = be.Uint16(b[2:])
	case linkFireWire: // two addresses of eight bytes, EtherType
		if n = 18; short(n) {
			return 0, 0, 0, IgnoredShort
		}
		etherType = be.Uint16(b[16:])
	case linkPPPD, linkPPPDir: // the direction, in place of the address for PPPD
		if n = 1; short(2) {
			return 0, 0, 0, IgnoredShort
		}
		if b[1] == 0x03 {
			n = 2 // control, whose address is gone
		}
		etherType = etherPPP
	case linkENC: // family, security parameter index, flags
		if n = 12; short(n) {
			return 0, 0, 0, IgnoredShort
		}
		etherType = etherAny
	case linkPFLOG: // its first byte is its length without padding
		if short(1) || short((int(b[0])+3)&^3) {
			return 0, 0, 0, IgnoredShort
		}
		n, etherType = (int(b[0])+3)&^3, etherAny
	case linkPKTAP:
		// Lengths and types are little-endian: of the header, its kind (1 is a
		// packet), and the link type that follows.
		if short(12) || short(int(min(binary.LittleEndian.Uint32(b), 1<<16))) || binary.LittleEndian.Uint32(b) < 12 {
			return 0, 0, 0, IgnoredShort
		}
		return binary.LittleEndian.Uint32(b[8:]), 0, int(binary.LittleEndian.Uint32(b)), decoded
	case linkNFLOG:
		n, r = nflogPayload(b)
		etherType = etherAny
	default:
		r = IgnoredUnknownLink
	}
	return inner, etherType, n, r
}

// nullFamily checks the link header of BSD's loopback: the address family in
// the byte order of the host, whose values for IPv6 differ from system to
// system. So only the place is checked: a family fits in one byte.
func nullFamily(b []byte) IgnoreReason {
	switch {
	case len(b) < nullHeader:
		return IgnoredShort
	case b[0] != 0 && b[3] != 0 || b[1] != 0 || b[2] != 0:
		return IgnoredNotTCP
	}
	return decoded
}

// nflogPayload finds the packet in a message of the kernel's NFLOG target: a
// header of four bytes, and attributes of which each has a length and a type in
// the byte order of the host, and is padded to four bytes.
func nflogPayload(b []byte) (at int, r IgnoreReason) {
	const header, payload = 4, 9
	for at = header; len(b) >= at+4; {
		order := binary.ByteOrder(binary.LittleEndian)
		n := int(order.Uint16(b[at:]))
		if kind := b[at+2]; kind == 0 && b[at+3] != 0 { // types are small
			order = binary.BigEndian
			n = int(order.Uint16(b[at:]))
		}
		if n < 4 {
			return 0, IgnoredShort
		}
		if order.Uint16(b[at+2:]) == payload {
			return at + 4, decoded
		}
		at += (n + 3) &^ 3
	}
	return 0, IgnoredNotTCP
}
