package statuses

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/plugin"
)

func message(typ byte, id int, body string) []byte {
	return append(payload.AppendMeta(nil, payload.Meta{Type: typ, ID: payload.AppendID(nil, 7, uint32(id)), Time: 1, Length: int64(len(body))}), body...)
}

func recorded(id, status int) []byte {
	return message(payload.Response, id, fmt.Sprintf("HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n", status))
}

func request(id int) []byte { return message(payload.Request, id, "GET / HTTP/1.1\r\n\r\n") }

// said is what p says for people, and for programs.
func said(p *Pairs) (text string, f plugin.Figures, values string) {
	var b bytes.Buffer
	r := plugin.NewReport(&b)
	p.Report(r)
	v, _ := json.Marshal(r.Values())
	return strings.TrimSpace(b.String()), plugin.FiguresOf(p.Report), string(v)
}

func TestPairs(t *testing.T) {
	var p Pairs
	p.Answered(request(0), 200)
	if text, f, values := said(&p); text != "" || f.Compared != nil || values != "{}" {
		t.Errorf("without a recorded answer: %q, %+v, %s", text, f, values)
	}
	for i := range 141 {
		status := 200
		if i < 85 {
			status = 500
		}
		if i%2 == 0 { // the original server may be slower than the target
			p.Recorded(recorded(1, 200))
			p.Answered(request(1), status)
		} else {
			p.Answered(request(1), status)
			p.Recorded(recorded(1, 200))
		}
	}
	if text, _, _ := said(&p); text != "status equal 56, different 85 (200 -> 500 x 85)" {
		t.Errorf("%q", text)
	}
	for i := range 3 {
		p.Recorded(recorded(10+i, 301))
	}
	p.Answered(request(10), None)
	p.Recorded(message(payload.Response, 99, "no HTTP"))
	text, f, values := said(&p)
	if text != "status equal 56, different 86 (200 -> 500 x 85, 301 -> no answer x 1), 2 recorded and not compared" {
		t.Errorf("%q", text)
	}
	if f.Compared == nil || f.Compared.Equal != 56 || f.Compared.Different != 86 {
		t.Errorf("%+v", f.Compared)
	}
	if want := `"changes":{"200 -\u003e 500":85,"301 -\u003e no answer":1},"different":86,"equal":56,"not_compared":2`; !strings.Contains(values, want) {
		t.Errorf("%s", values)
	}
}

// Statuses that a hostile server makes up take bounded memory, and the line for people
// stays one.
func TestPairsAreBounded(t *testing.T) {
	var p Pairs
	for i := range 2 * mostChanges {
		p.Recorded(recorded(i, 100+i%800))
		p.Answered(request(i), 999-i%7)
	}
	text, f, _ := said(&p)
	if len(p.changes) > mostChanges || len(text) > 300 || !strings.Contains(text, " other changes)") || f.Compared.Equal+f.Compared.Different != 2*mostChanges {
		t.Errorf("%d changes: %s", len(p.changes), text)
	}
}

func TestPairsAtOnce(t *testing.T) {
	var p Pairs
	p.Recorded(recorded(1<<20, 200))
	var running sync.WaitGroup
	const n = 1000
	for _, do := range []func(i int){
		func(i int) { p.Recorded(recorded(i, 200)) }, func(i int) { p.Answered(request(i), 200) }, func(i int) { said(&p) },
	} {
		running.Go(func() {
			for i := range n {
				do(i)
			}
		})
	}
	running.Wait()
	if _, f, _ := said(&p); f.Compared.Equal != n {
		t.Errorf("%+v", f.Compared)
	}
}

// An exchange allocates nothing.
func TestPairsAllocateNothing(t *testing.T) {
	var p Pairs
	old, is := recorded(1, 200), request(1)
	p.Recorded(old)
	if n := testing.AllocsPerRun(100, func() { p.Answered(is, 200); p.Recorded(old) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// A target that is quicker than the original server answers requests before the first
// recorded answer comes.
func TestQuickTarget(t *testing.T) {
	var p Pairs
	for i := range 100 {
		p.Answered(request(i), 200)
	}
	for i := range 100 {
		p.Recorded(recorded(i, 200))
	}
	if text, _, _ := said(&p); text != "status equal 100, different 0" {
		t.Errorf("%q", text)
	}
	var alone Pairs
	for i := range 2 * earlyMost {
		alone.Answered(request(i), 200)
	}
	if _, has := alone.ids.Get(request(2*earlyMost - 1)); has {
		t.Error("statuses that have nothing to be compared with are remembered for ever")
	}
}
