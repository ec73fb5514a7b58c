package e2e

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/testkit"
)

// fewFiles is what a Gor of these tests may have open: enough to start with,
// and not enough for the connections.
const fewFiles = 24

// TestFewFilesForOutputs: an output that lacks open files says so, with the
// limit, and that its target is down is not said.
func TestFewFilesForOutputs(t *testing.T) {
	prlimit := testkit.NeedTool(t, "prlimit", "util-linux")
	const n = 120
	dir := t.TempDir()
	msg := func(i int) []byte {
		msg := payload.AppendMeta(nil, payload.Meta{Type: payload.Request, ID: payload.AppendID(nil, uint64(i), 0), Time: 1_700_000_000_000_000_000, Length: -1})
		return fmt.Appendf(msg, "GET /%d HTTP/1.1\r\nHost: a\r\n\r\n", i)
	}
	var recording []byte
	for i := range n {
		recording = payload.AppendRecord(recording, msg(i))
	}
	file := testkit.WriteFile(t, filepath.Join(dir, "in.gor"), recording)
	mute := testkit.StartMute(t).Listener.Addr().String() // connections are many, and last
	for _, test := range []struct {
		name  string
		eager bool // it connects before the first message
		args  []string
	}{
		{"http", false, []string{"--output-http", "http://" + mute, "--output-http-timeout", "1s"}},
		{"binary", false, []string{"--output-binary", mute, "--output-binary-timeout", "1s"}},
		{"ws", true, []string{"--output-ws", "ws://" + mute, "--output-ws-workers", "64"}},
		{"tcp", true, []string{"--output-tcp", mute, "--output-tcp-workers", "64"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			input := []string{"--input-file", file + "|max"}
			if test.eager {
				// Its connections are made before an input is opened, which
				// may then lack a file itself.
				input = []string{"--input-dummy", "", "--exit-after", "1s"}
			}
			args := append(append(input, "--drain-timeout", "1s"), test.args...)
			cmd := testkit.GorCommand(t, []string{prlimit, fmt.Sprintf("--nofile=%d:%d", fewFiles, fewFiles)}, args...)
			gor := testkit.StartCommand(t, cmd)
			gor.Wait()
			said := gor.Stderr()
			if want := fmt.Sprintf("this Gor may have %d files and connections open (ulimit -n, or LimitNOFILE= of its unit)", fewFiles); !strings.Contains(said, want) {
				t.Errorf("it does not say %q:\n%s", want, said)
			}
			if strings.Contains(said, " is down") {
				t.Errorf("the target is said to be down:\n%s", said)
			}
			testkit.WantSums(t, said)
		})
	}
}

// TestFewFilesForInputs: a listener that lacks open files says so, and takes
// connections again once others have ended.
func TestFewFilesForInputs(t *testing.T) {
	prlimit := testkit.NeedTool(t, "prlimit", "util-linux")
	for _, flag := range []string{"--input-tcp", "--input-http"} {
		t.Run(flag, func(t *testing.T) {
			t.Parallel()
			addr := testkit.FreePort(t)
			gor := testkit.StartCommand(t, testkit.GorCommand(t, []string{prlimit, fmt.Sprintf("--nofile=%d:%d", fewFiles, fewFiles)}, flag, addr, "--output-null"))
			gor.Await("gor: to ")
			var conns []net.Conn
			for range 2 * fewFiles {
				conn, err := net.DialTimeout("tcp", addr, testkit.Timeout)
				testkit.Must(t, err)
				conns = append(conns, conn)
			}
			gor.Await(fmt.Sprintf("this Gor may have %d files", fewFiles))
			for _, conn := range conns {
				conn.Close()
			}
			conn, err := net.DialTimeout("tcp", addr, testkit.Timeout)
			testkit.Must(t, err)
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(testkit.Timeout))
			hello := "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
			if flag == "--input-tcp" {
				hello = fmt.Sprintf("gor %032x-2\nlink%s", 1, payload.Separator)
			}
			_, err = conn.Write([]byte(hello))
			testkit.Must(t, err)
			if _, err := conn.Read(make([]byte, 1)); err != nil {
				t.Errorf("no answer once there are files again: %v\n%s", err, gor.Stderr())
			}
			gor.Stop()
		})
	}
}
