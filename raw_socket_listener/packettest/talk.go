package packettest

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"

	"github.com/buger/gor/raw_socket_listener/packet"
)

// Echo answers every connection with what it sent, in capitals, once that
// has ended.
func Echo(t testing.TB, network, addr string) net.Listener {
	t.Helper()
	l, err := net.Listen(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			b, _ := io.ReadAll(c)
			_, _ = c.Write(bytes.ToUpper(b))
			_ = c.Close()
		}
	})
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	return l
}

// Talk sends b to addr and waits for the end of the answer.
func Talk(t testing.TB, addr string, b []byte) (local netip.AddrPort) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := c.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(c); err != nil || !bytes.Equal(answer, bytes.ToUpper(b)) {
		t.Fatalf("%d bytes of answer, %v", len(answer), err)
	}
	return c.LocalAddr().(*net.TCPAddr).AddrPort()
}

// VXLANDatagram is a frame of the network vni as a VXLAN tunnel carries it.
func VXLANDatagram(vni uint32, frame []byte) []byte {
	b := []byte{packet.VXLANHasVNI, 0, 0, 0, 0, 0, 0, 0}
	binary.BigEndian.PutUint32(b[4:], vni<<8)
	return append(b, frame...)
}

// FreeUDPPort returns a port that was free.
func FreeUDPPort(t testing.TB) int {
	t.Helper()
	c, err := net.ListenUDP("udp", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	return c.LocalAddr().(*net.UDPAddr).Port
}
