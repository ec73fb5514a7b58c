package source

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/buger/gor/raw_socket_listener/filter"
	"github.com/buger/gor/raw_socket_listener/packet"
	"github.com/buger/gor/raw_socket_listener/packettest"
)

// The kernel takes the first VLAN tag off before an expression sees a packet,
// as stripLink does, and of two tags the second makes it no IP.
func TestExpressionVLAN(t *testing.T) {
	packettest.NeedRoot(t)
	here, there := fmt.Sprintf("gorv%d", os.Getpid()%100000), fmt.Sprintf("gorw%d", os.Getpid()%100000)
	if out, err := exec.Command("ip", "link", "add", here, "type", "veth", "peer", "name", there).CombinedOutput(); err != nil {
		t.Skipf("no virtual links here: %v: %s", err, out)
	}
	t.Cleanup(func() { packettest.RunIP(t, "link", "del", here) })
	packettest.RunIP(t, "link", "set", here, "up")
	packettest.RunIP(t, "link", "set", there, "up")
	ifi, err := net.InterfaceByName(there)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()

	wraps := []func(p []byte) []byte{
		func(p []byte) []byte { return packettest.Ethernet(packet.EtherIP4, p) },
		func(p []byte) []byte {
			return packettest.Ethernet(packet.EtherVLAN, packettest.VLAN(5, packet.EtherIP4, p))
		},
		func(p []byte) []byte {
			return packettest.Ethernet(packet.EtherVLAN, packettest.VLAN(5, packet.EtherVLAN, packettest.VLAN(0x4006, packet.EtherIP4, p)))
		},
	}
	for _, tt := range []struct {
		text    string
		tunnels bool
		want    string // which address in which wrap
	}{
		{"src host 10.0.0.1", false, "1.0 1.1"},
		{"not (src host 10.0.0.1 or ip6)", false, "2.0 2.1"},
		{"src host 10.0.0.1", true, "1.0 1.1"},
		{"not (src host 10.0.0.1 or ip6)", true, "1.2 2.0 2.1 2.2"},
		{"tcp[0:2] & 1 = 0 and tcp port 80", true, "1.0 2.0"},
	} {
		addr, err := filter.ParseAddress(here + ":80")
		if err != nil {
			t.Fatal(err)
		}
		f, err := filter.ParseFilter(tt.text)
		if err != nil {
			t.Fatal(err)
		}
		e, err := f.Resolve()
		if err != nil {
			t.Fatal(err)
		}
		src, r, stop := startSource(t, Config{Address: addr, Filter: e, Tunnels: tt.tunnels, BlockTimeout: time.Millisecond})
		var frames [][]byte
		var file []string
		for i, wrap := range wraps {
			for host := 1; host <= 2; host++ {
				frame := wrap(packettest.TCP4(fmt.Sprintf("10.0.0.%d:%d", host, 5000+i), "10.0.0.9:80", packettest.Seg{Payload: []byte("x")}))
				frames = append(frames, frame)
				if (i < 2 || tt.tunnels) && e.MatchLink(packet.LinkEthernet, frame, len(frame)) {
					file = append(file, fmt.Sprintf("%d.%d", host, i))
				}
			}
		}
		last := uint64(0)
		for host := 1; host <= 2; host++ {
			frame := packettest.Ethernet(packet.EtherIP4, packettest.TCP4(fmt.Sprintf("10.0.0.%d:4998", host), "10.0.0.9:80", packettest.Seg{Payload: []byte("end")}))
			frames = append(frames, frame)
			if e.MatchLink(packet.LinkEthernet, frame, len(frame)) {
				last++
			}
		}
		for _, f := range frames {
			if err := unix.Sendto(fd, f, 0, &unix.SockaddrLinklayer{Ifindex: ifi.Index}); err != nil {
				t.Fatal(err)
			}
		}
		r.Wait(t, func() bool {
			ended := uint64(0)
			for k := range r.Bytes {
				if k[0].Port() == 4998 {
					ended++
				}
			}
			return ended == last
		})
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		// What is behind a second tag only counts here: what the kernel says
		// of such packets differs from version to version.
		var got, want []string
		for k := range r.Bytes {
			if port := k[0].Port(); port == 5000 || port == 5001 {
				got = append(got, fmt.Sprintf("%d.%d", k[0].Addr().As4()[3], port-5000))
			}
		}
		for _, w := range strings.Fields(tt.want) {
			if !strings.HasSuffix(w, ".2") {
				want = append(want, w)
			}
		}
		slices.Sort(got)
		slices.Sort(file)
		if !slices.Equal(got, want) || strings.Join(file, " ") != tt.want {
			t.Errorf("%s, tunnels %t: captured %s, from a file %s, want %s", tt.text, tt.tunnels, got, file, tt.want)
		}
		if n := src.Stats().Received; n != uint64(len(file))+last {
			t.Errorf("%s, tunnels %t: %d packets passed the kernel, want %d", tt.text, tt.tunnels, n, uint64(len(file))+last)
		}
	}
}
