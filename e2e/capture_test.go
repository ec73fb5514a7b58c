package e2e

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/testkit"
)

// startNginx starts nginx on both loopback addresses with the same port.
// prefix puts it into a namespace.
func startNginx(t *testing.T, prefix []string, listen ...string) {
	t.Helper()
	var listens strings.Builder
	for _, addr := range listen {
		fmt.Fprintf(&listens, "    listen %s;\n", addr)
	}
	testkit.StartNginx(t, prefix, fmt.Sprintf("  server {\n%s    location / { return 200 \"nginx here\"; }\n  }\n", &listens))
}

// TestCaptureNginx: 1,000 numbered requests of a keep-alive client and of
// curl, over IPv4 and IPv6, are in the recording byte for byte and once.
func TestCaptureNginx(t *testing.T) {
	testkit.NeedCapture(t)
	curl := testkit.NeedTool(t, "curl", "curl")
	port := testkit.FreeLoopbackPort(t)
	startNginx(t, nil, "127.0.0.1:"+port, "[::1]:"+port)
	file := filepath.Join(t.TempDir(), "out.gor")
	// The ring takes what comes while a machine busy with other tests lets Gor wait.
	gor := testkit.StartGor(t, "--input-raw", ":"+port, "--output-file", file, "--input-raw-buffer-size", "64mb")

	var sent [][]byte
	for _, host := range []string{"127.0.0.1", "[::1]"} {
		requests := testkit.NumberedRequests(450, host+":"+port)
		testkit.Must(t, testkit.SendAll(host+":"+port, requests))
		sent = append(sent, requests...)
	}
	// One curl for each 25 requests, which keeps its connection.
	for batch := range 4 {
		host := []string{"127.0.0.1", "[::1]"}[batch%2]
		args := []string{"-sS", "-g", "--fail", "--parallel-max", "1", "-o", "/dev/null", "-H", "User-Agent: curl", "-H", fmt.Sprintf("X-Batch: %d", batch)}
		for i := range 25 {
			if i > 0 {
				args = append(args, "-o", "/dev/null")
			}
			args = append(args, fmt.Sprintf("http://%s:%s/curl/%d", host, port, i))
			sent = append(sent, fmt.Appendf(nil, "GET /curl/%d HTTP/1.1\r\nHost: %s:%s\r\nAccept: */*\r\nUser-Agent: curl\r\nX-Batch: %d\r\n\r\n", i, host, port, batch))
		}
		if out, err := exec.Command(curl, args...).CombinedOutput(); err != nil {
			t.Fatalf("curl: %v\n%s", err, out)
		}
	}
	if len(sent) != 1000 {
		t.Fatalf("%d requests sent", len(sent))
	}
	testkit.AwaitRecords(t, file, len(sent))
	gor.Stop()
	got, metas := testkit.ReadRecording(t, file, payload.Request)
	testkit.WantSame(t, got, sent)
	ids := map[string]bool{}
	for _, m := range metas {
		if ids[string(m.ID)] {
			t.Errorf("id %s was given twice", m.ID)
		}
		ids[string(m.ID)] = true
	}
	if want := "1000 in = 0 limited + 0 filtered + 1000 passed on"; !strings.Contains(gor.Stderr(), want) {
		t.Errorf("the ledger has no %q:\n%s", want, gor.Stderr())
	}
	if want := "1000 offered = 0 shed + 1000 delivered + 0 unsent + 0 failed"; !strings.Contains(gor.Stderr(), want) {
		t.Errorf("the ledger has no %q:\n%s", want, gor.Stderr())
	}
}

