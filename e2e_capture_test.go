package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/payload"
)

// startNginx starts nginx on both loopback addresses with the same port.
// prefix puts it into a namespace.
func startNginx(t *testing.T, prefix []string, listen ...string) {
	t.Helper()
	var listens strings.Builder
	for _, addr := range listen {
		fmt.Fprintf(&listens, "    listen %s;\n", addr)
	}
	startNginxWith(t, prefix, fmt.Sprintf("  server {\n%s    location / { return 200 \"nginx here\"; }\n  }\n", &listens))
}

// startNginxWith starts nginx with that inside of its http block.
func startNginxWith(t *testing.T, prefix []string, http string) {
	t.Helper()
	nginx := needTool(t, "nginx", "nginx-light")
	dir := t.TempDir()
	conf := fmt.Sprintf(`
worker_processes 1;
daemon off;
pid %[1]s/pid;
error_log %[1]s/error.log;
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path %[1]s/body;
  proxy_temp_path %[1]s/proxy;
  fastcgi_temp_path %[1]s/fastcgi;
  uwsgi_temp_path %[1]s/uwsgi;
  scgi_temp_path %[1]s/scgi;
  client_max_body_size 16m;
  keepalive_requests 100000;
%[2]s}
`, dir, http)
	if os.Geteuid() == 0 {
		conf = "user root;\n" + conf
	}
	args := append(append([]string{}, prefix...), nginx, "-p", dir, "-e", dir+"/error.log", "-c", writeFile(t, filepath.Join(dir, "nginx.conf"), []byte(conf)))
	cmd := exec.Command(args[0], args[1:]...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	must(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		cmd.Wait()
	})
	eventually(t, "nginx writes its pid", func() bool {
		_, err := os.Stat(dir + "/pid")
		return err == nil
	})
}

// loopbackPort returns a port that is free on both loopback addresses.
func loopbackPort(t *testing.T) string {
	t.Helper()
	for range 20 {
		_, port, _ := net.SplitHostPort(freePort(t))
		l, err := net.Listen("tcp6", "[::1]:"+port)
		if err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no port is free on 127.0.0.1 and ::1")
	return ""
}

// TestCaptureNginx: 1,000 numbered requests of a keep-alive client and of
// curl, over IPv4 and IPv6, are in the recording byte for byte and once.
func TestCaptureNginx(t *testing.T) {
	needCapture(t)
	curl := needTool(t, "curl", "curl")
	port := loopbackPort(t)
	startNginx(t, nil, "127.0.0.1:"+port, "[::1]:"+port)
	file := filepath.Join(t.TempDir(), "out.gor")
	// The ring takes what comes while a machine busy with other tests lets Gor wait.
	gor := startGor(t, "--input-raw", ":"+port, "--output-file", file, "--input-raw-buffer-size", "64mb")

	var sent [][]byte
	for _, host := range []string{"127.0.0.1", "[::1]"} {
		requests := numberedRequests(450, host+":"+port)
		must(t, sendAll(host+":"+port, requests))
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
	awaitRecords(t, file, len(sent))
	gor.stop()
	got, metas := readRecording(t, file, payload.Request)
	wantSame(t, got, sent)
	ids := map[string]bool{}
	for _, m := range metas {
		if ids[string(m.ID)] {
			t.Errorf("id %s was given twice", m.ID)
		}
		ids[string(m.ID)] = true
	}
	if want := "1000 in = 0 limited + 0 filtered + 1000 passed on"; !strings.Contains(gor.said(), want) {
		t.Errorf("the ledger has no %q:\n%s", want, gor.said())
	}
	if want := "1000 offered = 0 shed + 1000 delivered + 0 unsent + 0 failed"; !strings.Contains(gor.said(), want) {
		t.Errorf("the ledger has no %q:\n%s", want, gor.said())
	}
}

// awaitRecords waits until a growing text recording holds n records.
func awaitRecords(t *testing.T, name string, n int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d records in %s", n, name), func() bool {
		content, err := os.ReadFile(name)
		if err != nil {
			return false
		}
		r := payload.NewReader(bytes.NewReader(content), maxMessageLimit)
		for range n {
			if _, err := r.Next(); err != nil {
				return false
			}
		}
		return true
	})
}

// TestCaptureResponses: with --input-raw-track-response every request has its
// response under the same id.
func TestCaptureResponses(t *testing.T) {
	needCapture(t)
	port := loopbackPort(t)
	startNginx(t, nil, "127.0.0.1:"+port)
	file := filepath.Join(t.TempDir(), "out.gor")
	gor := startGor(t, "--input-raw", "127.0.0.1:"+port, "--input-raw-track-response", "--output-file", file)
	requests := numberedRequests(40, "127.0.0.1:"+port)
	must(t, sendAll("127.0.0.1:"+port, requests))
	awaitRecords(t, file, 2*len(requests))
	gor.stop()
	got, asked := readRecording(t, file, payload.Request)
	wantSame(t, got, requests)
	answers, answered := readRecording(t, file, payload.Response)
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
	needCapture(t)
	target := startSink(t)
	gor := startGor(t, "--input-raw", target.addr(), "--output-http", target.addr())
	gor.await("it will get each of its requests a second time")
	requests := numberedRequests(6, "prod")
	must(t, sendAll(target.addr(), requests))
	target.await(t, 2*len(requests))
	gor.stop()
	if n := len(target.arrivals()); n != 2*len(requests) {
		t.Errorf("%d requests at the target, want %d and as many replayed", n, len(requests))
	}
	if want := fmt.Sprintf("%d in = ", len(requests)); !strings.Contains(gor.said(), want) {
		t.Errorf("the ledger has no %q:\n%s", want, gor.said())
	}
}

