package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/buger/gor/internal/testkit"
)

func TestMinFreeValue(t *testing.T) {
	for text, want := range map[string]minFree{
		"5%":    {percent: 5},
		"0.5%":  {percent: 0.5},
		" 10% ": {percent: 10},
		"99.9%": {percent: 99.9},
		"500mb": {bytes: 500 << 20},
		"2gb":   {bytes: 2 << 30},
		"4096":  {bytes: 4096},
		"0":     {},
		"0%":    {},
	} {
		got := defaultMinFree()
		if err := minFreeFlag(&got).Set(text); err != nil || got != want {
			t.Errorf("%q: %+v, %v; want %+v", text, got, err, want)
		}
		var again minFree
		if err := minFreeFlag(&again).Set(got.String()); err != nil || again != got {
			t.Errorf("%q: its String %q is read as %+v, %v", text, got, again, err)
		}
	}
	for text, hint := range map[string]string{
		"": "500mb", "5 %x": "500mb", "much": "500mb", "-1": "500mb", "1.5gb": "500mb", "100%": "5%", "-1%": "5%", "NaN%": "5%", "%": "5%", "5%%": "5%",
	} {
		got := defaultMinFree()
		if err := minFreeFlag(&got).Set(text); err == nil || !strings.Contains(err.Error(), hint) || got != defaultMinFree() {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	if got := defaultMinFree().String(); got != "5% or 1gb, the smaller" {
		t.Errorf("default %q", got)
	}
}

func TestMinFreeOfADisk(t *testing.T) {
	for _, tt := range []struct {
		keep        minFree
		total, want int64
	}{
		{defaultMinFree(), 1 << 40, 1 << 30},
		{defaultMinFree(), 20 << 30, 1 << 30},
		{defaultMinFree(), 100 << 20, 5 << 20},
		{minFree{percent: 50}, 1 << 40, 1 << 39},
		{minFree{percent: 0.1}, 1000, 1},
		{minFree{bytes: 2 << 30}, 1 << 30, 2 << 30},
	} {
		if got := tt.keep.of(tt.total); got != tt.want {
			t.Errorf("%s of %d: %d, want %d", tt.keep, tt.total, got, tt.want)
		}
	}
}

func TestMinFreeCheck(t *testing.T) {
	dir := t.TempDir()
	free, total, ok := diskSpace(dir)
	if !ok {
		t.Skip("TestMinFreeCheck: this system does not tell what is free on a disk")
	}
	if free <= 0 || free > total {
		t.Fatalf("%d of %d bytes free", free, total)
	}
	for _, path := range []string{dir, testkit.WriteFile(t, filepath.Join(dir, "x"), nil), filepath.Join(dir, "missing")} {
		if err := (minFree{}).check(path); err != nil {
			t.Errorf("without a bound: %v", err)
		}
		if err := (minFree{bytes: free / 2}).check(path); err != nil {
			t.Errorf("%d of %d to keep: %v", free/2, free, err)
		}
		err := minFree{bytes: total + 1}.check(path)
		var low *lowDisk
		if !errors.As(err, &low) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "--min-free") || !strings.Contains(err.Error(), roughSize(total)) {
			t.Errorf("more than all to keep: %v", err)
		}
	}
	// What is no disk, or not there, has no room to keep.
	for _, path := range []string{"/proc/self/mounts", filepath.Join(dir, "no", "such", "folder")} {
		if err := (minFree{bytes: 1 << 62}).check(path); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestMinFreeCheckAllocatesLittle(t *testing.T) {
	dir, keep := t.TempDir(), minFree{bytes: 1}
	if _, _, ok := diskSpace(dir); !ok {
		t.Skip("TestMinFreeCheckAllocatesLittle: this system does not tell what is free on a disk")
	}
	// The name for the kernel, and what the kernel fills.
	if n := testing.AllocsPerRun(100, func() { testkit.Must(t, keep.check(dir)) }); n > 2 {
		t.Errorf("%v allocations", n)
	}
}

func TestRoughSize(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0b", 1023: "1023b", 1024: "1.0kb", 1536: "1.5kb", 3 << 20: "3.0mb", 252 << 30: "252.0gb", 1 << 62: "4.0eb",
	} {
		if got := roughSize(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

// TestFileOutputStartsOnALowDisk: it is said then, not at the first message.
func TestFileOutputStartsOnALowDisk(t *testing.T) {
	dir := t.TempDir()
	if _, _, ok := diskSpace(dir); !ok {
		t.Skip("TestFileOutputStartsOnALowDisk: this system does not tell what is free on a disk")
	}
	for _, pattern := range []string{"x.gor", "%Y.gor"} {
		out := newRecording(t, filepath.Join(dir, pattern), func(s *Settings, _ *pluginEnv) { s.MinFree = minFree{bytes: 1 << 62} })
		if out.log.count("less than --min-free") != 1 || len(out.log.lines) != 1 {
			t.Errorf("%s: said %q at the start", pattern, out.log.lines)
		}
		out.put(t, aMessage('1', "a", "x"))
		testkit.Must(t, out.Close())
		if got := rowsOf(out.Counts()); got["unsent"] != 1 {
			t.Errorf("%s: counts %v", pattern, got)
		}
		if len(out.log.lines) != 1 {
			t.Errorf("%s: said %q", pattern, out.log.lines)
		}
	}
	// A device has no disk to fill.
	out := newRecording(t, os.DevNull, func(s *Settings, _ *pluginEnv) { s.MinFree = minFree{bytes: 1 << 62} })
	out.put(t, aMessage('1', "a", "x"))
	out.settle(t)
}
