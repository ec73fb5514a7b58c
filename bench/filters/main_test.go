package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/payload"
)

// The mix is what the rules are written for: requests that http1 reads, whose
// parts are those that the expressions are timed with.
func TestMix(t *testing.T) {
	name := filepath.Join(t.TempDir(), "mix.gor")
	size, first, err := writeMix(name, 2000, 10)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(name)
	if err != nil || int64(len(b)) != size {
		t.Fatalf("%d bytes, said %d: %v", len(b), size, err)
	}
	r, err := payload.Open(bytes.NewReader(b), "", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	var req http1.Request
	for i := range 2000 {
		msg, err := r.Next()
		if err != nil {
			t.Fatalf("record %d: %v", i, err)
		}
		if err := req.Parse(payload.Body(msg)); err != nil {
			t.Fatalf("record %d: %v", i, err)
		}
		if i < len(first) {
			user, _ := req.Header("user-id")
			if string(req.Target()) != first[i].target || string(user) != first[i].user || string(req.Method()) != first[i].method {
				t.Errorf("record %d is %q, want %+v", i, msg, first[i])
			}
		}
	}
	if newOwn().time(first) <= 0 {
		t.Error("the expressions take no time")
	}
}

func TestReport(t *testing.T) {
	of := map[string][]figure{}
	for _, set := range ruleSets() {
		of[set.name] = []figure{{rate: 2e6, cpu: 0.5}, {rate: 2.2e6, cpu: 0.5}, {rate: 1, cpu: 9}}
	}
	of["ten rules"] = []figure{{rate: 4e5, cpu: 2.5}, {rate: 4e5, cpu: 2.5}, {rate: 4e5, cpu: 20}}
	for _, tt := range []struct {
		alone time.Duration
		want  []string
	}{
		{1500, []string{"beyond that: 0.50 µs a request (goal 1.0): met", "without rules: 2000000 records/s (goal 2000000): met"}},
		{500, []string{"beyond that: 1.50 µs a request (goal 1.0): missed"}},
	} {
		var out bytes.Buffer
		if err := report(&out, of, []time.Duration{tt.alone, tt.alone, 9 * tt.alone}); err != nil {
			t.Fatal(err)
		}
		for _, want := range tt.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("no %q in:\n%s", want, &out)
			}
		}
	}
}
