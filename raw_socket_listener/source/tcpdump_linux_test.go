package source

import (
	"bufio"
	"os/exec"
	"strings"
	"testing"

	"github.com/buger/gor/raw_socket_listener/packet"
	"github.com/buger/gor/raw_socket_listener/packettest"
)

// What tcpdump writes for -i any is read from the pipe that docs/capture.md shows, in
// the link type of today and in that of before.
func TestTcpdumpOfAnyInterface(t *testing.T) {
	packettest.NeedRoot(t)
	tcpdump, err := exec.LookPath("tcpdump")
	if err != nil {
		t.Skip("there is no tcpdump")
	}
	for _, kind := range []string{"LINUX_SLL2", "LINUX_SLL"} {
		l := packettest.Echo(t, "tcp4", "127.0.0.1:0")
		addr := l.Addr().String()
		_, port, _ := strings.Cut(addr, ":")
		cmd := exec.CommandContext(t.Context(), tcpdump, "-i", "any", "-y", kind, "-U", "--immediate-mode", "-w", "-", "tcp", "port", port)
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		stderr, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		said := bufio.NewScanner(stderr)
		for said.Scan() && !strings.Contains(said.Text(), "listening on") {
		}
		s, r, stop := startSource(t, Config{Address: addressFor(t, "-:"+port), Stdin: stdout})
		packettest.Talk(t, addr, []byte("get / http/1.1\r\n\r\n"))
		r.Wait(t, func() bool { return r.Segs >= 3 }) // SYN, request, FIN
		if err := stop(); err != nil {
			t.Error(err)
		}
		if st := s.Stats(); st.Ignored[packet.IgnoredUnknownLink] != 0 || st.Segments == 0 {
			t.Errorf("%s: %+v", kind, st)
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
}
