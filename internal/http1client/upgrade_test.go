package http1client

import (
	"bytes"
	"os/exec"
	"testing"

	"github.com/buger/gor/internal/evloop"
	"github.com/buger/gor/internal/testkit"
)

// TestHTTP2UpgradeIsNotSent: what curl sends to ask for HTTP/2 is sent on
// without that, and the connection goes on with HTTP/1.1.
func TestHTTP2UpgradeIsNotSent(t *testing.T) { clients(t, testHTTP2UpgradeIsNotSent) }

func testHTTP2UpgradeIsNotSent(t *testing.T, loops *evloop.Loops) {
	curl := testkit.NeedTool(t, "curl", "curl")
	server, target := testkit.StartSink(t), testkit.StartSink(t)
	if out, err := exec.Command(curl, "-sS", "--noproxy", "*", "--http2", "http://"+server.Addr()+"/a").CombinedOutput(); err != nil {
		t.Skipf("curl without HTTP/2: %v: %s", err, out)
	}
	raw := server.Await(t, 1)[0].Raw
	if !bytes.Contains(raw, []byte("h2c")) {
		t.Fatalf("curl sent %q", raw)
	}
	newRig(t, loops, target.Addr(), nil).each(string(raw), string(raw))
	for _, got := range target.Await(t, 2) {
		lower := bytes.ToLower(got.Raw)
		if bytes.Contains(lower, []byte("h2c")) || bytes.Contains(lower, []byte("http2")) || bytes.Contains(lower, []byte("connection")) {
			t.Errorf("sent %q", got.Raw)
		}
		if got.Conn != 1 {
			t.Errorf("on connection %d", got.Conn)
		}
	}
}
