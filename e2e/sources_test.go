package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/testkit"
)

// TestCaptureRings: several rings share the connections and lose none.
func TestCaptureRings(t *testing.T) {
	testkit.NeedCapture(t)
	target := testkit.StartSink(t)
	file := filepath.Join(t.TempDir(), "out.gor")
	gor := testkit.StartGor(t, "--input-raw", target.Addr(), "--input-raw-rings", "3", "--output-file", file)
	const clients, each = 12, 40
	var want [][]byte
	var wg sync.WaitGroup
	for i := range clients {
		requests := make([][]byte, each)
		for j := range requests {
			requests[j] = fmt.Appendf(nil, "POST /%d/%d HTTP/1.1\r\nHost: h\r\nContent-Length: 3000\r\n\r\n%03000d", i, j, j)
		}
		want = append(want, requests...)
		wg.Go(func() {
			if err := testkit.SendAll(target.Addr(), requests); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	gor.Stop()
	got, _ := testkit.ReadRecording(t, file, payload.Request)
	testkit.WantSame(t, got, want)
	testkit.WantSums(t, gor.Stderr())
	if n := fmt.Sprintf("%d connections,", clients); !strings.Contains(gor.Stderr(), n) {
		t.Errorf("the ledger has no %q:\n%s", n, gor.Stderr())
	}
}

// TestCaptureTunnels: requests that cross a VXLAN of the kernel are seen on
// the interface below it with --input-raw-tunnels, and only then.
func TestCaptureTunnels(t *testing.T) {
	testkit.NeedCapture(t)
	ip := testkit.NeedTool(t, "ip", "iproute2")
	in := func(ns string) []string { return []string{ip, "netns", "exec", ns} }
	web, far := fmt.Sprintf("gorvxa%d", os.Getpid()), fmt.Sprintf("gorvxb%d", os.Getpid())
	network := func(args ...string) {
		t.Helper()
		if out, err := exec.Command(ip, args...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
		}
	}
	for _, ns := range []string{web, far} {
		network("netns", "add", ns)
		t.Cleanup(func() { exec.Command(ip, "netns", "del", ns).Run() })
		network("-n", ns, "link", "set", "lo", "up")
	}
	network("link", "add", "veth0", "netns", web, "type", "veth", "peer", "name", "veth0", "netns", far)
	for i, ns := range []string{web, far} {
		network("-n", ns, "addr", "add", fmt.Sprintf("10.78.0.%d/24", i+1), "dev", "veth0")
		network("-n", ns, "link", "set", "veth0", "up")
		network("-n", ns, "link", "add", "vx0", "type", "vxlan", "id", "42", "remote", fmt.Sprintf("10.78.0.%d", 2-i), "dstport", "4789", "dev", "veth0")
		network("-n", ns, "addr", "add", fmt.Sprintf("10.79.0.%d/24", i+1), "dev", "vx0")
		network("-n", ns, "link", "set", "vx0", "up")
	}
	dir := t.TempDir()
	server := testkit.Spawn(t, "sink", in(far), nil, "10.79.0.2:80", filepath.Join(dir, "server.gor"))
	server.Await("listening")
	with, without := filepath.Join(dir, "with.gor"), filepath.Join(dir, "without.gor")
	looking := testkit.Spawn(t, "gor", in(far), nil, "--input-raw", "veth0:80", "--input-raw-tunnels", "--output-file", with)
	looking.Await("gor: to ")
	blind := testkit.Spawn(t, "gor", in(far), nil, "--input-raw", "veth0:80", "--output-file", without)
	blind.Await("gor: to ")
	const n = 30
	client := testkit.Spawn(t, "traffic", in(web), nil, "10.79.0.2:80", "0", fmt.Sprint(n))
	if code := client.Wait(); code != 0 {
		t.Fatalf("the client failed:\n%s", client.Stderr())
	}
	looking.Stop()
	blind.Stop()
	got, _ := testkit.ReadRecording(t, with, payload.Request)
	testkit.WantSame(t, got, testkit.NumberedRequests(n, "10.79.0.2:80"))
	if got, _ := testkit.ReadRecording(t, without, payload.Request); len(got) != 0 {
		t.Errorf("%d requests were captured in a tunnel that nobody asked for", len(got))
	}
}

// sendVXLAN sends frames into a tunnel (RFC 7348 section 5).
func sendVXLAN(t *testing.T, addr string, vni byte, frames [][]byte) {
	t.Helper()
	conn, err := net.Dial("udp", addr)
	testkit.Must(t, err)
	for _, frame := range frames {
		if _, err := conn.Write(append([]byte{8, 0, 0, 0, 0, 0, vni, 0}, frame...)); err != nil {
			t.Fatal(err)
		}
	}
	testkit.Must(t, conn.Close())
}

// TestCaptureVXLANEngine: Gor as the end of a tunnel that packets are mirrored
// to. It needs no privilege.
func TestCaptureVXLANEngine(t *testing.T) {
	requests := testkit.NumberedRequests(15, "prod")
	frames := testkit.TCPFrames(t, requests)
	for _, test := range []struct {
		vni  string
		want [][]byte
	}{
		{"7", requests}, {"8", nil}, {"-8", requests}, {"-7", nil},
	} {
		file := filepath.Join(t.TempDir(), "out.gor")
		addr := fmt.Sprintf("127.0.0.1:%d", testkit.FreeUDPPort(t))
		gor := testkit.StartGor(t, "--input-raw", ":80", "--input-raw-engine", "vxlan", "--input-raw-vxlan-port", testkit.PortOf(t, addr), "--input-raw-vxlan-vni", test.vni, "--output-file", file)
		sendVXLAN(t, addr, 7, frames)
		gor.Stop()
		got, _ := testkit.ReadRecording(t, file, payload.Request)
		if !strings.Contains(gor.Stderr(), "dropped by the kernel") { // an ordinary user's socket buffer is small
			testkit.WantSame(t, got, test.want)
		}
	}
}

// TestCaptureCeilings: --input-raw-max-connections and -max-buffered hold, and
// what they cost is counted.
func TestCaptureCeilings(t *testing.T) {
	var frames [][]byte
	// 40 connections, each with a message that is not whole.
	for i := range 40 {
		half := testkit.NumberedRequest(7, "prod")[:100_000]
		for _, frame := range testkit.TCPFrames(t, [][]byte{half}) {
			frame[29] = byte(i) // the client's address
			frames = append(frames, frame)
		}
	}
	name := testkit.WriteFile(t, filepath.Join(t.TempDir(), "x.pcap"), testkit.CaptureFile(t, frames))
	for _, test := range []struct{ flag, value, want string }{
		{"--input-raw-max-connections", "16", "24 connections evicted"},
		{"--input-raw-max-buffered", "1mb", "lost: memory"},
	} {
		code, said := testkit.RunGor(t, "--input-raw", name+":80", "--output-null", test.flag, test.value)
		if code != 1 || !strings.Contains(said, test.want) { // nothing of it is whole
			t.Errorf("%s %s: exit %d, no %q:\n%s", test.flag, test.value, code, test.want, said)
		}
	}
}
