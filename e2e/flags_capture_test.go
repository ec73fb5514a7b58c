package e2e

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/buger/gor/internal/testkit"
)

func captureFlagRows() []flagRow {
	return []flagRow{
		{"input-raw-track-response", notBool, func(f *flagTest) {
			file := f.pcap(newTalk(f, 80).ask("/0").answer("zero").ask("/1").answer("one")) + ":80"
			if got := f.ok("--input-raw", file, "--output-stdout").kinds(); got != "11" {
				f.Errorf("without: records %s, want 11", got)
			}
			r := f.ok("--input-raw", file, "--input-raw-track-response", "--output-stdout")
			bodies, metas := r.records()
			if r.kinds() != "1212" || !bytes.HasSuffix(bodies[1], []byte("zero")) || !bytes.Equal(metas[2].ID, metas[3].ID) {
				f.Errorf("with: %s\n%s", r.kinds(), r.stdout)
			}
		}},
		{"input-raw-buffer-size", []string{"", "1", "-2mb", "2gb"}, func(f *flagTest) {
			for size, want := range map[string]int{"2mb": 2 << 20, "4mb": 4 << 20} {
				bytes := 0
				for _, ring := range f.rings("--input-raw-buffer-size", size, "--input-raw-rings", "2", "--output-null") {
					bytes += ring.blockSize * ring.blocks
				}
				if bytes != want {
					f.Errorf("%s: the rings have %d bytes, want %d", size, bytes, want)
				}
			}
		}},
		{"input-raw-buffer-timeout", []string{"5", "-1s"}, func(f *flagTest) {
			for _, test := range []struct {
				args []string
				want int // ms
			}{
				{[]string{"--input-raw-buffer-timeout", "37ms", "--output-null"}, 37},
				{[]string{"--input-raw-buffer-timeout", "0", "--output-null"}, 64},
				{[]string{"--output-stdout"}, 16},
			} {
				if got := f.rings(test.args...)[0].timeout; got != test.want {
					f.Errorf("%q: the kernel keeps a packet for %d ms, want %d", test.args, got, test.want)
				}
			}
		}},
		{"input-raw-expire", []string{"2", "0s", "-1s"}, func(f *flagTest) {
			// The middle of a request comes 300 ms late, when the client has since
			// heard from the server: it is hardly the network that lost it.
			late, other := newTalk(f, 80), newTalkOf(f, 80, 2)
			raw := get("/late", "X-Filler: "+strings.Repeat("x", 100))
			late.say(byClient, raw[:40]).lose(byClient, raw[40:80]).say(byClient, raw[80:90])
			late.answer("x").say(byClient, raw[90:])
			late.seq[byClient] -= uint32(len(raw) - 40)
			late.at = 300 * time.Millisecond
			late.say(byClient, raw[40:80])
			other.at = 200 * time.Millisecond
			other.ask("/other")
			file := f.pcap(late, other) + ":80"
			f.ok("--input-raw", file, "--output-stdout").passed("/other", "/late")
			f.ok("--input-raw", file, "--input-raw-expire", "100ms", "--output-stdout").passed("/other")
		}},
		{"input-raw-promisc", notBool, func(f *flagTest) {
			testkit.NeedCapture(f.T)
			name := f.spareInterface()
			const promiscuous = 0x100 // IFF_PROMISC, netdevice(7)
			for _, test := range []struct {
				args []string
				want uint64
			}{{nil, 0}, {[]string{"--input-raw-promisc"}, promiscuous}} {
				gor := testkit.StartGor(f.T, append(test.args, "--input-raw", name+":80", "--output-null")...)
				text, err := os.ReadFile("/sys/class/net/" + name + "/flags")
				testkit.Must(f.T, err)
				flags, err := strconv.ParseUint(strings.TrimSpace(string(text)), 0, 64)
				testkit.Must(f.T, err)
				gor.Stop()
				if flags&promiscuous != test.want {
					f.Errorf("%q: the interface has the flags %#x", test.args, flags)
				}
			}
		}},
		{"input-raw-bpf-filter", []string{"", "src", "port"}, func(f *flagTest) {
			file := f.pcap(newTalkOf(f, 80, 1).ask("/1"), newTalkOf(f, 80, 2).ask("/2")) + ":80"
			f.ok("--input-raw", file, "--output-stdout", "--input-raw-bpf-filter", "src host 10.0.0.2").passed("/2")
			f.ok("--input-raw", file, "--output-stdout", "--input-raw-bpf-filter", "not src host 10.0.0.2").passed("/1")
		}},
		{"input-raw-rings", []string{"-1", "65", "all"}, func(f *flagTest) {
			for _, n := range []int{1, 3} {
				if rings := f.rings("--input-raw-rings", strconv.Itoa(n), "--output-null"); len(rings) != n {
					f.Errorf("%d rings, want %d", len(rings), n)
				}
			}
		}},
		{"input-raw-max-buffered", []string{"", "1kb", "2gb"}, func(f *flagTest) {
			var talks []*talk
			for i := range 40 {
				body := get("/", "Content-Length: 60000")
				talks = append(talks, newTalkOf(f, 80, byte(i)).say(byClient, append(body, make([]byte, 50_000)...)))
			}
			file := f.pcap(talks...) + ":80"
			f.ends(exitFailed, "--input-raw", file, "--output-stdout", "--input-raw-max-buffered", "1mb").says("lost: memory")
			f.ends(exitFailed, "--input-raw", file, "--output-stdout").saysNot("lost: memory") // none is whole
		}},
		{"input-raw-max-connections", []string{"0", "15", "many"}, func(f *flagTest) {
			var talks []*talk
			for i := range 40 {
				talks = append(talks, newTalkOf(f, 80, byte(i)).say(byClient, []byte("GET / HTTP/1.1\r\n")).later(time.Duration(i)*time.Second/10))
			}
			file := f.pcap(talks...) + ":80"
			f.ends(exitFailed, "--input-raw", file, "--output-stdout", "--input-raw-max-connections", "16").says("24 connections evicted")
			f.ends(exitFailed, "--input-raw", file, "--output-stdout").saysNot("evicted") // none is whole
		}},
		{"input-raw-tunnels", notBool, func(f *flagTest) {
			testkit.NeedCapture(f.T)
			port := testkit.PortOf(f.T, testkit.FreePort(f.T))
			number, err := strconv.Atoi(port)
			testkit.Must(f.T, err)
			// Such tunnels end at port 4789, RFC 7348; the address is nobody else's.
			pid := os.Getpid()
			vxlan, err := net.ListenPacket("udp", fmt.Sprintf("127.%d.%d.%d:4789", 1+pid>>16%255, pid>>8%256, 1+pid%254))
			testkit.Must(f.T, err)
			defer vxlan.Close()
			passed := func(args ...string) string {
				file := filepath.Join(f.TempDir(), "out.gor")
				gor := testkit.StartGor(f.T, append(args, "--input-raw", "lo:"+port, "--output-file", file)...)
				sendVXLAN(f.T, vxlan.LocalAddr().String(), 7, newTalk(f, uint16(number)).ask("/in/a/tunnel").raw())
				gor.Stop()
				return f.targets(file)
			}
			if got := passed("--input-raw-tunnels"); got != "/in/a/tunnel" {
				f.Errorf("looking into tunnels: %q", got)
			}
			if got := passed(); got != "" {
				f.Errorf("without: %q", got)
			}
		}},
		{"input-raw-engine", []string{"", "dpdk"}, func(f *flagTest) {
			file := f.pcap(newTalk(f, 80).ask("/0"))
			testkit.Must(f.T, os.Rename(file, filepath.Join(filepath.Dir(file), "lo")))
			out := filepath.Join(f.TempDir(), "out.gor")
			reading := testkit.Spawn(f.T, "gor", []string{"env", "-C", filepath.Dir(file)}, nil, "--input-raw", "lo:80", "--input-raw-engine", "pcap_file", "--output-file", out)
			if code := reading.Wait(); code != exitOK || f.targets(out) != "/0" {
				f.Errorf("pcap_file: exit %d, %q:\n%s", code, f.targets(out), reading.Stderr())
			}
			f.rings("--input-raw-engine", "libpcap", "--output-null") // of the interface lo
		}},
		{"input-raw-vxlan-port", []string{"0", "65536", "vxlan"}, func(f *flagTest) {
			if got := f.mirrored(7); got != "/mirrored" {
				f.Errorf("what came to the port: %q", got)
			}
		}},
		{"input-raw-vxlan-vni", []string{"", "16777216", "-16777216", "net"}, func(f *flagTest) {
			for vni, want := range map[string]string{"7": "/mirrored", "8": "", "-7": ""} {
				if got := f.mirrored(7, "--input-raw-vxlan-vni", vni); got != want {
					f.Errorf("only %s: %q, want %q", vni, got, want)
				}
			}
		}},
		{"input-raw-realip-header", []string{"", "X Real IP", "X-Real-IP:"}, func(f *flagTest) {
			file := f.pcap(newTalkOf(f, 80, 7).ask("/0")) + ":80"
			for _, test := range []struct {
				args []string
				want []byte
			}{{nil, get("/0")}, {[]string{"--input-raw-realip-header", "X-Real-IP"}, get("/0", "X-Real-IP: 10.0.0.7")}} {
				got, _ := f.ok(append(test.args, "--input-raw", file, "--output-stdout")...).records()
				testkit.WantSame(f.T, got, [][]byte{test.want})
			}
		}},
		{"input-raw-allow-incomplete", notBool, func(f *flagTest) {
			head := get("/hole", "Content-Length: 300")
			file := f.pcap(newTalk(f, 80).say(byClient, head).say(byClient, make([]byte, 100)).lose(byClient, make([]byte, 100)).say(byClient, make([]byte, 100)).ask("/1")) + ":80"
			f.ok("--input-raw", file, "--output-stdout").says("1 lost: gap").passed("/1")
			r := f.ok("--input-raw", file, "--output-stdout", "--input-raw-allow-incomplete").says("1 messages given incomplete")
			if got, _ := r.records(); len(got) != 2 || len(got[0]) != len(head)+200 {
				f.Errorf("%d records: %q", len(got), got)
			}
		}},
		{"input-raw-protocol", []string{"", "HTTP/2", "grpc"}, func(f *flagTest) {
			file := f.pcap(newTalk(f, 80).say(byClient, []byte("PING\n")).say(byServer, []byte("PONG\n")).end()) + ":80"
			f.ends(exitFailed, "--input-raw", file, "--output-stdout", "--input-raw-protocol", "http").passed()
			got, _ := f.ok("--input-raw", file, "--output-stdout", "--input-raw-protocol", "binary").records()
			if string(bytes.Join(got, nil)) != "PING\n" {
				f.Errorf("binary: %q", got)
			}
		}},
		{"input-raw-stats", notBool, func(f *flagTest) {
			file := f.pcap(newTalk(f, 80).ask("/0"))
			gor := testkit.StartGor(f.T, "--input-dummy", "--input-raw", file+":80", "--input-raw-stats", "--output-null")
			gor.Await("gor: input-raw " + file + ":80: packets 3,")
			gor.Stop()
		}},
		{"input-raw-ignore-interface", []string{"", "[a"}, func(f *flagTest) {
			testkit.NeedCapture(f.T)
			server := testkit.StartSink(f.T)
			for name, want := range map[string]string{"lo": "", "no-such*": "/0"} {
				file := filepath.Join(f.TempDir(), "out.gor")
				gor := testkit.StartGor(f.T, "--input-raw", ":"+testkit.PortOf(f.T, server.Addr()), "--input-raw-ignore-interface", name, "--output-file", file)
				testkit.Must(f.T, testkit.SendAll(server.Addr(), gets(1)))
				gor.Stop()
				if got := f.targets(file); got != want {
					f.Errorf("all but %s: %q, want %q", name, got, want)
				}
			}
		}},
		{"input-raw-vlan", notBool, func(f *flagTest) {
			file := f.vlans() + ":80"
			f.ok("--input-raw", file, "--output-stdout").passed("/none", "/100", "/200")
			f.ok("--input-raw", file, "--output-stdout", "--input-raw-vlan").passed("/100", "/200")
		}},
		{"input-raw-vlan-vid", []string{"", "-1", "4095", "all"}, func(f *flagTest) {
			file := f.vlans() + ":80"
			f.ok("--input-raw", file, "--output-stdout", "--input-raw-vlan-vid", "200").passed("/200")
			f.ok("--input-raw", file, "--output-stdout", "--input-raw-vlan-vid", "200", "--input-raw-vlan-vid", "100").passed("/100", "/200")
		}},
	}
}

