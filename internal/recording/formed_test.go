package recording

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/capture"
	"github.com/buger/gor/internal/formats"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/plugin/plugintest"
	"github.com/buger/gor/internal/stats"
	"github.com/buger/gor/internal/testkit"
)

// messagesIn are the messages of a file of any form: kind, and first line.
func messagesIn(t testing.TB, name string) (list []string) {
	t.Helper()
	content, err := os.ReadFile(name)
	testkit.Must(t, err)
	var r formats.Reader
	if strings.Contains(name, ".pcap") {
		r, err = capture.Open(capture.Config{Address: name, Logf: t.Logf})
	} else {
		r, err = formats.Open(bytes.NewReader(content), name, formats.Options{})
	}
	testkit.Must(t, err)
	for {
		msg, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		line, _, _ := bytes.Cut(payload.Body(msg), []byte("\r\n"))
		list = append(list, fmt.Sprintf("%c %s", msg[0], line))
	}
	if d := r.Damage(); d.Any() {
		t.Errorf("%s: %s", name, d)
	}
	return list
}

func pair(i int, body string) (request, response []byte) {
	at := recordStart + int64(i)*1e6
	id := payload.AppendID(nil, 7, uint32(i))
	request = append(payload.AppendMeta(nil, payload.Meta{Type: '1', ID: id, Time: at, Duration: -1, Length: -1}),
		fmt.Sprintf("POST /%d HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", i, len(body), body)...)
	response = append(payload.AppendMeta(nil, payload.Meta{Type: '2', ID: id, Time: at + 1000, Duration: 10, Length: -1}),
		fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)...)
	return request, response
}

func formFiles() map[string]formats.Kind {
	return map[string]formats.Kind{"x.har": formats.HAR, "x.curl": formats.Curl, "x.jsonl": formats.JSONLines, "x.pcap": formats.Pcap,
		"x.har.gz": formats.HAR, "x.har.zst": formats.HAR, "x.jsonl.gz": formats.JSONLines, "x.pcap.gz": formats.Pcap}
}

// The form of a file holds after each flush, and a second run goes on with it.
func TestFormsAreContinued(t *testing.T) {
	for name, form := range formFiles() {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), name)
			var want []string
			for run := range 2 {
				out := open(t, file, func(c *Config) { c.Form = form })
				for i := range 5 {
					n := run*5 + i
					request, response := pair(n, "body")
					out.put(t, request)
					out.put(t, response)
					out.settle(t)
					want = append(want, fmt.Sprintf("1 POST /%d HTTP/1.1", n))
					if form == formats.HAR || form == formats.Pcap {
						want = append(want, "2 HTTP/1.1 200 OK")
					}
					if got := messagesIn(t, file); !slices.Equal(got, want) {
						t.Fatalf("got %q\nwant %q", got, want)
					}
				}
				testkit.Must(t, out.Close())
				got, all := testkit.RowsOf(out.Counts()), uint64(10)
				if form == formats.HAR || form == formats.Pcap {
					all = 0
				}
				if got["delivered"] != 10-all/2 || got[stats.IgnoredRow] != all/2 || stats.Sum(out.Counts()) != 10 {
					t.Errorf("counts %v", got)
				}
			}
			if files := testkit.FilesIn(t, filepath.Dir(file)); len(files) != 1 {
				t.Errorf("there are %q", files)
			}
		})
	}
}

