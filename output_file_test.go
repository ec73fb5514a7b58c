package main

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/buger/gor/internal/disk"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/testkit"
)

func TestFileOutputOpenErrors(t *testing.T) {
	dir := t.TempDir()
	file := testkit.WriteFile(t, filepath.Join(dir, "file"), []byte("x"))
	for _, tt := range []struct{ name, pattern, want string }{
		{"no name", "", "requests.gor"},
		{"a folder", dir, "name a file in it"},
		{"a file as folder", filepath.Join(file, "x.gor"), "must be a folder"},
		{"a file as folder of names", filepath.Join(file, "%Y", "x.gor"), "must be a folder"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := openOutput(pluginArg{"output-file", tt.pattern}, defaultSettings(), &plugin.Env{Logf: t.Logf, QueueBytes: 1 << 20})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q in it", err, tt.want)
			}
			parsed, err := parseOutput(pluginArg{"output-file", tt.pattern}, defaultSettings())
			if err := parsed.Checked(err); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("--check: error %v, want %q in it", err, tt.want)
			}
		})
	}
}

// TestFileOutputNamesItsFlags: what stops or changes a recording is said with
// the flag that does it.
func TestFileOutputNamesItsFlags(t *testing.T) {
	msg := []byte("1 a 1700000000000000000 0\nGET / HTTP/1.1\r\n\r\n")
	for _, tt := range []struct {
		set   func(s *Settings)
		want  string
		files int
	}{
		{func(s *Settings) { s.fileOutput.QueueLimit, s.fileOutput.SizeLimit, s.fileOutput.Append = 1, 1, true },
			"--output-file-append makes no chunks: --output-file-size-limit and --output-file-queue-limit do nothing", 1},
		{func(s *Settings) { s.fileOutput.MaxSize = 10 },
			"wrote 0 bytes, and one more record would pass --output-file-max-size-limit 10; recording has ended", 1},
		{func(s *Settings) { s.fileOutput.MinFree.Bytes, s.fileOutput.MinFree.Percent = 1<<62, 0 }, "less than --min-free 4294967296gb; trying again", 1},
		{func(s *Settings) { s.fileOutput.QueueLimit = 1 }, "", 2},
	} {
		dir := t.TempDir()
		s, log := defaultSettings(), &testkit.Log{}
		tt.set(s)
		out, err := openOutput(pluginArg{"output-file", filepath.Join(dir, "x.gor")}, s, &plugin.Env{Logf: log.Logf, QueueBytes: 1 << 20})
		testkit.Must(t, err)
		for range 2 {
			_, err := out.Write(msg)
			testkit.Must(t, err)
		}
		if s.fileOutput.MinFree.Bytes < 1<<62 {
			testkit.Must(t, out.Settle(nil))
		}
		testkit.Must(t, out.Close())
		if tt.want != "" && log.Count(tt.want) != 1 || len(log.Lines()) > 1 {
			t.Errorf("said %q, want %q once", log.Lines(), tt.want)
		}
		if got := testkit.FilesIn(t, dir); len(got) != tt.files {
			t.Errorf("files %q, want %d", got, tt.files)
		}
	}
}

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
