package source

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/buger/gor/raw_socket_listener/filter"
)

// Look fills s with what the interfaces see, until that is enough, the time
// is over, or ctx ends. It needs what a capture needs, and sees the network
// namespace of its thread.
func (s *Survey) Look(ctx context.Context) error {
	filter, err := bpf.Assemble(append(filter.DropLoopbackTwin(), bpf.RetConstant{Val: surveySnap}))
	if err != nil {
		return fmt.Errorf("assemble the kernel filter: %w", err)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return socketError(err)
	}
	f := os.NewFile(uintptr(fd), "packet socket") // for its deadlines
	defer f.Close()                               // nothing was written
	r := ring{fd: fd}
	if err := errors.Join(r.attach(filter), r.bind()); err != nil {
		return err
	}
	began := time.Now()
	if err := f.SetReadDeadline(began.Add(s.longest)); err != nil {
		return fmt.Errorf("wait for packets: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = f.SetReadDeadline(began) }) // fails only when closed
	defer stop()
	err = s.receive(f)
	s.took = time.Since(began)
	return err
}

func (s *Survey) receive(f *os.File) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return fmt.Errorf("wait for packets: %w", err)
	}
	b := make([]byte, surveySnap)
	for s.packets < s.most {
		var n int
		var from unix.Sockaddr
		var got error
		err := conn.Read(func(fd uintptr) bool {
			n, from, got = unix.Recvfrom(int(fd), b, 0)
			return !errors.Is(got, unix.EAGAIN)
		})
		switch link, _ := from.(*unix.SockaddrLinklayer); {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil
		case errors.Is(got, unix.EINTR):
		case err != nil || got != nil:
			return fmt.Errorf("wait for packets: %w", errors.Join(err, got))
		case link != nil:
			s.take(link.Ifindex, hostOrder(link.Protocol), b[:n])
		}
	}
	return nil
}

// hostOrder is the value of two bytes that the kernel left as they were on
// the wire.
func hostOrder(v uint16) uint16 {
	var b [2]byte
	binary.NativeEndian.PutUint16(b[:], v)
	return binary.BigEndian.Uint16(b[:])
}