// What somebody else wrote, or what was cut, is left as it is.
func TestForeignFormsAreLeftAlone(t *testing.T) {
	for name, form := range formFiles() {
		for what, content := range map[string]string{
			"foreign": `{"log":{"version":"1.2","entries":[]}}` + "\n", "text": "hello\n", "recording": string(requests(2)), "cut": "",
		} {
			t.Run(name+" "+what, func(t *testing.T) {
				dir := t.TempDir()
				file := filepath.Join(dir, name)
				put := func() {
					out := open(t, file, func(c *Config) { c.Form = form })
					request, _ := pair(1, "body")
					out.put(t, request)
					testkit.Must(t, out.Drain(nil))
					testkit.Must(t, out.Close())
				}
				if what == "cut" {
					put()
					whole, err := os.ReadFile(file)
					testkit.Must(t, err)
					content = string(whole[:len(whole)-3])
				}
				testkit.WriteFile(t, file, []byte(content))
				put()
				if now, err := os.ReadFile(file); err != nil || string(now) != content {
					t.Errorf("the file has changed: %q, %v", now, err)
				}
				stem, ext := splitExt(name)
				if got := messagesIn(t, filepath.Join(dir, stem+"_0"+ext)); !slices.Equal(got, []string{"1 POST /1 HTTP/1.1"}) {
					t.Errorf("got %q", got)
				}
			})
		}
	}
}

func TestFormChunks(t *testing.T) {
	const n = 60
	for name, form := range formFiles() {
		for _, limits := range []chunkLimits{{records: 1}, {records: 8}, {bytes: 1}, {bytes: 4096}, {bytes: 30_000, records: 40}} {
			t.Run(fmt.Sprintf("%s %+v", name, limits), func(t *testing.T) {
				file := filepath.Join(t.TempDir(), name)
				out := open(t, file, func(c *Config) { c.Form, c.ChunkRecords, c.ChunkBytes = form, limits.records, limits.bytes })
				var want []string
				for i := range n {
					size := 10 + i*53%300
					if i == 30 {
						size = 20_000
					}
					request, _ := pair(i, strings.Repeat("x", size))
					out.put(t, request)
					want = append(want, fmt.Sprintf("1 POST /%d HTTP/1.1", i))
				}
				testkit.Must(t, out.Drain(nil))
				testkit.Must(t, out.Close())
				if got := testkit.RowsOf(out.Counts()); got["delivered"] != n || stats.Sum(out.Counts()) != n {
					t.Errorf("counts %v", got)
				}
				var got []string
				for i := range testkit.FilesIn(t, filepath.Dir(file)) {
					chunk := chunkName(file, i)
					in := messagesIn(t, chunk)
					info, err := os.Stat(chunk)
					testkit.Must(t, err)
					if limits.bytes > 0 && int(info.Size()) > limits.bytes && len(in) > 1 || limits.records > 0 && len(in) > limits.records {
						t.Errorf("%s has %d messages in %d bytes", chunk, len(in), info.Size())
					}
					got = append(got, in...)
				}
				if !slices.Equal(got, want) {
					t.Errorf("the chunks hold %d messages, or in another order: %q", len(got), got)
				}
				if limits.bytes == 30_000 && len(testkit.FilesIn(t, filepath.Dir(file))) > 4 {
					t.Errorf("%d files", len(testkit.FilesIn(t, filepath.Dir(file))))
				}
			})
		}
	}
}

// A request stands beside its response in a HAR, whatever came between; at the end
// it stands alone. The file is JSON all the time.
func TestHARWaitsForResponses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.har")
	out := open(t, file, func(c *Config) { c.Form = formats.HAR; c.FlushInterval = time.Millisecond })
	var late [][]byte
	for i := range 4 {
		request, response := pair(i, "b")
		out.put(t, request)
		late = append(late, response)
	}
	out.put(t, late[2])
	testkit.Eventually(t, "an entry", func() bool {
		text, _ := os.ReadFile(file)
		return json.Valid(text) && bytes.Contains(text, []byte("/2"))
	})
	out.put(t, late[2]) // a further one
	out.put(t, late[0])
	testkit.Must(t, out.Drain(nil))
	out.put(t, late[1]) // too late
	testkit.Must(t, out.Drain(nil))
	testkit.Must(t, out.Close())
	want := []string{"1 POST /0 HTTP/1.1", "2 HTTP/1.1 200 OK", "1 POST /1 HTTP/1.1", "1 POST /2 HTTP/1.1", "2 HTTP/1.1 200 OK", "1 POST /3 HTTP/1.1"}
	if got := messagesIn(t, file); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if got := testkit.RowsOf(out.Counts()); got["delivered"] != 6 || got[stats.IgnoredRow] != 1 || got["failed: has no place in such a file"] != 1 || stats.Sum(out.Counts()) != 8 {
		t.Errorf("counts %v", got)
	}
}

