package packet

import (
	"encoding/binary"
	"fmt"
)

// Link types of capture files, as https://www.tcpdump.org/linktypes.html
// numbers them: those that carry IP and that DecodeLink knows.
const (
	LinkNull      = 0
	LinkEthernet  = 1
	LinkPPP       = 9
	LinkRawBSD    = 12 // DLT_RAW, and 14 on OpenBSD
	LinkRawOpen   = 14
	LinkPPPSerial = 50
	LinkPPPoE     = 51
	LinkRaw       = 101
	LinkHDLC      = 104 // Cisco's
	LinkLoop      = 108
	LinkENC       = 109 // IPsec of OpenBSD
	LinkSLL       = 113
	LinkPFLOG     = 117
	LinkFireWire  = 138
	LinkPPPD      = 166
	LinkPPPDir    = 204
	LinkIP4       = 228
	LinkIP6       = 229
	LinkNFLOG     = 239
	LinkPKTAP     = 258 // of macOS: what tcpdump -i any and pktap write
	LinkSLL2      = 276
)

// linkTypeNames are the names of the types that Gor knows but does not read, or
// reads, without LINKTYPE_.
var linkTypeNames = [...]struct {
	number uint32
	name   string
}{
	{LinkNull, "NULL"}, {LinkEthernet, "ETHERNET"}, {3, "AX25"}, {6, "IEEE802_5"}, {7, "ARCNET_BSD"}, {8, "SLIP"},
	{LinkPPP, "PPP"}, {10, "FDDI"}, {LinkPPPSerial, "PPP_HDLC"}, {LinkPPPoE, "PPP_ETHER"}, {99, "SYMANTEC_FIREWALL"},
	{100, "ATM_RFC1483"}, {LinkRaw, "RAW"}, {LinkHDLC, "C_HDLC"}, {105, "IEEE802_11"}, {107, "FRELAY"}, {LinkLoop, "LOOP"},
	{LinkENC, "ENC"}, {LinkSLL, "LINUX_SLL"}, {114, "LTALK"}, {LinkPFLOG, "PFLOG"}, {119, "IEEE802_11_PRISM"},
	{122, "IP_OVER_FC"}, {123, "SUNATM"}, {127, "IEEE802_11_RADIOTAP"}, {129, "ARCNET_LINUX"},
	{LinkFireWire, "APPLE_IP_OVER_IEEE1394"}, {139, "MTP2_WITH_PHDR"}, {140, "MTP2"}, {141, "MTP3"}, {142, "SCCP"},
	{143, "DOCSIS"}, {144, "LINUX_IRDA"}, {147, "USER0"}, {163, "IEEE802_11_AVS"}, {165, "BACNET_MS_TP"},
	{LinkPPPD, "PPP_PPPD"}, {169, "GPRS_LLC"}, {177, "LINUX_LAPD"}, {182, "MFR"}, {187, "BLUETOOTH_HCI_H4"},
	{189, "USB_LINUX"}, {192, "PPI"}, {195, "IEEE802_15_4_WITHFCS"}, {196, "SITA"}, {197, "ERF"},
	{201, "BLUETOOTH_HCI_H4_WITH_PHDR"}, {202, "AX25_KISS"}, {203, "LAPD"}, {LinkPPPDir, "PPP_WITH_DIR"},
	{205, "C_HDLC_WITH_DIR"}, {206, "FRELAY_WITH_DIR"}, {209, "IPMB_LINUX"}, {215, "IEEE802_15_4_NONASK_PHY"},
	{220, "USB_LINUX_MMAPPED"}, {224, "FC_2"}, {225, "FC_2_WITH_FRAME_DELIMS"}, {226, "IPNET"}, {227, "CAN_SOCKETCAN"},
	{LinkIP4, "IPV4"}, {LinkIP6, "IPV6"}, {230, "IEEE802_15_4_NOFCS"}, {231, "DBUS"}, {235, "DVB_CI"}, {236, "MUX27010"},
	{LinkNFLOG, "NFLOG"}, {240, "NETANALYZER"}, {241, "NETANALYZER_TRANSPARENT"}, {242, "IPOIB"}, {243, "MPEG_2_TS"},
	{245, "NFC_LLCP"}, {247, "INFINIBAND"}, {248, "SCTP"}, {249, "USBPCAP"}, {251, "BLUETOOTH_LE_LL"},
	{252, "WIRESHARK_UPPER_PDU"}, {253, "NETLINK"}, {254, "BLUETOOTH_LINUX_MONITOR"}, {256, "BLUETOOTH_LE_LL_WITH_PHDR"},
	{257, "PROFIBUS_DL"}, {LinkPKTAP, "PKTAP"}, {259, "EPON"}, {264, "ISO_14443"}, {265, "RDS"}, {266, "USB_DARWIN"},
	{268, "SDLC"}, {271, "VSOCK"}, {272, "NORDIC_BLE"}, {273, "DOCSIS31_XRA31"}, {274, "ETHERNET_MPACKET"},
	{275, "DISPLAYPORT_AUX"}, {LinkSLL2, "LINUX_SLL2"}, {278, "OPENVIZSLA"}, {279, "EBHSCR"}, {280, "VPP_DISPATCH"},
	{281, "DSA_TAG_BRCM"}, {282, "DSA_TAG_BRCM_PREPEND"}, {283, "IEEE802_15_4_TAP"}, {284, "DSA_TAG_DSA"},
	{285, "DSA_TAG_EDSA"}, {288, "USB_2_0"}, {289, "ATSC_ALP"}, {290, "ETW"}, {293, "USB_2_0_LOW_SPEED"},
}

