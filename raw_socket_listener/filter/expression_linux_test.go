package filter

import (
	"errors"
	"math/rand/v2"
	"testing"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/buger/gor/raw_socket_listener/packet"
)

// The kernel takes every program, and its packets are those that match: it
// runs them over datagrams, whose sender learns nothing of it.
func TestExpressionInKernel(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = unix.Close(pair[0]), unix.Close(pair[1]) }()
	packets := expressionPackets(rand.New(rand.NewPCG(7, 7)), 60)
	buf := make([]byte, 4096)
	passed := 0
	for _, text := range agreements {
		e := mustExpression(t, text)
		for _, etherType := range []uint16{packet.EtherIP4, packet.EtherIP6, 0} {
			prog := append(e.program(), bpf.RetConstant{Val: acceptAll})
			for i, ins := range prog {
				if ins == (bpf.LoadExtension{Num: bpf.ExtProto}) { // datagrams have none
					prog[i] = bpf.LoadConstant{Dst: bpf.RegA, Val: uint32(etherType)}
				}
			}
			raw, err := bpf.Assemble(prog)
			if err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			if err := unix.SetsockoptSockFprog(pair[1], unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{
				Len: uint16(len(raw)), Filter: (*unix.SockFilter)(unsafe.Pointer(unsafe.SliceData(raw))),
			}); err != nil {
				t.Fatalf("%q: the kernel refuses the program: %v", text, err)
			}
			for _, p := range packets {
				p = p[packet.EtherHeaderLen:]
				if len(p) == 0 {
					continue
				}
				if _, err := unix.Write(pair[0], p); err != nil {
					t.Fatal(err)
				}
				n, _, err := unix.Recvfrom(pair[1], buf, unix.MSG_DONTWAIT)
				if err != nil && !errors.Is(err, unix.EAGAIN) {
					t.Fatal(err)
				}
				got := err == nil && n == len(p)
				if want := e.match(etherType, p, len(p)); got != want {
					t.Fatalf("%q: the kernel passes %t, want %t: %04x % x", text, got, want, etherType, p)
				}
				if got {
					passed++
				}
			}
		}
	}
	if passed == 0 {
		t.Error("the kernel passed nothing")
	}
}