// TestCaptureResponses: with --input-raw-track-response every request has its
// response under the same id.
func TestCaptureResponses(t *testing.T) {
	testkit.NeedCapture(t)
	port := testkit.FreeLoopbackPort(t)
	startNginx(t, nil, "127.0.0.1:"+port)
	file := filepath.Join(t.TempDir(), "out.gor")
	gor := testkit.StartGor(t, "--input-raw", "127.0.0.1:"+port, "--input-raw-track-response", "--output-file", file)
	requests := testkit.NumberedRequests(40, "127.0.0.1:"+port)
	testkit.Must(t, testkit.SendAll("127.0.0.1:"+port, requests))
	testkit.AwaitRecords(t, file, 2*len(requests))
	gor.Stop()
	got, asked := testkit.ReadRecording(t, file, payload.Request)
	testkit.WantSame(t, got, requests)
	answers, answered := testkit.ReadRecording(t, file, payload.Response)
	if len(answers) != len(requests) {
		t.Fatalf("%d responses, want %d", len(answers), len(requests))
	}
	ids := map[string]bool{}
	for _, m := range asked {
		ids[string(m.ID)] = true
	}
	for i, m := range answered {
		if !ids[string(m.ID)] {
			t.Errorf("response with id %s has no request", m.ID)
		}
		if !bytes.HasPrefix(answers[i], []byte("HTTP/1.1 200 OK\r\n")) || !bytes.HasSuffix(answers[i], []byte("nginx here")) {
			t.Errorf("response %q", answers[i])
		}
	}
}

// TestCaptureLeavesOwnRequestsOut: Gor replays to a port that it captures and
// does not feed on itself.
func TestCaptureLeavesOwnRequestsOut(t *testing.T) {
	testkit.NeedCapture(t)
	target := testkit.StartSink(t)
	gor := testkit.StartGor(t, "--input-raw", target.Addr(), "--output-http", target.Addr())
	gor.Await("it will get each of its requests a second time")
	requests := testkit.NumberedRequests(6, "prod")
	testkit.Must(t, testkit.SendAll(target.Addr(), requests))
	target.Await(t, 2*len(requests))
	gor.Stop()
	if n := len(target.Arrivals()); n != 2*len(requests) {
		t.Errorf("%d requests at the target, want %d and as many replayed", n, len(requests))
	}
	if want := fmt.Sprintf("%d in = ", len(requests)); !strings.Contains(gor.Stderr(), want) {
		t.Errorf("the ledger has no %q:\n%s", want, gor.Stderr())
	}
}

// TestVethReplay: web host and replay host are two namespaces joined by a
// veth pair; staging sees all requests with equal bodies and headers.
func TestVethReplay(t *testing.T) {
	testkit.NeedCapture(t)
	wire := testkit.NewWire(t)
	web, replay := wire.Near.Prefix(), wire.Far.Prefix()
	startNginx(t, web, "80", "[::]:80 ipv6only=on")

	file := filepath.Join(t.TempDir(), "staging.gor")
	staging := testkit.Spawn(t, "sink", replay, nil, "127.0.0.1:8000", file)
	staging.Await("listening")
	receiver := testkit.Spawn(t, "gor", replay, nil, "--input-tcp", ":28020", "--output-http", "127.0.0.1:8000")
	receiver.Await("gor: to ")
	sender := testkit.Spawn(t, "gor", web, nil, "--input-raw", ":80", "--output-tcp", "10.77.0.2:28020")
	sender.Await("gor: to ")

	// Two processes under the race detector may be slower than any pace. The
	// client goes on when staging has what was sent, so that no queue on the
	// way fills up: what is lost is lost for another reason.
	const each, batch = 500, 50
	var sent [][]byte
	for _, addr := range []string{"10.77.0.1:80", "[fd77::1]:80"} {
		for from := 0; from < each; from += batch {
			client := testkit.Spawn(t, "traffic", replay, nil, addr, fmt.Sprint(from), fmt.Sprint(from+batch))
			if code := client.Wait(); code != 0 {
				t.Fatalf("the client failed:\n%s", client.Stderr())
			}
			staging.Await(fmt.Sprintf("got %d\n", len(sent)+from+batch))
		}
		sent = append(sent, testkit.NumberedRequests(each, addr)...)
	}
	// Each stop hands on what is on its way: packets in the ring, messages on
	// the link, requests in the queue.
	sender.Stop()
	receiver.Stop()
	staging.Stop()
	got, _ := testkit.ReadRecording(t, file, payload.Request)
	testkit.WantSame(t, testkit.AllWithoutHost(got), testkit.AllWithoutHost(sent))
	for _, raw := range got {
		if !bytes.Contains(bytes.ToLower(raw[:min(len(raw), 200)]), []byte("host: 127.0.0.1:8000\r\n")) {
			t.Fatalf("Host is not the target's: %.200q", raw)
		}
	}
}

