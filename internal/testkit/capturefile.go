package testkit

import (
	"bytes"
	"net"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
)

// CaptureFile makes a pcap file of these frames, a millisecond apart.
func CaptureFile(t *testing.T, frames [][]byte) []byte {
	t.Helper()
	var file bytes.Buffer
	w := pcapgo.NewWriterNanos(&file)
	Must(t, w.WriteFileHeader(65536, layers.LinkTypeEthernet))
	at := time.Unix(1_700_000_000, 0)
	for _, raw := range frames {
		Must(t, w.WritePacket(gopacket.CaptureInfo{Timestamp: at, CaptureLength: len(raw), Length: len(raw)}, raw))
		at = at.Add(time.Millisecond)
	}
	return file.Bytes()
}

// TCPFrames makes the Ethernet frames of one connection to port 80 that
// carries these requests, in segments of 1,000 bytes.
func TCPFrames(t *testing.T, requests [][]byte) (frames [][]byte) {
	t.Helper()
	seq := uint32(4_294_967_000) // wraps within the first request
	packet := func(syn bool, data []byte) {
		eth := &layers.Ethernet{SrcMAC: make(net.HardwareAddr, 6), DstMAC: make(net.HardwareAddr, 6), EthernetType: layers.EthernetTypeIPv4}
		ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolTCP, SrcIP: net.IP{10, 0, 0, 1}, DstIP: net.IP{10, 0, 0, 2}}
		tcp := &layers.TCP{SrcPort: 40000, DstPort: 80, Seq: seq, SYN: syn, ACK: !syn, Window: 1000}
		Must(t, tcp.SetNetworkLayerForChecksum(ip))
		buf := gopacket.NewSerializeBuffer()
		Must(t, gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, eth, ip, tcp, gopacket.Payload(data)))
		frames = append(frames, buf.Bytes())
		seq += uint32(len(data))
		if syn {
			seq++
		}
	}
	packet(true, nil)
	for _, raw := range requests {
		for len(raw) > 0 {
			n := min(len(raw), 1000)
			packet(false, raw[:n])
			raw = raw[n:]
		}
	}
	return frames
}
