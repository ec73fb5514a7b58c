package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/bench/command"
	"github.com/buger/gor/bench/loadgen"
	"github.com/buger/gor/bench/netns"
	"github.com/buger/gor/internal/payload"
)

// TestMeasure measures tcpdump beside nginx over both links.
func TestMeasure(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("it captures packets and needs root: sudo go test ./bench/capture")
	}
	for _, tool := range []string{"tcpdump", "nginx", "ip"} {
		if _, err := netns.Tool(tool); err != nil {
			t.Skipf("%v: sudo scripts/bench-deps", err)
		}
	}
	o := options{seconds: 1, conns: 4, captors: captors("gor", "", "")}
	for _, link := range []string{"loopback", "veth"} {
		s, err := openSite(t.Context(), link)
		if err != nil {
			t.Fatal(err)
		}
		m, err := measure(t.Context(), s, o.captors[1], loadgen.Post1k, o)
		if err != nil {
			t.Fatal(err)
		}
		if m.rate < 10 || m.requests < 10 || m.cpu <= 0 || m.cpu > 2*time.Second || m.memory < 1<<20 || m.dropped < 0 || m.recorded != -1 {
			t.Errorf("%s: %+v", link, m)
		}
		// A captor that cannot start is not a measurement.
		o.captors[1].args[0] = "-no-such-option"
		if _, err := measure(t.Context(), s, o.captors[1], loadgen.Post1k, o); err == nil || !strings.Contains(err.Error(), "tcpdump") {
			t.Errorf("%s: %v", link, err)
		}
		o.captors[1].args[0] = "-i"
		if err := s.close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(s.dir); !os.IsNotExist(err) {
			t.Errorf("%s: %v", s.dir, err)
		}
	}
}

// TestCapturing: a program captures when it has a packet socket that is bound.
func TestCapturing(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("it captures packets and needs root: sudo go test ./bench/capture")
	}
	if _, err := netns.Tool("tcpdump"); err != nil {
		t.Skipf("%v: sudo scripts/bench-deps", err)
	}
	if capturing(os.Getpid()) {
		t.Error("the test captures")
	}
	p, err := start(netns.Host{}, "tcpdump", "-i", "lo", "-w", "/dev/null", "tcp port 1")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.await(t.Context(), "captures", func() bool { return capturing(p.cmd.Process.Pid) }); err != nil {
		t.Error(err)
	}
	if err := p.stop(); err != nil {
		t.Error(err)
	}
}

func TestParse(t *testing.T) {
	t.Setenv(peerVar, "")
	o, err := parsed([]string{"-rounds", "2", "-cases", "get,mixed", "-links", "veth", "gor"})
	if err != nil || o.rounds != 2 || len(o.cases) != 2 || o.cases[1] != loadgen.Mixed || len(o.links) != 1 || len(o.captors) != 4 {
		t.Errorf("%+v, %v", o, err)
	}
	for _, test := range []struct{ args, want string }{
		{"", "want one binary"},
		{"a b", "want one binary"},
		{"-rounds 0 gor", "positive"},
		{"-cases gets gor", `"gets"`},
		{"-links wifi gor", `"wifi"`},
	} {
		if _, err := parsed(strings.Fields(test.args)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: %v, want %s", test.args, err, test.want)
		}
	}
}

func TestCaptors(t *testing.T) {
	var names []string
	list := captors("gor", "/opt/other", "--input-raw :{port} --output-file {file}")
	for _, c := range list {
		names = append(names, c.name)
	}
	if want := []string{"nothing", "tcpdump", "tcpdump to a file", "gor", "peer other"}; !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
	if list[3].program != "./gor" || !list[3].records || !list[4].records || list[1].records || list[2].records {
		t.Errorf("%+v", list)
	}
	if len(captors("/gor", "", "")) != 4 {
		t.Error("there is a peer that nobody named")
	}
}

func TestParseWrk(t *testing.T) {
	const good = `Running 1s test @ http://127.0.0.1:80/
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   420.11us    1.07ms  26.20ms   97.11%
    Req/Sec    37.31k     3.02k   41.21k    80.00%
  37132 requests in 1.00s, 5.55MB read
Requests/sec:  37129.21
Transfer/sec:      5.55MB
microseconds 412 1730 5020
`
	var m measurement
	if err := parseWrk(good, &m); err != nil || m.requests != 37132 || m.rate != 37129.21 ||
		m.latency != (latencies{412 * time.Microsecond, 1730 * time.Microsecond, 5020 * time.Microsecond}) {
		t.Errorf("%+v, %v", m, err)
	}
	for _, bad := range []string{
		"",
		strings.Replace(good, "microseconds", "seconds", 1),
		strings.Replace(good, "Requests/sec:", "  Socket errors: connect 0, read 3, write 0, timeout 0\nRequests/sec:", 1),
		strings.Replace(good, "Requests/sec:", "  Non-2xx or 3xx responses: 3\nRequests/sec:", 1),
	} {
		if err := parseWrk(bad, &m); err == nil {
			t.Errorf("no error for %q", bad)
		}
	}
}

func TestDroppedByKernel(t *testing.T) {
	for _, test := range []struct {
		said string
		want int64
		kept int64
	}{
		{"12 packets captured\n24 packets received by filter\n3 packets dropped by kernel\n", 3, 12},
		{"1 packet captured\n2 packets received by filter\n1 packet dropped by kernel\n", 1, 1},
		{"gor: the kernel dropped 5 packets: raise it\ngor: ledger after 1s\n    before that: 9 packets, 7 packets dropped by the kernel, 1 connections\n", 7, 9},
		{"gor: ledger after 1s\n    before that: 9 packets, 2 requests\n", 0, 9},
		{"nothing of the kind", -1, -1},
	} {
		if got := droppedByKernel(test.said); got != test.want {
			t.Errorf("%q: %d, want %d", test.said, got, test.want)
		}
		if got := keptOf(test.said); got != test.kept {
			t.Errorf("%q: kept %d, want %d", test.said, got, test.kept)
		}
	}
}

