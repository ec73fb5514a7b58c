package live

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/plugin/plugintest"
	"github.com/buger/gor/internal/stats"
	"github.com/buger/gor/internal/testkit"
	"github.com/buger/gor/internal/verdict"
	"github.com/buger/gor/internal/verdict/join"
	"github.com/buger/gor/internal/verdict/report"
)

// config is one for targets with these labels.
func config(t *testing.T, labels ...string) Config {
	t.Helper()
	dir := t.TempDir()
	failOn, err := verdict.ParseFailOn("regression")
	if err != nil {
		t.Fatal(err)
	}
	return Config{
		Name: "output-verdict x", Labels: labels, QueueBytes: 1 << 20, FailOn: failOn, Logf: t.Logf,
		Comparison: join.Config{BodyMost: 1 << 20, Joining: join.Joining{Tmp: dir}},
		Reports:    report.Config{HTML: filepath.Join(dir, "v.html"), JUnit: filepath.Join(dir, "v.xml"), JSON: filepath.Join(dir, "v.jsonl")},
	}
}

func open(t *testing.T, cfg Config) *Output {
	t.Helper()
	o, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.Close() })
	return o
}

func TestContract(t *testing.T) {
	plugintest.TestOutput(t, plugintest.Output{Output: open(t, config(t, ""))})
	cfg := config(t, "")
	plugintest.TestClosedOutput(t, plugintest.Output{Output: open(t, cfg)})
	if _, err := os.Stat(cfg.Reports.HTML); err == nil {
		t.Error("an output that was given nothing writes a report")
	}
}

// write gives o a message.
func write(t *testing.T, o *Output, typ byte, id, label, body string) {
	t.Helper()
	m := payload.Meta{Type: typ, ID: []byte(id), Time: 1_700_000_000_000_000_000, Duration: 1000, Length: int64(len(body))}
	if label != "" {
		m.Attributes = payload.AppendAttribute(nil, payload.AttrTarget, label)
	}
	if _, err := o.Write(append(payload.AppendMeta(nil, m), body...)); err != nil {
		t.Fatal(err)
	}
}

func answer(status int, body string) string {
	return fmt.Sprintf("HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
}

// exchange gives o a request and its answers, in an order that changes with i.
func exchange(t *testing.T, o *Output, i int, answers map[string]string) {
	id := fmt.Sprintf("%024x", i)
	request := func() {
		write(t, o, payload.Request, id, "", fmt.Sprintf("GET /cart/%d HTTP/1.1\r\nHost: a\r\n\r\n", i))
	}
	if i%3 > 0 {
		request()
	}
	for label, text := range answers { // the order of a map is another each time
		typ := payload.ReplayResponse
		if label == "original" {
			typ, label = payload.Response, ""
		}
		write(t, o, typ, id, label, text)
	}
	if i%3 == 0 {
		request()
	}
}

// figures drains o, and returns what it says for people and for programs.
func figures(t *testing.T, o *Output) (string, plugin.Figures) {
	t.Helper()
	if err := o.Drain(nil); err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	o.Report(plugin.NewReport(&text))
	return text.String(), plugin.FiguresOf(o.Report)
}

// One target beside the original answers, and several new versions beside the old one,
// each with a verdict and reports of its own.
func TestVersions(t *testing.T) {
	one := config(t, "")
	o := open(t, one)
	for i := range 141 {
		is := answer(200, `{"n":1}`)
		if i < 85 {
			is = answer(500, "oops")
		}
		exchange(t, o, i, map[string]string{"original": answer(200, `{"n":1}`), "": is})
	}
	text, f := figures(t, o)
	if want := "regression: GET /cart/{id}: status 200 -> 500 in 85 of 141 pairs\n"; !strings.HasPrefix(text, want) || !strings.Contains(text, "status equal 56, different 85 (200 -> 500 x 85)\n") {
		t.Errorf("%s", text)
	}
	if len(f.Findings) != 1 || len(f.Unable) > 0 || len(f.Counters) != 1 || f.Counters[0].N != 141 {
		t.Errorf("%+v", f)
	}
	for _, name := range []string{one.Reports.HTML, one.Reports.JUnit, one.Reports.JSON} {
		if b, err := os.ReadFile(name); err != nil || !bytes.Contains(b, []byte("200")) {
			t.Errorf("%v: %s", err, b)
		}
	}

	three := config(t, join.Primary, join.Secondary, "b", join.Candidate)
	o = open(t, three)
	for i := range 60 {
		exchange(t, o, i, map[string]string{
			"original": answer(404, ""), join.Primary: answer(200, fmt.Sprintf(`{"n":1,"hits":%d}`, i)), join.Secondary: answer(200, fmt.Sprintf(`{"n":1,"hits":%d}`, i+7)),
			"b": answer(200, fmt.Sprintf(`{"n":1,"hits":%d}`, i+3)), join.Candidate: answer(200, fmt.Sprintf(`{"n":"1","hits":%d}`, i+3)),
		})
	}
	text, f = figures(t, o)
	if !strings.HasPrefix(text, "candidate: regression: GET /cart/{id}: body.n retyped in 60 of 60 pairs\n") || !strings.Contains(text, "\nb: equal but for noise: 60 pairs") {
		t.Errorf("%s", text)
	}
	if len(f.Findings) != 1 || !strings.HasPrefix(f.Findings[0], "candidate: regression") {
		t.Errorf("%q", f.Findings)
	}
	for _, row := range o.Counts() {
		if row.Kind == stats.Ignored && row.N != 60 {
			t.Errorf("%d recorded answers are passed over", row.N)
		}
	}
	for _, label := range []string{"b", "candidate"} {
		if _, err := os.Stat(three.Reports.For(label).HTML); err != nil {
			t.Error(err)
		}
	}
	if _, err := Open(three); err == nil {
		t.Error("reports are written over")
	}
}

// Answers that come long after their requests, or never, are compared all the same, and
// what is held stays bounded.
func TestAnswersFarBehind(t *testing.T) {
	cfg := config(t, "")
	cfg.QueueBytes = 64 << 20
	o := open(t, cfg)
	const n = 300
	filler := strings.Repeat("x", 60_000) // 18 MB, twice what is held
	for i := range n {
		id := fmt.Sprint(i)
		write(t, o, payload.Request, id, "", "GET /far HTTP/1.1\r\n\r\n"+filler)
		write(t, o, payload.Response, id, "", answer(200, `{"n":1}`))
	}
	for i := range n {
		if i%10 > 0 {
			write(t, o, payload.ReplayResponse, fmt.Sprint(i), "", answer(200, `{"n":1}`))
		}
	}
	text, f := figures(t, o)
	if !strings.HasPrefix(text, "equal: 270 pairs, no difference\n") || !strings.Contains(text, "note: 30 requests have no answer of the new version") {
		t.Errorf("%s", text)
	}
	if f.Counters[0].N != 270 || len(f.Findings)+len(f.Unable) > 0 {
		t.Errorf("%+v", f)
	}
	o.Close()
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(cfg.Reports.HTML), "gor-verdict-*")); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}