// LinkTypeName is the number of a link type and its name, if Gor knows one.
func LinkTypeName(link uint32) string {
	for _, l := range linkTypeNames {
		if l.number == link {
			return fmt.Sprintf("%d (LINKTYPE_%s)", link, l.name)
		}
	}
	return fmt.Sprint(link)
}

// DecodeLink decodes a packet of a capture file that begins with the header
// of its link; otherwise it is as DecodeIP.
func DecodeLink(link uint32, b []byte, wire int, s *Segment) IgnoreReason {
	for range MaxWraps {
		inner, etherType, n, r := LinkHeader(link, b)
		if r != Decoded {
			return r
		}
		b, wire = b[n:], wire-n
		if inner != LinkEtherType {
			link = inner
			continue
		}
		switch etherType {
		case EtherAny:
			return DecodeIP(b, wire, s)
		case etherFrame:
			return DecodeEther(b, wire, s, 0)
		case EtherPPP:
			return decodePPP(b, wire, s, 0)
		case EtherPPPoE:
			return decodePPPoE(b, wire, s, 0)
		}
		return DecodeEtherType(etherType, b, wire, s, 0)
	}
	return IgnoredNested
}

// What LinkHeader says beside EtherTypes, in numbers that are not EtherTypes.
const (
	EtherAny   = 1 // IP of either version
	etherFrame = 2 // an Ethernet frame
	EtherPPP   = 3 // a PPP frame

	LinkEtherType = 1 << 16 // no link follows, but what etherType says
)

// LinkHeader says what follows the header of a link, and where: another link,
// or LinkEtherType and an EtherType. Ethernet, PPP and PPPoE have decoders of
// their own, as they also come in tunnels.
func LinkHeader(link uint32, b []byte) (inner uint32, etherType uint16, n int, r IgnoreReason) {
	short := func(size int) bool { return len(b) < size }
	be := binary.BigEndian
	inner, r = LinkEtherType, Decoded
	switch link {
	case LinkEthernet:
		etherType = etherFrame
	case LinkPPP, LinkPPPSerial:
		etherType = EtherPPP
	case LinkPPPoE:
		etherType = EtherPPPoE
	case LinkRaw, LinkRawBSD, LinkRawOpen, LinkIP4, LinkIP6:
		etherType = EtherAny
	case LinkNull, LinkLoop:
		return LinkEtherType, EtherAny, nullHeader, nullFamily(b)
	case LinkSLL:
		n = SLLHeaderLen
		if short(n) {
			return 0, 0, 0, IgnoredShort
		}
		etherType = be.Uint16(b[14:])
	case LinkSLL2:
		n = SLL2HeaderLen
		if short(n) {
			return 0, 0, 0, IgnoredShort
		}
		etherType = be.Uint16(b)
	case LinkHDLC: // address, control, EtherType
		n = 4
		if short(n) {
			return 0, 0, 0, IgnoredShort
		}
		etherType = be.Uint16(b[2:])
	case LinkFireWire: // two addresses of eight bytes, EtherType
		n = 18
		if short(n) {
			return 0, 0, 0, IgnoredShort
		}
		etherType = be.Uint16(b[16:])
	case LinkPPPD, LinkPPPDir: // the direction, in place of the address for PPPD
		n = 1
		if short(2) {
			return 0, 0, 0, IgnoredShort
		}
		if b[1] == 0x03 {
			n = 2 // control, whose address is gone
		}
		etherType = EtherPPP
	case LinkENC: // family, security parameter index, flags
		n = 12
		if short(n) {
			return 0, 0, 0, IgnoredShort
		}
		etherType = EtherAny
	case LinkPFLOG: // its first byte is its length without padding
		if short(1) || short((int(b[0])+3)&^3) {
			return 0, 0, 0, IgnoredShort
		}
		n, etherType = (int(b[0])+3)&^3, EtherAny
	case LinkPKTAP:
		// Lengths and types are little-endian: of the header, its kind (1 is a
		// packet), and the link type that follows.
		if short(12) || short(int(min(binary.LittleEndian.Uint32(b), 1<<16))) || binary.LittleEndian.Uint32(b) < 12 {
			return 0, 0, 0, IgnoredShort
		}
		return binary.LittleEndian.Uint32(b[8:]), 0, int(binary.LittleEndian.Uint32(b)), Decoded
	case LinkNFLOG:
		n, r = nflogPayload(b)
		etherType = EtherAny
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
	return Decoded
}

// nflogPayload finds the packet in a message of the kernel's NFLOG target: a
// header of four bytes, and attributes that each have a length and a type in
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
			return at + 4, Decoded
		}
		at += (n + 3) &^ 3
	}
	return 0, IgnoredNotTCP
}