func TestParseProc(t *testing.T) {
	if got, err := parseSchedstat("9653182 6622398 35\n"); got != 9653182 || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := parsePeak("Name:\tgor\nVmHWM:\t   36500 kB\nVmRSS:\t 10 kB\n"); got != 36500<<10 || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := parsePeak("Name:\tgor\n"); err == nil {
		t.Error("a peak out of nothing")
	}
	table := `sk               RefCnt Type Proto  Iface R Rmem   User   Inode
0000000000000000 3      2    0003   0     1 0      0      4711
0000000000000000 3      2    0000   0     0 0      0      4712
`
	if got := boundSockets(table); len(got) != 1 || !got["4711"] {
		t.Errorf("%v", got)
	}
	if cpu, err := cpuSoFar(os.Getpid()); err != nil || cpu <= 0 {
		t.Errorf("%v, %v", cpu, err)
	}
}

// TestCountRecorded: all requests count, in all files, or of numbered ones
// those that are intact.
func TestCountRecorded(t *testing.T) {
	traffic := loadgen.NewTraffic(loadgen.Get, 1)
	dir := t.TempDir()
	record := func(kind byte, raw string) []byte {
		msg := payload.AppendMeta(nil, payload.Meta{Type: kind, ID: []byte("a"), Time: 1, Length: -1})
		return payload.AppendRecord(nil, append(msg, raw...))
	}
	for i := range 3 {
		raw := string(traffic.Append(nil, loadgen.Number{Seq: uint32(i)}))
		if i == 2 {
			raw += "x"
		}
		content := append(record(payload.Request, raw), record(payload.Response, "HTTP/1.1 200 OK\r\n\r\n")...)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var m measurement
	if err := countRecorded(dir, traffic, nil, &m); err != nil || m.recorded != 3 || m.wrong != 0 {
		t.Errorf("%+v, %v", m, err)
	}
	if err := countRecorded(dir, traffic, []uint32{4}, &m); err != nil || m.recorded != 2 || m.wrong != 1 {
		t.Errorf("%+v, %v", m, err)
	}
}

// TestTable: medians, ratios within rounds, sums, and goals that are met or
// missed.
func TestTable(t *testing.T) {
	o := options{rounds: 3, seconds: 1, conns: 16, captors: captors("gor", "", "")}
	table := newTable("loopback", loadgen.Get, o)
	for i, rate := range []float64{1000, 2000, 400} { // the machine changes its mind
		table.add(nothing, measurement{rate: rate, requests: 1000, dropped: -1, recorded: -1, latency: latencies{1e6, 2e6, 3e6}})
		table.add(tcpdump, measurement{rate: rate * 0.8, requests: 1000, cpu: 10 * time.Millisecond, memory: 8 << 20, recorded: -1, latency: latencies{1e6, 4e6, 8e6}})
		table.add(tcpdumpFile, measurement{rate: rate * 0.7, requests: 1000, cpu: 20 * time.Millisecond, memory: 8 << 20, recorded: -1, latency: latencies{1e6, 4e6, 8e6}})
		table.add(ourGor, measurement{rate: rate * 0.9, requests: 1000, cpu: 30 * time.Millisecond, memory: int64(30+10*i) << 20, recorded: 999, dropped: 1, kept: 999, latency: latencies{1e6, 5e6, 9e6}})
	}
	if got := table.ratio(ourGor, nothing, rateOf); got < 0.899 || got > 0.901 {
		t.Errorf("ratio %v, want 0.9", got)
	}
	var out bytes.Buffer
	if err := table.write(&out); err != nil {
		t.Fatal(err)
	}
	var row []string
	for line := range strings.Lines(out.String()) {
		if f := strings.Fields(line); len(f) > 0 && f[0] == ourGor {
			row = f
		}
	}
	if want := strings.Fields("gor 900 0.90 1.12 1.000 5.000 1.25 9.000 3.000 3.00 40.0 2997 of 3000 0 3 99.9%"); !slices.Equal(row, want) {
		t.Errorf("row %q, want %q", row, want)
	}
	for _, want := range []string{
		"goal met: CPU 3.00 times tcpdump's",
		"goal met: throughput 1.125 of that beside tcpdump",
		"goal met: the server's p99 1.25 times that beside tcpdump",
		"goal missed: 50.0 MB resident",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if goals := newTable("veth", loadgen.Pipe8, o).goals(); len(goals) != 0 {
		t.Errorf("goals without a promise: %q", goals)
	}
}

// TestStop: a program that has ended already is not an error to who stops it, and
// to who waits for it one that names it.
func TestStop(t *testing.T) {
	p, err := start(netns.Host{}, "true")
	if err != nil {
		t.Fatal(err)
	}
	<-p.ended
	if err := p.stop(); err != nil {
		t.Error(err)
	}
	if err := p.await(t.Context(), "does what it never will", func() bool { return false }); err == nil || !strings.Contains(err.Error(), "true ended") {
		t.Errorf("%v", err)
	}
	if _, err := start(netns.Host{}, "no-such-program"); err == nil || !strings.Contains(err.Error(), "bench-deps") {
		t.Errorf("%v", err)
	}
}

func TestFreePort(t *testing.T) {
	port, err := freePort(netns.Host{}, "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatalf("port %s is not free: %v", port, err)
	}
	l.Close()
}

func parsed(args []string) (o options, err error) {
	fs := command.Flags("capture", usage, io.Discard)
	check := o.flags(fs)
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	err = check()
	return o, err
}
