package replay

import (
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/testkit"
)

func TestSchedule(t *testing.T) {
	percent := func(n int) pace.Limit { return pace.Limit{Kind: pace.LimitPercent, N: n} }
	tests := []struct {
		name   string
		limit  pace.Limit
		set    func(cfg *Config)
		record []float64
		want   []float64
		order  string
	}{
		{"as recorded", pace.Limit{}, nil, []float64{0, 10, 10, 35}, []float64{0, 10, 10, 35}, "/0/1/2/3"},
		{"twice as fast", percent(200), nil, []float64{0, 10, 30}, []float64{0, 5, 15}, "/0/1/2"},
		{"half as fast", percent(50), nil, []float64{0, 10, 30}, []float64{0, 20, 60}, "/0/1/2"},
		{"without waiting", pace.Limit{Kind: pace.LimitMax}, nil, []float64{0, 10, 1e9}, []float64{0, 0, 0}, "/0/1/2"},
		{"a count is the limiter's business", pace.Limit{Kind: pace.LimitCount, N: 3}, nil, []float64{0, 10}, []float64{0, 10}, "/0/1"},
		{"max wait", pace.Limit{}, func(cfg *Config) { cfg.Timing.MaxWait = 20 * time.Millisecond }, []float64{0, 10, 5000, 5010}, []float64{0, 10, 30, 40}, "/0/1/2/3"},
		{"late records within the window", pace.Limit{}, nil, []float64{0, 20, 10, 30}, []float64{0, 10, 20, 30}, "/0/2/1/3"},
		{"late records beyond the window", pace.Limit{}, func(cfg *Config) { cfg.Depth = 1 }, []float64{0, 20, 10, 30}, []float64{0, 20, 20, 30}, "/0/1/2/3"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := testConfig()
			if tt.set != nil {
				tt.set(cfg)
			}
			in := newReplay(t, testkit.InFile(t, "x.gor", requestsAt(tt.record...)), tt.limit, cfg)
			got := in.read(t, 100)
			if !slices.Equal(times(got), tt.want) || targets(got) != tt.order {
				t.Errorf("got %v at %v ms, want %v at %v", targets(got), times(got), tt.order, tt.want)
			}
		})
	}
}

func TestCountsOutOfOrder(t *testing.T) {
	cfg := testConfig()
	cfg.Depth = 2
	in := newReplay(t, testkit.InFile(t, "x.gor", requestsAt(0, 20, 10, 30, 40, 5)), pace.Limit{}, cfg)
	in.read(t, 100)
	if got := testkit.RowsOf(in.Counts()); got["records out of order"] != 2 || got["records too late for their place"] != 1 {
		t.Errorf("counts %v, want 2 out of order, 1 of them too late", got)
	}
}

// TestLateGoesAtOnce: the plan does not move when a message is late,
// and the lag is measured against it.
func TestLateGoesAtOnce(t *testing.T) {
	in := newReplay(t, testkit.InFile(t, "x.gor", requestsAt(0, 10, 20, 30)), pace.Limit{}, nil)
	got := in.read(t, 2)
	in.clock.now += 15e6 // an output took its time
	got = append(got, in.read(t, 2)...)
	if want := []float64{0, 10, 25, 30}; !slices.Equal(times(got), want) {
		t.Errorf("given at %v, want %v", times(got), want)
	}
	var b bytes.Buffer
	in.read(t, 1)
	in.Report(plugin.NewReport(&b))
	if got, want := b.String(), "replay: 4 records in 30ms (recorded over 30ms), lag p50 0s p99 5ms max 5ms\n"; !strings.Contains(got, "in 30ms (recorded over 30ms), lag p50 0s") || !strings.Contains(got, "max 5.") && got != want {
		t.Errorf("report %q, want %q", got, want)
	}
}

func TestAnnouncesGaps(t *testing.T) {
	name := testkit.InFile(t, "x.gor", requestsAt(0, 59_000, 59_000+3_600_000))
	in := newReplay(t, name, pace.Limit{}, nil)
	in.read(t, 100)
	if n := in.log.Count("the longest wait"); n != 1 || !in.log.Has("1h0m0s") {
		t.Errorf("said %q, want the gap of an hour announced with the flag that shortens it", in.log.Lines())
	}
}

