package replay

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/testkit"
)

// newMergedReplay is newReplay for several sources.
func newMergedReplay(t *testing.T, cfg *Config, sources ...Source) replayed {
	t.Helper()
	cfg.Sources = sources[:len(sources)-1]
	last := sources[len(sources)-1]
	return newReplay(t, last.Pattern, last.Limit, cfg)
}

// TestSourcesAreMerged: as the files of one pattern are, at any pace, and each
// message is known by its source.
func TestSourcesAreMerged(t *testing.T) {
	early := testkit.InFile(t, "z.gor", requestsAt(0, 30, 60, 60, 90))
	late := testkit.InFile(t, "a.gor", bytes.ReplaceAll(requestsAt(20, 60, 5000), []byte("GET /"), []byte("GET /b")))
	percent := pace.Limit{Kind: pace.LimitPercent, N: 200}
	maximum := pace.Limit{Kind: pace.LimitMax}
	const order = "/0/b0/1/2/3/b1/4/b2"
	for _, tt := range []struct {
		name   string
		limits [2]pace.Limit
		set    func(cfg *Config)
		want   []float64
	}{
		{"as recorded", [2]pace.Limit{}, nil, []float64{0, 20, 30, 60, 60, 60, 90, 5000}},
		{"a count and 100 percent", [2]pace.Limit{{Kind: pace.LimitCount, N: 7}, {Kind: pace.LimitPercent, N: 100}}, nil, []float64{0, 20, 30, 60, 60, 60, 90, 5000}},
		{"twice as fast", [2]pace.Limit{percent, percent}, nil, []float64{0, 10, 15, 30, 30, 30, 45, 2500}},
		{"without waiting", [2]pace.Limit{maximum, maximum}, nil, []float64{0, 0, 0, 0, 0, 0, 0, 0}},
		{"pauses that all have", [2]pace.Limit{}, func(cfg *Config) { cfg.Timing.MaxWait = 25 * time.Millisecond }, []float64{0, 20, 30, 55, 55, 55, 80, 105}},
		{"at a rate", [2]pace.Limit{}, func(cfg *Config) { cfg.Timing.Rate = 100 }, []float64{0, 10, 20, 30, 40, 50, 60, 70}},
		{"without a window", [2]pace.Limit{}, func(cfg *Config) { cfg.Depth = 1 }, []float64{0, 20, 30, 60, 60, 60, 90, 5000}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := testConfig()
			if tt.set != nil {
				tt.set(cfg)
			}
			in := newMergedReplay(t, cfg, Source{early, tt.limits[0]}, Source{late, tt.limits[1]})
			var got []given
			sources := ""
			for one := in.read(t, 1); len(one) > 0; one = in.read(t, 1) {
				got = append(got, one...)
				sources += fmt.Sprint(in.Source())
			}
			if targets(got) != order || sources != "01000101" || !slices.Equal(times(got), tt.want) {
				t.Errorf("got %s of %s at %v, want %s at %v", targets(got), sources, times(got), order, tt.want)
			}
		})
	}
}

func TestMergedSourcesLoopTogether(t *testing.T) {
	cfg := testConfig()
	cfg.Loop = true
	in := newMergedReplay(t, cfg, Source{Pattern: testkit.InFile(t, "a.gor", requestsAt(0, 20))}, Source{Pattern: testkit.InFile(t, "b.gor", requestsAt(10))})
	if got := in.read(t, 6); !slices.Equal(times(got), []float64{0, 10, 20, 30, 40, 50}) {
		t.Errorf("given at %v", times(got))
	}
}

func TestErrorsTellTheSource(t *testing.T) {
	there := Source{Pattern: testkit.InFile(t, "a.gor", requestsAt(0))}
	for _, bad := range []string{"", filepath.Join(t.TempDir(), "missing"), filepath.Join(t.TempDir(), "missing*"), t.TempDir()} {
		cfg := testConfig()
		cfg.Sources = []Source{there, {Pattern: bad}, there}
		_, err := Open(*cfg)
		for what, err := range map[string]error{"Open": err, "Check": Check(*cfg)} {
			if source := (*SourceError)(nil); !errors.As(err, &source) || source.Index != 1 {
				t.Errorf("%s %q: %v, want an error of source 1", what, bad, err)
			}
		}
	}
}

func TestDryRunOfSources(t *testing.T) {
	a, b := testkit.InFile(t, "a.gor", requestsAt(0, 4000)), testkit.InFile(t, "b.gor", requestsAt(1000, 9000))
	cfg := testConfig()
	cfg.Sources = []Source{{a, pace.Limit{Kind: pace.LimitCount, N: 3}}, {Pattern: b}}
	var out strings.Builder
	testkit.Must(t, DryRun(*cfg, func(in plugin.Input) plugin.Input { return in }, &out))
	for _, want := range []string{"input-file " + a + "|3, " + b + "\n", "records: 4 requests,", "takes 9s; of what comes in a second of " + a + " at most 3 are replayed\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("said\n%swant %q", &out, want)
		}
	}
}
