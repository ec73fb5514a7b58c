package verdict

import (
	"fmt"
	"testing"
)

// What finds no room for a counter of its own is counted all the same, and one version
// that differs everywhere leaves room to another.
func TestBudgetIsShared(t *testing.T) {
	budget := NewBudget(400<<10, 2)
	engines := [...]*Engine{New(Config{BodyMost: 1 << 20, Budget: budget}), New(Config{BodyMost: 1 << 20, Budget: budget})}
	answer := func(text string) *Answer {
		return &Answer{Bytes: []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + text), Took: -1}
	}
	add := func(e *Engine, i int, old, new *Answer) {
		e.Add(&Pair{ID: fmt.Sprint(i), Request: fmt.Appendf(nil, "GET /a HTTP/1.1\r\n\r\n"), Old: old, New: new})
	}
	const n = 3000
	for i := range n {
		add(engines[0], i, answer(`{"id":1}`), answer(fmt.Sprintf(`{"id":1,"member%d":1}`, i)))
	}
	add(engines[0], n, answer(`{"id":1}`), &Answer{Error: "timeout"})
	add(engines[1], 0, answer(`{"id":1}`), answer(`{"id":2}`))

	res := engines[0].Result()
	rows := map[string]uint64{}
	var added uint64
	for _, r := range res.Rows {
		rows[r.Route+" "+r.Path+" "+r.Severity.String()] = r.Differs
		if r.Severity.String() == "added" {
			added += r.Differs
		}
	}
	if len(res.Rows) > 1000 || added != n || rows[AllRoutes+" "+OtherDifferences+" added"] != res.Totals.Uncounted {
		t.Errorf("%d rows, which count %d of %d members; %d of them without their places", len(res.Rows), added, n, res.Totals.Uncounted)
	}
	if rows["GET /a answer unanswered"] != 1 {
		t.Error("an answer that did not come has no row of its own: the room for it was used up")
	}
	if res.Totals.Equal != 0 || res.Totals.Compared != n+1 {
		t.Errorf("%+v", res.Totals)
	}
	if res := engines[1].Result(); len(res.Rows) != 1 || res.Rows[0].Route != "GET /a" {
		t.Errorf("the other version: %+v", res.Rows)
	}
}