// TestCaptureAddresses: every form that an address can have sees the requests
// that it names, once, and no others.
func TestCaptureAddresses(t *testing.T) {
	testkit.NeedCapture(t)
	four, other := testkit.StartSink(t), testkit.StartSink(t)
	six, err := testkit.NewSink("tcp6", "[::1]:0")
	testkit.Must(t, err)
	six.Start(t)
	ports := func(sinks ...*testkit.Sink) string {
		var list []string
		for _, s := range sinks {
			list = append(list, testkit.PortOf(t, s.Addr()))
		}
		return strings.Join(list, ",")
	}
	send := map[*testkit.Sink][][]byte{}
	for i, s := range []*testkit.Sink{four, other, six} {
		for j := range 5 {
			send[s] = append(send[s], fmt.Appendf(nil, "GET /%d/%d HTTP/1.1\r\nHost: h\r\n\r\n", i, j))
		}
	}
	for _, test := range []struct {
		addr string
		want []*testkit.Sink
	}{
		{":" + ports(four), []*testkit.Sink{four}},
		{ports(four), []*testkit.Sink{four}},
		{":" + ports(four, six), []*testkit.Sink{four, six}},
		{"127.0.0.1:" + ports(four, other, six), []*testkit.Sink{four, other}},
		{"[::1]:" + ports(four, other, six), []*testkit.Sink{six}},
		{"lo:" + ports(four), []*testkit.Sink{four}},
		{"l*:" + ports(other, six), []*testkit.Sink{other, six}},
		{"localhost:" + ports(other), []*testkit.Sink{other}},
	} {
		file := filepath.Join(t.TempDir(), "out.gor")
		gor := testkit.StartGor(t, "--input-raw", test.addr, "--output-file", file)
		for s, requests := range send {
			testkit.Must(t, testkit.SendAll(s.Addr(), requests))
		}
		gor.Stop()
		var want [][]byte
		for _, s := range test.want {
			want = append(want, send[s]...)
		}
		got, _ := testkit.ReadRecording(t, file, payload.Request)
		t.Log(test.addr)
		testkit.WantSame(t, got, want)
	}
}

// TestSeveralInputsOfEachKind: all inputs may be given several times.
func TestSeveralInputsOfEachKind(t *testing.T) {
	testkit.NeedCapture(t)
	a, b := testkit.StartSink(t), testkit.StartSink(t)
	links := []string{testkit.FreePort(t), testkit.FreePort(t)}
	file := filepath.Join(t.TempDir(), "out.gor")
	gor := testkit.StartGor(t, "--input-raw", a.Addr(), "--input-raw", b.Addr(), "--input-tcp", links[0], "--input-tcp", links[1], "--output-file", file)
	var want [][]byte
	make1 := func(i int) [][]byte {
		r := [][]byte{fmt.Appendf(nil, "GET /%d HTTP/1.1\r\nHost: h\r\n\r\n", i)}
		want = append(want, r...)
		return r
	}
	testkit.Must(t, testkit.SendAll(a.Addr(), make1(1)))
	testkit.Must(t, testkit.SendAll(b.Addr(), make1(2)))
	for i, link := range links {
		in := testkit.WriteFile(t, filepath.Join(t.TempDir(), "in.gor"), testkit.Recording(make1(3+i), []time.Duration{0}))
		if code, said := testkit.RunGor(t, "--input-file", in, "--output-tcp", link); code != 0 {
			t.Fatalf("exit %d:\n%s", code, said)
		}
	}
	gor.Stop()
	got, _ := testkit.ReadRecording(t, file, payload.Request)
	testkit.WantSame(t, got, want)
	testkit.WantSums(t, gor.Stderr())
}
