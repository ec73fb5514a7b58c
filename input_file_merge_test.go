package main

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/buger/gor/internal/stats"
	"github.com/buger/gor/internal/testkit"
)

func TestInputGroups(t *testing.T) {
	for _, tt := range []struct {
		args, want []string // flag=value; "a + b" is a group
		said       string
	}{
		{[]string{"input-raw=:80"}, []string{":80"}, ""},
		{[]string{"input-file=a"}, []string{"a"}, ""},
		{[]string{"input-file=a", "input-file=b"}, []string{"a + b"}, ""},
		{[]string{"input-file=a", "input-tcp=:1", "input-file=b|10", "input-file=c|100%"}, []string{"a + b|10 + c|100%", ":1"}, ""},
		{[]string{"input-file=a|max", "input-file=b|max"}, []string{"a|max + b|max"}, ""},
		{[]string{"input-file=a|200%", "input-file=b", "input-file=c|200%"}, []string{"a|200% + c|200%", "b"}, "a|200%, c|200% and b have different speeds and are not merged by time"},
		{[]string{"input-file=a|max", "input-file=b|200%", "input-file=c"}, []string{"a|max", "b|200%", "c"}, "a|max and b|200% and c have different speeds"},
		{[]string{"input-file=a|no", "input-file=b", "input-file=c|0%"}, []string{"a|no", "b", "c|0%"}, ""},
	} {
		var inputs []pluginArg
		for _, arg := range tt.args {
			flag, value, _ := strings.Cut(arg, "=")
			inputs = append(inputs, pluginArg{flag, value})
		}
		groups := inputGroups(inputs)
		var got []string
		for _, group := range groups {
			var values []string
			for _, arg := range group {
				values = append(values, arg.Value)
			}
			got = append(got, strings.Join(values, " + "))
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%q: groups %q, want %q", tt.args, got, tt.want)
		}
		log := &fileLog{}
		if tellOfSpeeds(groups, log.logf); tt.said != "" && log.count(tt.said) != 1 || tt.said == "" && len(log.lines) > 0 {
			t.Errorf("%q: said %q, want %q", tt.args, log.lines, tt.said)
		}
	}
}

// TestMergedFilesKeepTheirLimits: what stands behind one flag limits no other's
// messages.
func TestMergedFilesKeepTheirLimits(t *testing.T) {
	dir := t.TempDir()
	var inputs []pluginArg
	for i, limit := range []string{"", "|3", "|1"} {
		var content []byte
		for k := range int64(10) {
			content = append(content, recordAt(k, fmt.Sprintf("GET /%d HTTP/1.1\r\n\r\n", i))...)
		}
		name := testkit.WriteFile(t, filepath.Join(dir, fmt.Sprintf("%d.gor", i)), content)
		inputs = append(inputs, pluginArg{"input-file", name + limit})
	}
	s, log := defaultSettings(), &fileLog{}
	s.FileMaxWait = 1 // ns: everything comes at once
	in, err := openInputs(inputs, s, &pluginEnv{logf: log.logf})
	testkit.Must(t, err)
	defer in.Close()
	for _, v := range in.(*mergedFiles).limits {
		if v != nil {
			v.now = func() int64 { return 1700000000e9 } // within one second
		}
	}
	got := map[byte]int{}
	for buf := make([]byte, 4<<10); ; {
		n, err := in.Read(buf)
		if err == io.EOF {
			break
		}
		testkit.Must(t, err)
		_, rest, _ := strings.Cut(string(buf[:n]), "GET /")
		got[rest[0]]++
	}
	if got['0'] != 10 || got['1'] != 3 || got['2'] != 1 {
		t.Errorf("passed %v of each file, want 10, 3 and 1", got)
	}
	if rows := in.Counts(); rows[0] != (stats.Count{Name: limitedRow, Kind: stats.Limited, N: 16}) {
		t.Errorf("counts %v, want 16 limited", rows)
	}
	if want := fmt.Sprintf("input-file %s, %s, %s", inputs[0].Value, inputs[1].Value, inputs[2].Value); in.String() != want {
		t.Errorf("called %s, want %s", in, want)
	}
}
