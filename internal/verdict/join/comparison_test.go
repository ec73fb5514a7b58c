package join

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/verdict"
)

// compare adds records to a Comparison and ends it. The labels are expected.
func compare(t *testing.T, cfg Config, labels []string, add func(add func(source Source, typ byte, id, label, body string))) ([]Verdict, error) {
	t.Helper()
	cfg.BodyMost, cfg.Joining.Tmp = 1<<20, t.TempDir()
	c, err := NewComparison(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, label := range labels {
		m := payload.Meta{Type: payload.ReplayResponse, ID: []byte("1"), Attributes: payload.AppendAttribute(nil, payload.AttrTarget, label)}
		c.Expect(0, payload.AppendMeta(nil, m))
	}
	add(func(source Source, typ byte, id, label, body string) {
		m := payload.Meta{Type: typ, ID: []byte(id), Time: 1_700_000_000_000_000_000, Length: int64(len(body))}
		if label != "" {
			m.Attributes = payload.AppendAttribute(nil, payload.AttrTarget, label)
		}
		if err := c.Add(source, append(payload.AppendMeta(nil, m), body...)); err != nil {
			t.Fatal(err)
		}
	})
	return c.End()
}

func answerOf(status int, body string) string {
	return fmt.Sprintf("HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
}

// Each label is a version of its own, the candidate first, with the same pairs, wherever
// the records lie and whenever the label was first seen.
func TestVersions(t *testing.T) {
	const n = 100
	for window, labels := range map[int][]string{0: nil, 4 << 10: {Candidate}} { // all in memory, and nearly all in files
		verdicts, err := compare(t, Config{Joining: Joining{Window: window}}, labels, func(add func(Source, byte, string, string, string)) {
			for i := range n {
				id := fmt.Sprint(i)
				add(0, payload.Request, id, "", "GET /a HTTP/1.1\r\n\r\n")
				add(0, payload.Response, id, "", answerOf(200, "x"))
				add(0, payload.ReplayResponse, id, "b", answerOf(200, "x"))
			}
			for i := range n {
				if i%2 == 0 {
					add(0, payload.ReplayResponse, fmt.Sprint(n-1-i), Candidate, answerOf(500, "x"))
				}
			}
		})
		if err != nil || len(verdicts) != 2 || verdicts[0].Label != Candidate || verdicts[1].Label != "b" {
			t.Fatalf("window %d: %+v, %v", window, verdicts, err)
		}
		is, b := verdicts[0], verdicts[1]
		if is.Class != verdict.Regression || is.Totals.Compared != n/2 || is.Totals.WithoutNew != n/2 || is.New != Candidate {
			t.Errorf("window %d: %+v", window, is.Totals)
		}
		if b.Class != 0 || b.Totals.Compared != n || b.Totals.WithoutNew != 0 {
			t.Errorf("window %d: %+v", window, b.Totals)
		}
	}
}

// More versions than there may be are left out, and that is said.
func TestTooManyVersions(t *testing.T) {
	verdicts, err := compare(t, Config{}, nil, func(add func(Source, byte, string, string, string)) {
		add(0, payload.Request, "1", "", "GET /a HTTP/1.1\r\n\r\n")
		add(0, payload.Response, "1", "", answerOf(200, "x"))
		for i := range MostVersions + 3 {
			add(0, payload.ReplayResponse, "1", fmt.Sprint("v", i), answerOf(200, "x"))
		}
	})
	if err != nil || len(verdicts) != MostVersions {
		t.Fatalf("%d verdicts, %v", len(verdicts), err)
	}
	if want := "3 answers were left out: there are more than 8 new versions"; !slices.Contains(verdicts[0].Notes, want) {
		t.Errorf("%q", verdicts[0].Notes)
	}
}

// A recording of production behind the one of its replay is no new version.
func TestOrder(t *testing.T) {
	_, err := compare(t, Config{Roles: Roles{Against: 1}}, nil, func(add func(Source, byte, string, string, string)) {
		for source, types := range []string{"123", "12"} {
			for _, typ := range []byte(types) {
				add(Source(source), typ, "1", "", answerOf(200, "x"))
			}
		}
	})
	if !errors.Is(err, ErrOrder) {
		t.Errorf("%v", err)
	}
}

// While targets answer, nothing that waits takes more memory than it may, though no disk
// has room, and all is compared.
func TestBacklogIsBounded(t *testing.T) {
	full := func(string) error { return errors.New("full") }
	body := strings.Repeat("x", 200_000)
	verdicts, err := compare(t, Config{Labels: []string{""}, Joining: Joining{Window: 1 << 20, Room: full}}, nil, func(add func(Source, byte, string, string, string)) {
		for i := range 100 { // 40 MB
			id := fmt.Sprint(i)
			add(0, payload.Request, id, "", "GET /a HTTP/1.1\r\n\r\n")
			add(0, payload.Response, id, "", answerOf(200, body))
			add(0, payload.ReplayResponse, id, "", answerOf(200, body))
		}
	})
	if err != nil || len(verdicts) != 1 || verdicts[0].Totals.Equal != 100 {
		t.Errorf("%+v, %v", verdicts, err)
	}
}