// mirrored sends a request into the tunnel vni, whose end is Gor, and returns
// what it recorded.
func (f *flagTest) mirrored(vni byte, args ...string) string {
	f.Helper()
	file := filepath.Join(f.TempDir(), "out.gor")
	addr := fmt.Sprintf("127.0.0.1:%d", testkit.FreeUDPPort(f.T))
	gor := testkit.StartGor(f.T, append(args, "--input-raw", ":80", "--input-raw-engine", "vxlan", "--input-raw-vxlan-port", testkit.PortOf(f.T, addr), "--output-file", file)...)
	sendVXLAN(f.T, addr, vni, newTalk(f, 80).ask("/mirrored").raw())
	gor.Stop()
	return f.targets(file)
}

// vlans is a capture without a VLAN tag, and of the VLANs 100 and 200.
func (f *flagTest) vlans() string {
	f.Helper()
	return f.pcap(newTalkOf(f, 80, 1).ask("/none"),
		newTalkOf(f, 80, 2).ask("/100").tagged(100).later(time.Second),
		newTalkOf(f, 80, 3).ask("/200").tagged(200).later(2*time.Second))
}

// A packetRing is what the kernel says of a ring of packets.
type packetRing struct {
	blockSize, blocks int
	timeout           int // ms
}

// rings starts a capture and returns the rings that it has.
func (f *flagTest) rings(args ...string) (rings []packetRing) {
	f.Helper()
	testkit.NeedCapture(f.T)
	ss := testkit.NeedTool(f.T, "ss", "iproute2")
	gor := testkit.StartGor(f.T, append(args, "--input-raw", "lo:"+testkit.PortOf(f.T, testkit.FreePort(f.T)))...)
	out, err := exec.Command(ss, "--packet", "--extended", "--processes", "--numeric").Output()
	testkit.Must(f.T, err)
	gor.Stop()
	mine := false
	for line := range strings.Lines(string(out)) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "p_") {
			mine = strings.Contains(line, fmt.Sprintf("pid=%d,", gor.Cmd.Process.Pid))
		}
		var r packetRing
		var frameSize, frames int
		if mine && strings.HasPrefix(line, "ring_rx") {
			_, err := fmt.Sscanf(line, "ring_rx(blk_size:%d,blk_nr:%d,frm_size:%d,frm_nr:%d,tmo:%d,", &r.blockSize, &r.blocks, &frameSize, &frames, &r.timeout)
			testkit.Must(f.T, err)
			rings = append(rings, r)
		}
	}
	if len(rings) == 0 {
		f.Fatalf("%s shows no ring of process %d:\n%s", ss, gor.Cmd.Process.Pid, out)
	}
	return rings
}

// spareInterface makes an interface that nobody else uses.
func (f *flagTest) spareInterface() string {
	f.Helper()
	ip := testkit.NeedTool(f.T, "ip", "iproute2")
	name := fmt.Sprintf("gor%d", os.Getpid())
	for _, args := range [][]string{{"link", "add", name, "type", "veth", "peer", "name", name + "b"}, {"link", "set", name, "up"}} {
		if out, err := exec.Command(ip, args...).CombinedOutput(); err != nil {
			f.Fatalf("ip %q: %v: %s", args, err, out)
		}
	}
	f.Cleanup(func() { exec.Command(ip, "link", "del", name).Run() })
	return name
}