// Answers that alone fill their queue hold up nobody for good.
func TestLargeAnswers(t *testing.T) {
	o := open(t, config(t, ""))
	large := answer(200, `"`+strings.Repeat("x", answersMost*3/4)+`"`)
	for i := range 3 {
		id := fmt.Sprint(i)
		for typ, text := range map[byte]string{payload.Request: "GET /large HTTP/1.1\r\n\r\n", payload.Response: large, payload.ReplayResponse: large} {
			write(t, o, typ, id, "", text)
			if err := o.Settle(nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	if text, _ := figures(t, o); !strings.HasPrefix(text, "equal: 3 pairs") {
		t.Error(text)
	}
}

// Without room for temporary files what waits is compared as it is, and that is said.
func TestNoRoom(t *testing.T) {
	cfg := config(t, "")
	cfg.QueueBytes = 64 << 20
	cfg.Comparison.Joining.Room = func(string) error { return errors.New("the disk is full") }
	o := open(t, cfg)
	filler := strings.Repeat("x", 60_000)
	for i := range 300 {
		write(t, o, payload.Request, fmt.Sprint(i), "", "GET /far HTTP/1.1\r\n\r\n"+filler)
	}
	text, f := figures(t, o)
	if !strings.Contains(text, "compared before all of their answers had come") || len(f.Unable) != 1 || !strings.Contains(f.Unable[0], "nothing was compared") {
		t.Errorf("%s%+v", text, f)
	}
}

// A run that is broken off has a verdict on what there was, and what programs read says
// the same as what people do.
func TestClosedBeforeDrained(t *testing.T) {
	cfg := config(t, "")
	o := open(t, cfg)
	exchange(t, o, 1, map[string]string{"original": answer(200, "1"), "": answer(200, "1")})
	if err := o.Settle(nil); err != nil {
		t.Fatal(err)
	}
	r := plugin.NewReport(&bytes.Buffer{})
	o.Report(r)
	if _, has := r.Values()["pairs_compared"]; !has || len(plugin.FiguresOf(o.Report).Unable) > 0 {
		t.Errorf("%v", r.Values())
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	r = plugin.NewReport(&bytes.Buffer{})
	o.Report(r)
	got, err := json.Marshal(r.Values())
	if want := `"verdicts":{"new":{"sentence":"equal: 1 pair, no difference","totals":{"compared":1,"equal":1,`; err != nil || !strings.Contains(string(got), want) {
		t.Errorf("%s, want %s in it", got, want)
	}
	if _, err := os.Stat(cfg.Reports.JUnit); err != nil {
		t.Error(err)
	}
}

// What still waits when a drain is cancelled is counted and not compared, so that the
// run ends then.
func TestCancelledDrain(t *testing.T) {
	o := open(t, config(t, ""))
	exchange(t, o, 1, map[string]string{"original": answer(200, "1"), "": answer(200, "1")})
	if err := o.Settle(nil); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the first pair is compared", func() bool { return o.comparison.Compared() == 1 })
	o.adding.Lock() // nothing is taken meanwhile
	exchange(t, o, 2, map[string]string{"original": answer(200, "1"), "": answer(500, "1")})
	cancel := make(chan struct{})
	close(cancel)
	err := o.Drain(cancel)
	o.adding.Unlock()
	if err == nil {
		t.Error("a drain that was cancelled ends well")
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	o.Report(plugin.NewReport(&text))
	if !strings.HasPrefix(text.String(), "equal: 1 pair, no difference\n") {
		t.Errorf("%s", text.String())
	}
}

// A drain that is under way ends when the output is closed, as a second signal has it.
func TestClosedWhileDrained(t *testing.T) {
	o := open(t, config(t, ""))
	o.adding.Lock() // nothing is taken meanwhile
	exchange(t, o, 1, map[string]string{"original": answer(200, "1"), "": answer(200, "1")})
	go o.Drain(make(chan struct{}))
	testkit.Eventually(t, "the drain", o.draining.Load)
	closed := make(chan error, 1)
	go func() { closed <- o.Close() }()
	<-o.cancel
	o.adding.Unlock()
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	if n := o.comparison.Compared(); n != 0 {
		t.Errorf("%d pairs are compared for nobody", n)
	}
}