// TestVethReplay: web host and replay host are two namespaces joined by a
// veth pair; staging sees all requests with equal bodies and headers.
func TestVethReplay(t *testing.T) {
	needCapture(t)
	wire := newWire(t)
	web, replay := wire.Near.Prefix(), wire.Far.Prefix()
	startNginx(t, web, "80", "[::]:80 ipv6only=on")

	file := filepath.Join(t.TempDir(), "staging.gor")
	staging := spawn(t, "sink", replay, nil, "127.0.0.1:8000", file)
	staging.await("listening")
	receiver := spawn(t, "gor", replay, nil, "--input-tcp", ":28020", "--output-http", "127.0.0.1:8000")
	receiver.await("gor: to ")
	sender := spawn(t, "gor", web, nil, "--input-raw", ":80", "--output-tcp", "10.77.0.2:28020")
	sender.await("gor: to ")

	// Two processes under the race detector may be slower than any pace. The
	// client goes on when staging has what was sent, so that no queue on the
	// way fills up: what is lost is lost for another reason.
	const each, batch = 500, 50
	var sent [][]byte
	for _, addr := range []string{"10.77.0.1:80", "[fd77::1]:80"} {
		for from := 0; from < each; from += batch {
			client := spawn(t, "traffic", replay, nil, addr, fmt.Sprint(from), fmt.Sprint(from+batch))
			if code := client.wait(); code != 0 {
				t.Fatalf("the client failed:\n%s", client.said())
			}
			staging.await(fmt.Sprintf("got %d\n", len(sent)+from+batch))
		}
		sent = append(sent, numberedRequests(each, addr)...)
	}
	// Each stop hands on what is on its way: packets in the ring, messages on
	// the link, requests in the queue.
	sender.stop()
	receiver.stop()
	staging.stop()
	got, _ := readRecording(t, file, payload.Request)
	wantSame(t, allWithoutHost(got), allWithoutHost(sent))
	for _, raw := range got {
		if !bytes.Contains(bytes.ToLower(raw[:min(len(raw), 200)]), []byte("host: 127.0.0.1:8000\r\n")) {
			t.Fatalf("Host is not the target's: %.200q", raw)
		}
	}
}

// TestCaptureAddresses: every form that an address can have sees the requests
// that it names, once, and no others.
func TestCaptureAddresses(t *testing.T) {
	needCapture(t)
	four, other := startSink(t), startSink(t)
	six, err := newSink("tcp6", "[::1]:0")
	must(t, err)
	six.start(t)
	ports := func(sinks ...*sink) string {
		var list []string
		for _, s := range sinks {
			list = append(list, portOf(t, s.addr()))
		}
		return strings.Join(list, ",")
	}
	send := map[*sink][][]byte{}
	for i, s := range []*sink{four, other, six} {
		for j := range 5 {
			send[s] = append(send[s], fmt.Appendf(nil, "GET /%d/%d HTTP/1.1\r\nHost: h\r\n\r\n", i, j))
		}
	}
	for _, test := range []struct {
		addr string
		want []*sink
	}{
		{":" + ports(four), []*sink{four}},
		{ports(four), []*sink{four}},
		{":" + ports(four, six), []*sink{four, six}},
		{"127.0.0.1:" + ports(four, other, six), []*sink{four, other}},
		{"[::1]:" + ports(four, other, six), []*sink{six}},
		{"lo:" + ports(four), []*sink{four}},
		{"l*:" + ports(other, six), []*sink{other, six}},
		{"localhost:" + ports(other), []*sink{other}},
	} {
		file := filepath.Join(t.TempDir(), "out.gor")
		gor := startGor(t, "--input-raw", test.addr, "--output-file", file)
		for s, requests := range send {
			must(t, sendAll(s.addr(), requests))
		}
		gor.stop()
		var want [][]byte
		for _, s := range test.want {
			want = append(want, send[s]...)
		}
		got, _ := readRecording(t, file, payload.Request)
		t.Log(test.addr)
		wantSame(t, got, want)
	}
}

// TestSeveralInputsOfEachKind: all inputs may be given several times.
func TestSeveralInputsOfEachKind(t *testing.T) {
	needCapture(t)
	a, b := startSink(t), startSink(t)
	links := []string{freePort(t), freePort(t)}
	file := filepath.Join(t.TempDir(), "out.gor")
	gor := startGor(t, "--input-raw", a.addr(), "--input-raw", b.addr(), "--input-tcp", links[0], "--input-tcp", links[1], "--output-file", file)
	var want [][]byte
	make1 := func(i int) [][]byte {
		r := [][]byte{fmt.Appendf(nil, "GET /%d HTTP/1.1\r\nHost: h\r\n\r\n", i)}
		want = append(want, r...)
		return r
	}
	must(t, sendAll(a.addr(), make1(1)))
	must(t, sendAll(b.addr(), make1(2)))
	for i, link := range links {
		in := writeFile(t, filepath.Join(t.TempDir(), "in.gor"), record(make1(3+i), []time.Duration{0}))
		if code, said := runGor(t, "--input-file", in, "--output-tcp", link); code != 0 {
			t.Fatalf("exit %d:\n%s", code, said)
		}
	}
	gor.stop()
	got, _ := readRecording(t, file, payload.Request)
	wantSame(t, got, want)
	wantSums(t, gor.said())
}