func TestLoops(t *testing.T) {
	cfg := testConfig()
	cfg.Loop = true
	in := newReplay(t, testkit.InFile(t, "x.gor", requestsAt(0, 20, 10)), pace.Limit{}, cfg)
	got := in.read(t, 9)
	// A pass begins one mean gap after the end of the one before.
	if want := []float64{0, 10, 20, 30, 40, 50, 60, 70, 80}; !slices.Equal(times(got), want) || targets(got) != "/0/2/1/0/2/1/0/2/1" {
		t.Errorf("given %s at %v, want %v", targets(got), times(got), want)
	}
	// One of each pass was out of order; of the present one all were read.
	if got := testkit.RowsOf(in.Counts()); got["records out of order"] != 3 || got["records too late for their place"] != 0 {
		t.Errorf("counts %v", got)
	}
	testkit.Must(t, in.Close())
	if rest := in.read(t, 1); len(rest) != 0 {
		t.Errorf("%v after Close", rest)
	}
}

// TestNothingToReplay: a file that holds no record is named for what it is, and
// looping over it ends too.
func TestNothingToReplay(t *testing.T) {
	for content, want := range map[string]string{
		"":                         "x.gor is empty",
		"no recording at all\n":    "x.gor is not a recording: it is text",
		"\xd4\xc3\xb2\xa1\x02\x00": "x.gor is not a recording: it is a capture of packets (pcap)",
		"\x00\x01\x02":             "x.gor is not a recording: it is binary data",
		"1 a 1400000000000000000 -1 30\nGET / HTTP/1.1\r\n": "x.gor holds nothing to replay: 1 torn at the end",
	} {
		for _, loop := range []bool{false, true} {
			cfg := testConfig()
			cfg.Loop = loop
			_, err := Open(*withPattern(cfg, testkit.InFile(t, "x.gor", []byte(content))))
			if !errors.As(err, new(*NothingError)) || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v, want %q in it", content, err, want)
			}
		}
	}
}

func TestFormats(t *testing.T) {
	old := strings.Join([]string{
		"1 a 1700000000000000000\nGET /3f HTTP/1.1\r\n\r\n",
		"1 b 1700000000001000000 -1\nGET /4f HTTP/1.1\r\n\r\n",
		"2 b 1700000000002000000 7\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		"",
	}, payload.Separator)
	mixed := append([]byte(old), aRecord(payload.Request, "c", 3, "GET /5f HTTP/1.1\r\n\r\n")...)

	var oldest bytes.Buffer
	type RawRequest struct {
		Timestamp int64
		Request   []byte
	}
	enc := gob.NewEncoder(&oldest)
	for i, at := range []int64{1400000000000000000, 1400000000500000000} {
		testkit.Must(t, enc.Encode(RawRequest{at, fmt.Appendf(nil, "GET /g%d HTTP/1.1\r\n\r\n", i)}))
	}
	half := len(mixed) / 2
	tests := []struct {
		name    string
		content []byte
		want    string
		kinds   string
	}{
		{"plain.gor", mixed, "/3f/4f200/5f", "1121"},
		{"oldest.gor", oldest.Bytes(), "/g0/g1", "11"},
		{"members.gor.gz", append(testkit.Gzipped(t, mixed[:half]), testkit.Gzipped(t, mixed[half:])...), "/3f/4f200/5f", "1121"},
		{"frames.gor.zst", append(testkit.ZstdFrame(t, mixed[:half]), testkit.ZstdFrame(t, mixed[half:])...), "/3f/4f200/5f", "1121"},
		{"name.says.nothing", testkit.Gzipped(t, mixed), "/3f/4f200/5f", "1121"},
		{"oldest.gz", testkit.Gzipped(t, oldest.Bytes()), "/g0/g1", "11"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := newReplay(t, testkit.InFile(t, tt.name, tt.content), pace.Limit{}, nil)
			got := in.read(t, 100)
			kinds := ""
			for _, g := range got {
				kinds += string(g.kind)
			}
			if targets(got) != tt.want || kinds != tt.kinds {
				t.Errorf("got %s of kinds %s, want %s of %s", targets(got), kinds, tt.want, tt.kinds)
			}
			if len(in.log.Lines()) > 0 {
				t.Errorf("said %q", in.log.Lines())
			}
		})
	}
}

