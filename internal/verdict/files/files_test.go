package files

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/verdict"
	"github.com/buger/gor/internal/verdict/join"
)

// record appends a record of that type to b.
func record(b []byte, typ byte, id, body string) []byte {
	msg := payload.AppendMeta(nil, payload.Meta{Type: typ, ID: []byte(id), Time: 1_700_000_000_000_000_000, Duration: 1000, Length: int64(len(body))})
	return payload.AppendRecord(b, append(msg, body...))
}

func answer(status int, body string) string {
	return fmt.Sprintf("HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
}

func write(t *testing.T, name string, b []byte) string {
	name = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func compare(t *testing.T, cfg Config) join.Verdict {
	o, err := Compare(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.Close() })
	if len(o.Verdicts) != 1 {
		t.Fatalf("%d verdicts", len(o.Verdicts))
	}
	return o.Verdicts[0]
}

// One recording that has both, and the same in two, give one verdict.
func TestRecordings(t *testing.T) {
	var both, old, new []byte
	for i := range 141 {
		id := fmt.Sprintf("%024x", i)
		request := fmt.Sprintf("GET /cart/%d HTTP/1.1\r\nHost: a\r\n\r\n", i)
		is := answer(200, `{"n":1}`)
		if i < 85 {
			is = answer(500, "oops")
		}
		both = record(record(record(both, '1', id, request), '2', id, answer(200, `{"n":1}`)), '3', id, is)
		old = record(record(old, '1', id, request), '2', id, answer(200, `{"n":1}`))
		new = record(new, '3', id, is)
	}
	for name, cfg := range map[string]Config{
		"one":  {Old: []string{write(t, "both.gor", both)}},
		"two":  {Old: []string{write(t, "old.gor", old)}, Against: []string{write(t, "new.gor", new)}},
		"glob": {Old: []string{filepath.Join(filepath.Dir(write(t, "x.gor", both)), "*.gor")}},
	} {
		o := compare(t, cfg)
		if want := "regression: GET /cart/{id}: status 200 -> 500 in 85 of 141 pairs"; o.Sentence != want {
			t.Errorf("%s: %s", name, o.Sentence)
		}
		if len(o.Statuses) != 1 || o.Statuses[0] != (verdict.StatusChange{Old: 200, New: 500, N: 85}) {
			t.Errorf("%s: %v", name, o.Statuses)
		}
		if p, err := o.Load(o.Rows[0].Samples[0]); err != nil || !strings.Contains(string(p.New.Bytes), "oops") {
			t.Errorf("%s: %v, %v", name, p, err)
		}
	}
}

// Recordings of several new versions give a verdict each, though the last one is read long
// after the first.
func TestSeveralReplays(t *testing.T) {
	const n = 1000
	var old []byte
	is := map[string][]byte{"a": nil, "b": nil}
	filler := strings.Repeat("x", 5000) // 15 MB in all, twice what is held
	for i := range n {
		id := fmt.Sprintf("%024x", i)
		old = record(record(old, '1', id, "GET /a HTTP/1.1\r\n\r\n"), '2', id, answer(200, `"`+filler+`"`))
		for label := range is {
			text := answer(map[string]int{"a": 200, "b": 500}[label], `"`+filler+`"`)
			m := payload.Meta{Type: '3', ID: []byte(id), Time: 1, Length: int64(len(text)), Attributes: payload.AppendAttribute(nil, payload.AttrTarget, label)}
			is[label] = payload.AppendRecord(is[label], append(payload.AppendMeta(nil, m), text...))
		}
	}
	o, err := Compare(Config{Old: []string{write(t, "old.gor", old)}, Against: []string{write(t, "a.gor", is["a"]), write(t, "b.gor", is["b"])}, Tmp: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	if len(o.Verdicts) != 2 || o.Verdicts[0].Totals.Equal != n || o.Verdicts[1].Totals.Regressed != n {
		t.Errorf("%+v", o.Verdicts)
	}
}

func TestNoRecording(t *testing.T) {
	if _, err := Compare(Config{Old: []string{filepath.Join(t.TempDir(), "none*.gor")}, Tmp: t.TempDir()}); err == nil {
		t.Error("what is not there is compared")
	}
}

// What a recording says of one GET several times is noise when it differs by itself.
func TestSelfNoise(t *testing.T) {
	var b []byte
	for i := range 40 {
		id := fmt.Sprint("a", i)
		b = record(b, '1', id, "GET /counter HTTP/1.1\r\nHost: a\r\n\r\n")
		b = record(b, '2', id, answer(200, fmt.Sprintf(`{"hits":%d,"name":"x"}`, i)))
		b = record(b, '3', id, answer(200, fmt.Sprintf(`{"hits":%d,"name":"y"}`, i+7)))
	}
	o := compare(t, Config{Old: []string{write(t, "a.gor", b)}})
	got := map[string]verdict.Standing{}
	for _, r := range o.Rows {
		got[r.Path] = r.Standing
	}
	if got["body.hits"] != verdict.Noise || got["body.name"] != verdict.Regression {
		t.Errorf("%v", got)
	}
}
