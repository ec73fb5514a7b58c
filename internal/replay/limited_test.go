package replay

import (
	"bytes"
	"io"
	"slices"
	"testing"

	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/stats"
	"github.com/buger/gor/internal/testkit"
)

// first is a Limiter that lets so many messages through.
type first struct {
	left    int
	refused uint64
}

func (f *first) Admit([]byte) bool {
	if f.left--; f.left >= 0 {
		return true
	}
	f.refused++
	return false
}

func (f *first) Limited() uint64 { return f.refused }

// TestLimitsOfSources: what limits one source limits no other's messages.
func TestLimitsOfSources(t *testing.T) {
	cfg := testConfig()
	cfg.Timing.MaxWait = 1 // ns: everything comes at once
	for _, name := range []string{"0.gor", "1.gor", "2.gor"} {
		content := bytes.ReplaceAll(requestsAt(0, 1, 2, 3, 4, 5, 6, 7, 8, 9), []byte("GET /"), []byte("GET /"+name[:1]+"/"))
		cfg.Sources = append(cfg.Sources, Source{Pattern: testkit.InFile(t, name, content)})
	}
	cfg.Sources[1].Limit = pace.Limit{Kind: pace.LimitCount, N: 3}
	r, err := Open(*cfg)
	testkit.Must(t, err)
	in := Limit(r, []Limiter{nil, &first{left: 3}, &first{left: 1}})
	defer in.Close()
	got := map[byte]int{}
	for buf := make([]byte, 4<<10); ; {
		n, err := in.Read(buf)
		if err == io.EOF {
			break
		}
		testkit.Must(t, err)
		_, rest, _ := bytes.Cut(buf[:n], []byte("GET /"))
		got[rest[0]]++
	}
	if got['0'] != 10 || got['1'] != 3 || got['2'] != 1 {
		t.Errorf("passed %v of each file, want 10, 3 and 1", got)
	}
	if rows := in.Counts(); rows[0] != (stats.Count{Name: "limited", Kind: stats.Limited, N: 16}) {
		t.Errorf("counts %v, want 16 limited", rows)
	}
	if want := "input-file " + cfg.Sources[0].Pattern + ", " + cfg.Sources[1].Pattern + "|3, " + cfg.Sources[2].Pattern; in.String() != want {
		t.Errorf("called %s, want %s", in, want)
	}
}

func TestGroups(t *testing.T) {
	none, count := &pace.Limit{}, &pace.Limit{Kind: pace.LimitCount, N: 10}
	hundred, twice, most := &pace.Limit{Kind: pace.LimitPercent, N: 100}, &pace.Limit{Kind: pace.LimitPercent, N: 200}, &pace.Limit{Kind: pace.LimitMax}
	for _, tt := range []struct {
		name   string
		limits []*pace.Limit
		groups [][]int
		speeds int
	}{
		{"nothing", nil, nil, 0},
		{"no recording", []*pace.Limit{nil, nil}, [][]int{{0}, {1}}, 0},
		{"one speed", []*pace.Limit{none, nil, count, hundred}, [][]int{{0, 2, 3}, {1}}, 1},
		{"without waiting", []*pace.Limit{most, most}, [][]int{{0, 1}}, 1},
		{"three speeds", []*pace.Limit{twice, none, twice, most}, [][]int{{0, 2}, {1}, {3}}, 3},
	} {
		groups, speeds := Groups(tt.limits)
		if !slices.EqualFunc(groups, tt.groups, slices.Equal) || speeds != tt.speeds {
			t.Errorf("%s: %v of %d speeds, want %v of %d", tt.name, groups, speeds, tt.groups, tt.speeds)
		}
	}
}