func TestDamageIsCountedAndSaid(t *testing.T) {
	whole := requestsAt(0, 1, 2, 3)
	each := len(whole) / 4
	damaged := slices.Concat(whole[:each], []byte("rubbish"+payload.Separator), whole[each:4*each-20])
	cfg := testConfig()
	in := newReplay(t, testkit.InFile(t, "x.gor", damaged), pace.Limit{}, cfg)
	if got := targets(in.read(t, 100)); got != "/0/1/2" {
		t.Errorf("got %s", got)
	}
	if got := testkit.RowsOf(in.Counts()); got["damaged records"] != 1 || got["torn records"] != 1 {
		t.Errorf("counts %v", got)
	}
	if !in.log.Has("x.gor") || !in.log.Has(fmt.Sprintf("at byte %d", each)) {
		t.Errorf("said %q, want the file and the offset", in.log.Lines())
	}
}

func TestTooLargeIsExplained(t *testing.T) {
	cfg := testConfig()
	cfg.MessageLimit = 4 << 10
	big := aRecord(payload.Request, "b", 1, "POST /big HTTP/1.1\r\nContent-Length: 5000\r\n\r\n"+strings.Repeat("x", 5000))
	in := newReplay(t, testkit.InFile(t, "x.gor", append(requestsAt(0), big...)), pace.Limit{}, cfg)
	in.read(t, 100)
	if got := testkit.RowsOf(in.Counts()); got["records too large"] != 1 || !in.log.Has("the largest message is the limit") {
		t.Errorf("counts %v, said %q", got, in.log.Lines())
	}
}

// TestCloseDuringWait: with the real clock, and a wait of a day.
func TestCloseDuringWait(t *testing.T) {
	in, err := Open(*withPattern(testConfig(), testkit.InFile(t, "x.gor", requestsAt(0, 24*3600*1000))))
	testkit.Must(t, err)
	buf := make([]byte, 4<<10)
	_, err = in.Read(buf)
	testkit.Must(t, err)
	ended := make(chan error, 1)
	go func() {
		_, err := in.Read(buf)
		ended <- err
	}()
	testkit.Must(t, in.Close())
	select {
	case err := <-ended:
		if err != io.EOF {
			t.Errorf("Read: %v, want io.EOF", err)
		}
	case <-time.After(testkit.Timeout):
		t.Fatal("Close does not end the wait")
	}
}

func TestReadAllocatesNothing(t *testing.T) {
	in := newReplay(t, testkit.InFile(t, "x.gor", testRecording(4000, 300)), pace.Limit{}, nil)
	buf := make([]byte, 64<<10)
	read := func() {
		if _, err := in.Read(buf); err != nil {
			t.Fatal(err)
		}
	}
	in.clock.waits = make([]int64, 0, 8000)
	for range 500 { // the window's buffers are made
		read()
	}
	if n := testing.AllocsPerRun(1000, read); n > 0 {
		t.Errorf("%v allocations per message", n)
	}
}

// testRecording is n records of about size bytes, 10 µs apart.
func testRecording(n, size int) []byte {
	var b, msg []byte
	for i := range n {
		msg = payload.AppendMeta(msg[:0], payload.Meta{Type: payload.Request, ID: payload.AppendID(nil, 7, uint32(i)), Time: recordStart + int64(i)*10_000, Duration: 1, Length: -1})
		msg = fmt.Appendf(msg, "GET /%d HTTP/1.1\r\nHost: h\r\nX: %s\r\n\r\n", i, strings.Repeat("x", max(size-130, 0)))
		b = payload.AppendRecord(b, msg)
	}
	return b
}

func BenchmarkReplayMax(b *testing.B) {
	for _, size := range []int{200, 1000, 16 << 10} {
		for _, suffix := range []string{"", ".gz", ".zst"} {
			b.Run(fmt.Sprintf("%d bytes%s", size, suffix), func(b *testing.B) {
				one := testRecording(max(4<<20/size, 1), size)
				content := one
				switch suffix {
				case ".gz":
					content = testkit.Gzipped(b, one)
				case ".zst":
					content = testkit.ZstdFrame(b, one)
				}
				cfg := testConfig()
				cfg.Loop = true
				in := newReplay(b, testkit.InFile(b, "x.gor"+suffix, bytes.Repeat(content, 8)), pace.Limit{Kind: pace.LimitMax}, cfg)
				buf := make([]byte, 64<<10)
				var total int64
				b.ReportAllocs()
				for b.Loop() {
					n, err := in.Read(buf)
					if err != nil {
						b.Fatal(err)
					}
					total += int64(n)
				}
				b.SetBytes(total / int64(b.N))
			})
		}
	}
}