// In files of their own, too, exchanges have their responses, however many others came
// between.
func TestHARForEachExchange(t *testing.T) {
	dir := t.TempDir()
	out := open(t, filepath.Join(dir, "%r.har"), func(c *Config) { c.Form = formats.HAR; c.FlushInterval = time.Millisecond })
	const n = waitingFiles - 56
	var responses [][]byte
	for i := range n {
		request, response := pair(i, "b")
		out.put(t, request)
		responses = append(responses, response)
	}
	for i := range n { // they are done with, and take no room from those that wait
		request, response := pair(n+i, "b")
		out.put(t, request, response)
	}
	out.put(t, responses...)
	out.settle(t)
	testkit.Must(t, out.Close())
	if got := testkit.RowsOf(out.Counts()); got["delivered"] != 4*n {
		t.Errorf("counts %v", got)
	}
}

// TestLargeCaptureIsContinued: a capture is looked through beyond what is read of a
// compressed file.
func TestLargeCaptureIsContinued(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.pcap")
	put := func() int64 {
		out := open(t, file, func(c *Config) { c.Form = formats.Pcap })
		request, _ := pair(1, "body")
		out.put(t, request)
		testkit.Must(t, out.Drain(nil))
		testkit.Must(t, out.Close())
		fi, err := os.Stat(file)
		testkit.Must(t, err)
		return fi.Size()
	}
	size := put()
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND, 0)
	testkit.Must(t, err)
	const packet = checkMost + 1 // nearly all of it a hole
	head := binary.LittleEndian.AppendUint32(make([]byte, 8, 16), packet)
	_, err = f.Write(binary.LittleEndian.AppendUint32(head, packet))
	testkit.Must(t, err)
	testkit.Must(t, f.Truncate(size+16+packet))
	testkit.Must(t, f.Close())
	if now := put(); now <= size+16+packet {
		t.Errorf("it has %d bytes, and had %d", now, size+16+packet)
	}
}

// Of requests without responses none waits for long, and what waits is bounded.
func TestHARWithoutResponses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.har")
	out := open(t, file, func(c *Config) { c.Form = formats.HAR; c.FlushInterval = time.Millisecond; c.QueueBytes = 8 << 20 })
	const n = 2 * waitingMost
	for i := range n {
		request, _ := pair(i, "b")
		out.put(t, request)
	}
	out.settle(t)
	testkit.Must(t, out.Close())
	if got := messagesIn(t, file); len(got) != n {
		t.Errorf("got %d messages", len(got))
	}
}

// A file without any message is one of its kind.
func TestEmptyForms(t *testing.T) {
	dir := t.TempDir()
	for name, form := range formFiles() {
		file := filepath.Join(dir, name)
		for range 2 {
			testkit.Must(t, open(t, file, func(c *Config) { c.Form = form }).Close())
			if form == formats.Pcap {
				continue // a capture without packets is refused as such
			}
			if got := messagesIn(t, file); len(got) > 0 {
				t.Errorf("%s: got %q", name, got)
			}
		}
	}
	if text, err := os.ReadFile(filepath.Join(dir, "x.har")); err != nil || !json.Valid(text) {
		t.Errorf("got %q, %v", text, err)
	}
}

func TestFormContract(t *testing.T) {
	for name, form := range formFiles() {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), name)
			out := open(t, file, func(c *Config) {
				c.Form, c.FlushInterval, c.answerWait = form, 10*time.Millisecond, 20*time.Millisecond
			})
			plugintest.TestOutput(t, plugintest.Output{Output: out.Recorder})
			if got := messagesIn(t, file); len(got) != 80 {
				t.Errorf("%d messages", len(got))
			}
		})
	}
}
