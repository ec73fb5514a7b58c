package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/buger/gor/internal/disk"
)

func TestMinFreeValue(t *testing.T) {
	for text, want := range map[string]disk.MinFree{
		"5%":    {Percent: 5},
		"0.5%":  {Percent: 0.5},
		" 10% ": {Percent: 10},
		"99.9%": {Percent: 99.9},
		"500mb": {Bytes: 500 << 20},
		"2gb":   {Bytes: 2 << 30},
		"4096":  {Bytes: 4096},
		"0":     {},
		"0%":    {},
	} {
		got := disk.DefaultMinFree()
		if err := minFreeFlag(&got).Set(text); err != nil || got != want {
			t.Errorf("%q: %+v, %v; want %+v", text, got, err, want)
		}
		var again disk.MinFree
		if err := minFreeFlag(&again).Set(minFreeText(got)); err != nil || again != got {
			t.Errorf("%q: its text %q is read as %+v, %v", text, minFreeText(got), again, err)
		}
	}
	for text, hint := range map[string]string{
		"": "500mb", "5 %x": "500mb", "much": "500mb", "-1": "500mb", "1.5gb": "500mb", "100%": "5%", "-1%": "5%", "NaN%": "5%", "%": "5%", "5%%": "5%",
	} {
		got := disk.DefaultMinFree()
		if err := minFreeFlag(&got).Set(text); err == nil || !strings.Contains(err.Error(), hint) || got != disk.DefaultMinFree() {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	if got := minFreeText(disk.DefaultMinFree()); got != "5% or 1gb, the smaller" {
		t.Errorf("default %q", got)
	}
}

// TestMinFreeErrorNamesTheFlag: and what wrote to the disk still knows it for
// what it is.
func TestMinFreeErrorNamesTheFlag(t *testing.T) {
	dir := t.TempDir()
	if _, _, ok := disk.Space(dir); !ok {
		t.Skip("TestMinFreeErrorNamesTheFlag: this system does not tell what is free on a disk")
	}
	err := keepFree(disk.MinFree{Bytes: 1 << 62}, dir)
	if !errors.As(err, new(*disk.LowError)) || !strings.HasSuffix(err.Error(), " left, less than --min-free 4294967296gb") {
		t.Errorf("%v", err)
	}
	if err := keepFree(disk.MinFree{}, dir); err != nil {
		t.Errorf("without a bound: %v", err)
	}
}
