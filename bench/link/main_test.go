package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/payload"
)

func smallRecording(t *testing.T) recording {
	t.Helper()
	in, err := writeRecording(t.TempDir(), 1<<10, 100<<10)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// What arrives altered, twice or not at all, or was never sent, is told apart.
func TestCompare(t *testing.T) {
	in := smallRecording(t)
	if in.messages != 100 {
		t.Fatalf("%d messages, want 100", in.messages)
	}
	for _, test := range []struct {
		name string
		edit func(list [][]byte) [][]byte
		want result
	}{
		{"all", func(list [][]byte) [][]byte { return list }, result{intact: 100}},
		{"in another order", func(list [][]byte) [][]byte { list[3], list[50] = list[50], list[3]; return list }, result{intact: 100}},
		{"one missing", func(list [][]byte) [][]byte { return list[1:] }, result{intact: 99, missing: 1}},
		{"one twice", func(list [][]byte) [][]byte { return append(list, list[7]) }, result{intact: 100, twice: 1}},
		{"one altered", func(list [][]byte) [][]byte { list[9][900] ^= 1; return list }, result{intact: 99, missing: 1, foreign: 1}},
		{"another's id", func(list [][]byte) [][]byte {
			list[9] = bytes.Replace(list[9], payload.AppendID(nil, 1, 1), payload.AppendID(nil, 1, 2), 1)
			return list
		}, result{intact: 99, missing: 1, foreign: 1}},
		{"a stranger", func(list [][]byte) [][]byte {
			return append(list, []byte("1 abc 1700000000000000000 0\nGET / HTTP/1.1\r\n\r\n"))
		}, result{intact: 100, foreign: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var list [][]byte
			for i := range in.messages {
				list = append(list, in.append(nil, i))
			}
			var out []byte
			for _, msg := range test.edit(list) {
				out = payload.AppendRecord(out, msg)
			}
			name := filepath.Join(t.TempDir(), "out.gor")
			if err := os.WriteFile(name, out, 0o600); err != nil {
				t.Fatal(err)
			}
			var got result
			if err := got.compare(in, name); err != nil {
				t.Fatal(err)
			}
			got.bytes = 0
			if got != test.want {
				t.Errorf("%+v, want %+v", got, test.want)
			}
		})
	}
}

func TestGoals(t *testing.T) {
	fast := result{took: time.Second, bytes: 900e6, intact: 400_000}
	slow := result{took: time.Second, bytes: 100e6, intact: 100, missing: 1}
	for _, size := range []int{1 << 10, 64 << 10} {
		var out strings.Builder
		if err := goals(&out, size, []result{fast}); err != nil || strings.Contains(out.String(), "missed") {
			t.Errorf("%v: %s", err, out.String())
		}
		out.Reset()
		if err := goals(&out, size, []result{slow}); err != nil || strings.Count(out.String(), "missed") != 2 {
			t.Errorf("%v: %s", err, out.String())
		}
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{}, {"a", "b"}, {"-rounds", "0", "x"}, {"-nonsense", "x"}} {
		var out, err bytes.Buffer
		if code := run(args, &out, &err); code != 2 || err.Len() == 0 {
			t.Errorf("%q: exit %d, %q", args, code, err.String())
		}
	}
}
