package disk

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMinFreeOfADisk(t *testing.T) {
	for _, tt := range []struct {
		keep        MinFree
		total, want int64
	}{
		{DefaultMinFree(), 1 << 40, 1 << 30},
		{DefaultMinFree(), 20 << 30, 1 << 30},
		{DefaultMinFree(), 100 << 20, 5 << 20},
		{MinFree{Percent: 50}, 1 << 40, 1 << 39},
		{MinFree{Percent: 0.1}, 1000, 1},
		{MinFree{Bytes: 2 << 30}, 1 << 30, 2 << 30},
	} {
		if got := tt.keep.Of(tt.total); got != tt.want {
			t.Errorf("%+v of %d: %d, want %d", tt.keep, tt.total, got, tt.want)
		}
	}
}

func TestMinFreeCheck(t *testing.T) {
	dir := t.TempDir()
	free, total, ok := Space(dir)
	if !ok {
		t.Skip("TestMinFreeCheck: this system does not tell what is free on a disk")
	}
	if free <= 0 || free > total {
		t.Fatalf("%d of %d bytes free", free, total)
	}
	file := filepath.Join(dir, "x")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, file, filepath.Join(dir, "missing")} {
		if err := (MinFree{}).Check(path); err != nil {
			t.Errorf("without a bound: %v", err)
		}
		if err := (MinFree{Bytes: free / 2}).Check(path); err != nil {
			t.Errorf("%d of %d to keep: %v", free/2, free, err)
		}
		err := MinFree{Bytes: total + 1}.Check(path)
		var low *LowError
		if !errors.As(err, &low) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), RoughSize(total)) {
			t.Errorf("more than all to keep: %v", err)
		}
	}
	// What is not a disk, or not there, has no room to keep.
	for _, path := range []string{"/proc/self/mounts", filepath.Join(dir, "no", "such", "folder")} {
		if err := (MinFree{Bytes: 1 << 62}).Check(path); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestMinFreeCheckAllocatesLittle(t *testing.T) {
	dir, keep := t.TempDir(), MinFree{Bytes: 1}
	if _, _, ok := Space(dir); !ok {
		t.Skip("TestMinFreeCheckAllocatesLittle: this system does not tell what is free on a disk")
	}
	// The name for the kernel, and what the kernel fills.
	n := testing.AllocsPerRun(100, func() {
		if err := keep.Check(dir); err != nil {
			t.Fatal(err)
		}
	})
	if n > 2 {
		t.Errorf("%v allocations", n)
	}
}

func TestRoughSize(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0b", 1023: "1023b", 1024: "1.0kb", 1536: "1.5kb", 3 << 20: "3.0mb", 252 << 30: "252.0gb", 1 << 62: "4.0eb",
	} {
		if got := RoughSize(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
