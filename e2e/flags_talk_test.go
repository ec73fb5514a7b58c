package e2e

import (
	"bytes"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"github.com/buger/gor/internal/testkit"
)

// A talk is one connection between a client and a server, as the frames that
// a capture has of it. It begins with the client's SYN.
type talk struct {
	f      *flagTest
	client net.IP
	port   uint16    // of the server
	seq    [2]uint32 // of the client, and of the server
	at     time.Duration
	frames []talkFrame
}

type talkFrame struct {
	at  time.Duration
	raw []byte
}

const (
	byClient = 0
	byServer = 1
)

func newTalk(f *flagTest, port uint16) *talk { return newTalkOf(f, port, 1) }

// newTalkOf is a talk of the client 10.0.0.host.
func newTalkOf(f *flagTest, port uint16, host byte) *talk {
	c := &talk{f: f, client: net.IP{10, 0, 0, host}, port: port, seq: [2]uint32{1000, 5000}}
	c.frame(byClient, &layers.TCP{SYN: true}, nil)
	c.frame(byServer, &layers.TCP{SYN: true, ACK: true}, nil)
	return c
}

// ask has the client send a whole GET.
func (c *talk) ask(target string) *talk { return c.say(byClient, get(target)) }

// answer has the server answer with a body.
func (c *talk) answer(body string) *talk {
	return c.say(byServer, fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
}

// say is one segment, a millisecond after the one before.
func (c *talk) say(who int, data []byte) *talk {
	c.frame(who, &layers.TCP{ACK: true}, data)
	return c
}

// end has the client end the connection.
func (c *talk) end() *talk {
	c.frame(byClient, &layers.TCP{FIN: true, ACK: true}, nil)
	return c
}

// later moves all of it by d.
func (c *talk) later(d time.Duration) *talk {
	for i := range c.frames {
		c.frames[i].at += d
	}
	c.at += d
	return c
}

// lose is a segment that the capture has not.
func (c *talk) lose(who int, data []byte) *talk {
	c.seq[who] += uint32(len(data))
	return c
}

// tagged puts all of it into a VLAN.
func (c *talk) tagged(vlan uint16) *talk {
	for i, frame := range c.frames {
		c.frames[i].raw = slices.Concat(frame.raw[:12], []byte{0x81, 0x00, byte(vlan >> 8), byte(vlan)}, frame.raw[12:])
	}
	return c
}

// frame adds a packet with these flags.
func (c *talk) frame(who int, tcp *layers.TCP, data []byte) {
	c.f.Helper()
	ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolTCP, SrcIP: c.client, DstIP: net.IP{10, 0, 1, 1}}
	tcp.SrcPort, tcp.DstPort, tcp.Seq, tcp.Ack, tcp.Window = 40000, layers.TCPPort(c.port), c.seq[who], c.seq[1-who], 1000
	if who == byServer {
		ip.SrcIP, ip.DstIP, tcp.SrcPort, tcp.DstPort = ip.DstIP, ip.SrcIP, tcp.DstPort, tcp.SrcPort
	}
	eth := &layers.Ethernet{SrcMAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}, DstMAC: net.HardwareAddr{2, 0, 0, 0, 0, 2}, EthernetType: layers.EthernetTypeIPv4}
	testkit.Must(c.f.T, tcp.SetNetworkLayerForChecksum(ip))
	buf := gopacket.NewSerializeBuffer()
	testkit.Must(c.f.T, gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, eth, ip, tcp, gopacket.Payload(data)))
	c.at += time.Millisecond
	c.frames = append(c.frames, talkFrame{c.at, buf.Bytes()})
	c.seq[who] += uint32(len(data))
	if tcp.SYN || tcp.FIN {
		c.seq[who]++
	}
}

// raw is the frames alone.
func (c *talk) raw() (frames [][]byte) {
	for _, frame := range c.frames {
		frames = append(frames, frame.raw)
	}
	return frames
}

// pcap writes a capture file of these talks, by time.
func (f *flagTest) pcap(talks ...*talk) string {
	f.Helper()
	var frames []talkFrame
	for _, c := range talks {
		frames = append(frames, c.frames...)
	}
	slices.SortStableFunc(frames, func(a, b talkFrame) int { return int(a.at - b.at) })
	var file bytes.Buffer
	w := pcapgo.NewWriterNanos(&file)
	testkit.Must(f.T, w.WriteFileHeader(1<<16, layers.LinkTypeEthernet))
	for _, frame := range frames {
		info := gopacket.CaptureInfo{Timestamp: time.Unix(1_700_000_000, 0).Add(frame.at), CaptureLength: len(frame.raw), Length: len(frame.raw)}
		testkit.Must(f.T, w.WritePacket(info, frame.raw))
	}
	return testkit.WriteFile(f.T, filepath.Join(f.TempDir(), "x.pcap"), file.Bytes())
}
