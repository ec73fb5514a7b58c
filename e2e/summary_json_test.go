package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/ledger"
	"github.com/buger/gor/internal/testkit"
)

// TestSummaryJSON: the file says what the summary says.
func TestSummaryJSON(t *testing.T) {
	target := testkit.StartSink(t)
	requests, times := testkit.Steady(30, time.Millisecond)
	file := testkit.WriteFile(t, filepath.Join(t.TempDir(), "in.gor"), testkit.Recording(requests, times))
	name := filepath.Join(t.TempDir(), "summary.json")
	testkit.WriteFile(t, name, []byte(strings.Repeat("of an earlier run ", 10_000)))
	code, said := testkit.RunGor(t, "--input-file", file, "--output-http", target.Addr()+"|20", "--http-disallow-url", "^/7$", "--summary-json", name)
	if code != 0 {
		t.Fatalf("exit %d:\n%s", code, said)
	}
	content, err := os.ReadFile(name)
	testkit.Must(t, err)
	var v ledger.Vars
	testkit.Must(t, json.Unmarshal(content, &v))
	in := v.Inputs["input-file "+file]
	if in.Read != 30 || in.Filtered != 1 || in.Passed != 29 || in.Report["records"] != 30.0 {
		t.Errorf("input: %+v", in)
	}
	out := v.Outputs["output-http http://"+target.Addr()+"|20"]
	// 20 in the first second; on a machine that halts some may come in the next.
	sent := out.Fates["delivered"]
	if out.Offered != 29 || sent < 20 || sent > 28 || out.Fates["limited"] != 29-sent || out.Report["sent"] != float64(sent) || out.Report["answered"] != float64(sent) {
		t.Errorf("output: %+v", out)
	}
	if classes := out.Report["status_classes"].(map[string]any); classes["2xx"] != float64(sent) {
		t.Errorf("status classes: %v", classes)
	}
	latency := out.Report["latency_seconds"].(map[string]any)
	if latency["count"] != float64(sent) || !(latency["p50"].(float64) > 0) || latency["max"].(float64) < latency["p99.9"].(float64) {
		t.Errorf("latency: %v", latency)
	}
	lag := in.Report["lag_seconds"].(map[string]any)
	if lag["count"] != 30.0 {
		t.Errorf("lag: %v", lag)
	}
}

// A name that cannot be written is refused before anything is sent.
func TestSummaryJSONCannotBeWritten(t *testing.T) {
	code, said := testkit.RunGor(t, "--input-dummy", "--output-null", "--summary-json", t.TempDir())
	if code != 1 || !strings.Contains(said, "--summary-json") || strings.Contains(said, "ledger") {
		t.Errorf("exit %d:\n%s", code, said)
	}
}
