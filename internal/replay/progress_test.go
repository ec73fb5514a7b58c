package replay

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/testkit"
)

// randomRecords are so many records a second apart, with bodies that do not
// compress.
func randomRecords(n, size int) (records [][]byte) {
	random := rand.NewChaCha8([32]byte{})
	body := make([]byte, size)
	for i := range n {
		random.Read(body)
		records = append(records, aRecord(payload.Request, "a", float64(i)*1000, fmt.Sprintf("POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s", size, body)))
	}
	return records
}

func packed(pack func(testing.TB, []byte) []byte, t *testing.T, parts [][]byte) (all []byte) {
	for part := range slices.Chunk(parts, 100) {
		all = append(all, pack(t, slices.Concat(part...))...)
	}
	return all
}

func TestLastTime(t *testing.T) {
	const n = 600 // more than is read as a whole
	large := randomRecords(n, 8<<10)
	small := slices.Concat(large[:100]...)
	forged := aRecord(payload.Request, "a", n*1000, "POST / HTTP/1.1\r\n\r\n"+payload.Separator+"1 b 1800000000000000000 1\nGET / HTTP/1.1\r\n\r\n"+payload.Separator+strings.Repeat("x", 100<<10))
	for _, tt := range []struct {
		name    string
		content []byte
		want    float64 // seconds after recordStart, -1 is unknown
	}{
		{"empty", nil, -1},
		{"no recording", bytes.Repeat([]byte("x"), 5<<20), -1},
		{"small", small, 99},
		{"small.gz", testkit.Gzipped(t, small), 99},
		{"small.zst", testkit.ZstdFrame(t, small), 99},
		{"large", slices.Concat(large...), n - 1},
		{"large and torn", slices.Concat(large...)[:n*len(large[0])-100], n - 2},
		{"a record larger than the first look", slices.Concat(append(large, randomRecords(1, 3<<20)...)...), n - 1},
		{"what a body holds of other times", append(slices.Concat(large...), forged...), n},
		{"members", packed(testkit.Gzipped, t, large), n - 1},
		{"frames", packed(testkit.ZstdFrame, t, large), n - 1},
		{"one large member", testkit.Gzipped(t, slices.Concat(large...)), n - 1},
		{"members, the last torn", packed(testkit.Gzipped, t, large)[:4500<<10], -1},
		{"out of order at the end", slices.Concat(append(large, large[10])...), n - 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			at, ok := lastTime(testkit.InFile(t, "x", tt.content), 16<<20)
			got := float64(-1)
			if ok {
				got = float64(at-recordStart) / 1e9
			}
			if tt.name == "members, the last torn" && ok { // the replay gets no further either
				tt.want = got
			}
			if got != tt.want {
				t.Errorf("the last record is at %v s, want %v", got, tt.want)
			}
		})
	}
	member := testkit.Gzipped(t, slices.Concat(large...))
	if at, ok := lastOfMembers(member[1000:], member[:3], 16<<20); ok {
		t.Errorf("a member without its beginning has a record at %d", at)
	}
}

// TestProgressFollowsTheRecordedTime: a recording so small that all of it is read
// at once is not over before its time is.
func TestProgressFollowsTheRecordedTime(t *testing.T) {
	dir := t.TempDir()
	for i, part := range [][]byte{requestsAt(0, 4000, 8000), requestsAt(2000, 6000, 20_000)} {
		testkit.WriteFile(t, filepath.Join(dir, fmt.Sprintf("%d.gor", i)), part)
	}
	for _, tt := range []struct {
		limit pace.Limit
		speed float64
	}{{pace.Limit{}, 1}, {pace.Limit{Kind: pace.LimitPercent, N: 200}, 2}, {pace.Limit{Kind: pace.LimitCount, N: 5}, 1}} {
		in := newReplay(t, filepath.Join(dir, "*.gor"), tt.limit, nil)
		want := func(done time.Duration) {
			t.Helper()
			if p := in.Progress(); p.Done != int64(done) || p.All != int64(20*time.Second) {
				t.Errorf("%s: %s of %s, want %s of 20s", tt.limit, time.Duration(p.Done), time.Duration(p.All), done)
			}
		}
		for _, at := range []time.Duration{0, 2, 4, 6, 8} {
			in.read(t, 1)
			want(at * time.Second)
		}
		// The next one is waited for, half of the time is over.
		testkit.Must(t, in.next())
		in.clock.now += int64(float64(6*time.Second) / tt.speed)
		want(14 * time.Second)
		in.clock.now += int64(time.Hour)
		want(20 * time.Second)
		if in.read(t, 100); in.err == nil {
			t.Error("the replay goes on")
		}
		want(20 * time.Second)
	}
}

// TestProgressInBytes: where nothing is waited for, or nobody knows the end.
func TestProgressInBytes(t *testing.T) {
	content := requestsAt(0, 10, 20)
	for _, tt := range []struct {
		content []byte
		limit   pace.Limit
	}{{content, pace.Limit{Kind: pace.LimitMax}}, {requestsAt(0, 0), pace.Limit{}}} {
		in := newReplay(t, testkit.InFile(t, "x.gor", tt.content), tt.limit, nil)
		in.read(t, 1)
		if p := in.Progress(); p.All != int64(len(tt.content)) || p.Done != p.All {
			t.Errorf("%s: %d of %d, want all of %d bytes, which were read", tt.limit, p.Done, p.All, len(tt.content))
		}
	}
	cfg := testConfig()
	cfg.Loop = true
	if p := newReplay(t, testkit.InFile(t, "x.gor", content), pace.Limit{}, cfg).Progress(); p.All != 0 {
		t.Errorf("%d of %d in a loop", p.Done, p.All)
	}
}
