package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"github.com/buger/gor/internal/payload"
)

// captureFile makes a pcap file of these frames, a millisecond apart.
func captureFile(t *testing.T, frames [][]byte) []byte {
	t.Helper()
	var file bytes.Buffer
	w := pcapgo.NewWriterNanos(&file)
	must(t, w.WriteFileHeader(65536, layers.LinkTypeEthernet))
	at := time.Unix(1_700_000_000, 0)
	for _, raw := range frames {
		must(t, w.WritePacket(gopacket.CaptureInfo{Timestamp: at, CaptureLength: len(raw), Length: len(raw)}, raw))
		at = at.Add(time.Millisecond)
	}
	return file.Bytes()
}

// tcpFrames makes the Ethernet frames of one connection to port 80 that
// carries these requests, in segments of 1,000 bytes.
func tcpFrames(t *testing.T, requests [][]byte) (frames [][]byte) {
	t.Helper()
	seq := uint32(4_294_967_000) // wraps within the first request
	packet := func(syn bool, data []byte) {
		eth := &layers.Ethernet{SrcMAC: make(net.HardwareAddr, 6), DstMAC: make(net.HardwareAddr, 6), EthernetType: layers.EthernetTypeIPv4}
		ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolTCP, SrcIP: net.IP{10, 0, 0, 1}, DstIP: net.IP{10, 0, 0, 2}}
		tcp := &layers.TCP{SrcPort: 40000, DstPort: 80, Seq: seq, SYN: syn, ACK: !syn, Window: 1000}
		must(t, tcp.SetNetworkLayerForChecksum(ip))
		buf := gopacket.NewSerializeBuffer()
		must(t, gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, eth, ip, tcp, gopacket.Payload(data)))
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

// TestCaptureFiles: a capture file gives the requests in it, by name with and
// without a port, and on stdin.
func TestCaptureFiles(t *testing.T) {
	requests := numberedRequests(30, "prod")
	file := captureFile(t, tcpFrames(t, requests))
	name := writeFile(t, filepath.Join(t.TempDir(), "x.pcap"), file)
	for _, addr := range []string{name, name + ":80", "-:80", "-"} {
		out := filepath.Join(t.TempDir(), "out.gor")
		stdin, err := os.Open(name)
		must(t, err)
		gor := spawn(t, "gor", nil, stdin, "--input-raw", addr, "--output-file", out)
		if code := gor.wait(); code != 0 {
			t.Errorf("%s: exit %d:\n%s", addr, code, gor.said())
			continue
		}
		must(t, stdin.Close())
		got, metas := readRecording(t, out, payload.Request)
		wantSame(t, got, requests)
		// The records have the packets' times: the first data packet came 1 ms after the SYN.
		if want := int64(1_700_000_000_001_000_000); len(metas) > 0 && metas[0].Time != want {
			t.Errorf("%s: the first request's time is %d, want %d", addr, metas[0].Time, want)
		}
	}
	other := filepath.Join(t.TempDir(), "other.gor")
	if code, said := runGor(t, "--input-raw", name+":81", "--output-file", other); code != 0 {
		t.Errorf("port 81: exit %d:\n%s", code, said)
	}
	if got, _ := readRecording(t, other, payload.Request); len(got) != 0 {
		t.Errorf("port 81: %d requests", len(got))
	}
}
