package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/testkit"
)

// verdictPairs is how many pairs TestVerdictMemory compares; with GOR_VERDICT_LONG they
// are a recording of 2 GB and another one of as much.
func verdictPairs() int {
	if os.Getenv("GOR_VERDICT_LONG") != "" {
		return 1_000_000
	}
	return 5000
}

// TestVerdictMemory: the memory that a comparison takes is bounded whatever the size of
// the recordings, also when the answers to a request lie as far apart as they can.
func TestVerdictMemory(t *testing.T) {
	dir, n := t.TempDir(), verdictPairs()
	body := func(i, version int) string {
		var b strings.Builder
		fmt.Fprintf(&b, `{"user":%d,"at":"2026-01-%02dT10:00:%02dZ","items":[`, i, 1+version, i%60)
		for k := range 20 {
			price := float64((i*k)%1000) / 10
			if version == 1 && i%100 == 0 && k == 3 {
				price += 1
			}
			fmt.Fprintf(&b, `{"id":%d,"sku":"A-%06d","price":%.2f,"name":"thing number %d of many"},`, k, i*20+k, price, k)
		}
		b.WriteString(`{"id":20}]}`)
		return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", b.Len(), b.String())
	}
	record := func(name string, write func(add func(i int, typ byte, text string))) string {
		name = filepath.Join(dir, name)
		f, err := os.Create(name)
		testkit.Must(t, err)
		w := bufio.NewWriterSize(f, 1<<20)
		var record []byte
		write(func(i int, typ byte, text string) {
			m := payload.Meta{Type: typ, ID: payload.AppendID(nil, uint64(i/10+1), uint32(i%10)), Time: 1_700_000_000_000_000_000 + int64(i)*100_000, Duration: 1000, Length: int64(len(text))}
			record = payload.AppendRecord(record[:0], append(payload.AppendMeta(nil, m), text...))
			_, err := w.Write(record)
			testkit.Must(t, err)
		})
		testkit.Must(t, w.Flush())
		testkit.Must(t, f.Close())
		return name
	}
	old := record("old.gor", func(add func(int, byte, string)) {
		for i := range n {
			add(i, payload.Request, fmt.Sprintf("GET /users/%d/orders/%d HTTP/1.1\r\nHost: a\r\n\r\n", i%5000, i))
			add(i, payload.Response, body(i, 0))
		}
	})
	is := record("new.gor", func(add func(int, byte, string)) {
		for i := n - 1; i >= 0; i-- {
			add(i, payload.ReplayResponse, body(i, 1))
		}
	})
	began := time.Now()
	var out bytes.Buffer
	gor := testkit.SpawnTo(t, &out, "verdict", old, "--against", is)
	watch := watchMemory(t, gor)
	code := gor.Wait()
	<-watch.done
	if want := fmt.Sprintf("regression: GET /users/{id}/orders/{id}: body.items[].price has another value in %d of %d pairs\n", (n+99)/100, n); code != exitThreshold || !strings.HasPrefix(out.String(), want) {
		t.Errorf("exit %d: got %s, want %s", code, &out, want)
	}
	state := gor.Cmd.ProcessState
	t.Logf("%d pairs: %.1f MB at most, %.0f pairs/s, %s of CPU", n, mb(watch.peak), float64(n)/time.Since(began).Seconds(), state.UserTime()+state.SystemTime())
	if most := 64 << 20; watch.peak > most && !testkit.RaceEnabled {
		t.Errorf("%.1f MB of memory, want at most 64", mb(watch.peak))
	}
}

// TestVerdictMemoryOfVersions: eight new versions, each of which differs everywhere, take
// no more memory than one. The server gives every answer members that no other has, so
// that the counters of any one version would fill the memory.
func TestVerdictMemoryOfVersions(t *testing.T) {
	n, most := 400, 64<<20
	if os.Getenv("GOR_VERDICT_LONG") != "" {
		n, most = 4000, 80<<20
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"id": 1`)
		for i := range 20 {
			fmt.Fprintf(w, `,"a_member_with_a_rather_long_name_%s_%d":%q`, strings.ReplaceAll(r.URL.Path, "/", "_"), i, "as long as values are in practice, and of one target alone: "+r.URL.Path)
		}
		fmt.Fprint(w, "}")
	}))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	var recording []byte
	for i := range n {
		text := fmt.Sprintf("GET /things/a%d/b%d HTTP/1.1\r\nHost: a\r\n\r\n", i%90, i/90)
		m := payload.Meta{Type: payload.Request, ID: payload.AppendID(nil, uint64(i+1), 0), Time: 1_700_000_000_000_000_000 + int64(i)*1_000_000, Length: int64(len(text))}
		recording = payload.AppendRecord(recording, append(payload.AppendMeta(nil, m), text...))
	}
	args := []string{"--input-file", testkit.WriteFile(t, filepath.Join(dir, "production.gor"), recording) + "|max", "--output-http-track-response", "--output-verdict", filepath.Join(dir, "v"),
		"--output-http", server.URL + "/old#primary", "--output-http", server.URL + "/old#secondary", "--output-http-workers", "8"}
	const versions = 8
	for i := range versions {
		args = append(args, "--output-http", fmt.Sprintf("%s/v%d#v%d", server.URL, i, i))
	}
	gor := testkit.StartGor(t, args...)
	gor.Patience *= 3 // it works, and on a busy machine for long
	watch := watchMemory(t, gor)
	code := gor.Wait()
	<-watch.done
	said := gor.Stderr()
	if code != exitThreshold || !strings.Contains(said, "differences were counted without their places") {
		t.Errorf("exit %d, want %d, and word of too many differences:\n%s", code, exitThreshold, said)
	}
	if got := strings.Count(said, ": regression: (all routes): (other differences) removed in "); got < versions {
		t.Errorf("%d of %d versions have a regression:\n%s", got, versions, said)
	}
	t.Logf("%d requests: %.1f MB at most", n, mb(watch.peak))
	if watch.peak > most && !testkit.RaceEnabled {
		t.Errorf("%.1f MB of memory, want at most %d", mb(watch.peak), most>>20)
	}
}
