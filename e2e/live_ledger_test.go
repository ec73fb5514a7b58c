package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/buger/gor/bench/loadgen"
	"github.com/buger/gor/internal/testkit"
)

// A captureLedger is what the ledger of a Gor with one capture and one
// recording says.
type captureLedger struct {
	packets, dropped                     int64
	begun, requests, interim, open, lost int64 // messages; lost for whatever reason
	slow                                 int64 // of the lost: whole, but Gor was too slow for them
	gaps, gapBytes, skippedBytes         int64
	skippedStarts                        int64 // request lines that went by unread
	evicted                              int64 // connections
	in, offered, delivered               int64
	shed, failed, unsent                 int64
}

// behind is how many messages were captured and not recorded.
func (l captureLedger) behind() int64 { return l.shed + l.failed + l.unsent }

// parseCaptureLedger reads the ledger that stands at the end of what Gor said.
func parseCaptureLedger(t *testing.T, said string) (l captureLedger) {
	t.Helper()
	testkit.WantSums(t, said)
	_, said, found := strings.Cut(said, "gor: ledger after ")
	if !found {
		t.Fatalf("there is no ledger:\n%s", said)
	}
	rows := map[string]*int64{
		"packets": &l.packets, "packets dropped by the kernel": &l.dropped,
		"messages begun": &l.begun, "requests": &l.requests, "interim responses": &l.interim, "messages open": &l.open,
		"lost: reader too slow": &l.slow, "gaps": &l.gaps, "bytes missing": &l.gapBytes, "bytes skipped": &l.skippedBytes,
		"request lines skipped": &l.skippedStarts,
		"connections evicted":   &l.evicted,
		"in":                    &l.in, "offered": &l.offered, "delivered": &l.delivered, "shed": &l.shed, "failed": &l.failed, "unsent": &l.unsent,
	}
	for line := range strings.Lines(said) {
		what, terms, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if what != "messages" && what != "before that" {
			continue
		}
		terms = testkit.InBrackets.ReplaceAllString(terms, "")
		for _, term := range strings.FieldsFunc(terms, func(r rune) bool { return r == ',' || r == '+' || r == '=' }) {
			number, name, ok := strings.Cut(strings.TrimSpace(term), " ")
			if !ok {
				t.Fatalf("no row of a ledger: %q in %q", term, line)
			}
			n := int64(testkit.Atoi(t, number))
			name = strings.TrimSpace(name)
			if row := rows[name]; row != nil {
				*row += n
			}
			if strings.HasPrefix(name, "lost: ") {
				l.lost += n
			}
		}
	}
	return l
}

// contradictions are what cannot be true of both the ledger and a recording of
// some traffic. What must be:
//
//   - What was recorded was sent, and is there once.
//   - Messages that were seen to begin are those given and those lost.
//   - The recording has what is counted as delivered, so that the missing are
//     those lost behind the capture (shed, failed, unsent) and before it.
//   - Without a packet dropped by the kernel, the only loss is that Gor was too
//     slow for whole messages, and as many are missing as are counted.
//   - Each message counted as lost is one that is missing.
//   - Bytes in gaps and bytes skipped are bytes of missing messages.
//   - Missing messages that are not counted lie wholly in these bytes, or at the
//     ends of their connections: an end that was dropped shows no gap.
//   - Where each request has the same size and lies in one packet, a gap has
//     whole requests: with the bytes in gaps the missing are counted exactly.
func (l captureLedger) contradictions(traffic *loadgen.Traffic, found loadgen.Findings) (list []string) {
	wrong := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	if !found.Clean() {
		wrong("the recording has other requests than were sent: %+v", found)
	}
	if l.begun != l.requests+l.interim+l.open+l.lost {
		wrong("%d messages begun are not %d given + %d interim + %d open + %d lost", l.begun, l.requests, l.interim, l.open, l.lost)
	}
	if l.requests != l.in || l.in != l.offered || l.offered != l.delivered+l.behind() {
		wrong("%d requests, %d in, %d offered, %d delivered, %d shed behind", l.requests, l.in, l.offered, l.delivered, l.behind())
	}
	if l.delivered != found.Records {
		wrong("%d delivered, %d recorded", l.delivered, found.Records)
	}
	whole := l.slow + l.behind() // messages that were lost whole
	if l.dropped == 0 && (l.lost != l.slow || l.gaps != 0 || l.skippedBytes != 0 || found.Missing != whole) {
		wrong("no packet was dropped, and %d are missing, %d of them counted; %d gaps, %d bytes skipped, %d lost", found.Missing, whole, l.gaps, l.skippedBytes, l.lost)
	}
	counted := l.lost + l.behind()
	if counted > found.Missing {
		wrong("%d are counted as lost, and %d are missing", counted, found.Missing)
	}
	away := l.gapBytes + l.skippedBytes
	if away > found.MissingBytes {
		wrong("%d bytes are counted as missing or skipped, more than the %d of what is missing", away, found.MissingBytes)
	}
	if hidden := found.Missing - found.MissingAtEnds - counted; hidden*int64(traffic.Smallest()) > away && l.evicted == 0 {
		wrong("%d are missing, %d of them at ends, %d counted: the others do not fit in %d bytes", found.Missing, found.MissingAtEnds, counted, away)
	}
	if size, ok := traffic.Size(); ok {
		size := int64(size)
		exact := l.gapBytes/size + whole
		if l.gapBytes%size != 0 || l.skippedBytes != 0 || exact > found.Missing || exact < found.Missing-found.MissingAtEnds {
			wrong("%d bytes of gaps, %d skipped and %d lost whole are %d requests of %d bytes; missing are %d, of them %d at ends",
				l.gapBytes, l.skippedBytes, whole, exact, size, found.Missing, found.MissingAtEnds)
		}
	}
	return list
}

// TestLedgerContradictions: a ledger that is true of its recording passes, and
// each untruth is seen.
func TestLedgerContradictions(t *testing.T) {
	get, upload := loadgen.NewTraffic(loadgen.Get, 1), loadgen.NewTraffic(loadgen.Post64k, 1)
	size, _ := get.Size()
	// Of 100 requests two gaps had three each, the last four were dropped with
	// the end of the connection, two found no room and one could not be
	// written.
	said := fmt.Sprintf(`gor: ledger after 1s
  input-raw :80
    messages: 88 in = 0 limited + 0 filtered + 88 passed on
    before that: 92 packets, 10 packets dropped by the kernel, 92 messages begun, 88 requests, 2 lost: gap, 2 lost: reader too slow, 1 connections, 2 gaps, %d bytes missing
  output-file x.gor
    messages: 88 offered = 1 shed + 87 delivered + 0 unsent + 0 failed
    wrote 10000 bytes to x.gor
`, 6*size)
	lossy := parseCaptureLedger(t, said)
	found := loadgen.Findings{Expected: 100, Records: 87, Intact: 87, Missing: 13, MissingAtEnds: 4, MissingBytes: int64(13 * size)}
	// Of an upload a part is missing and a part was skipped.
	cut := captureLedger{packets: 50, dropped: 2, begun: 10, requests: 9, lost: 1, gaps: 1, gapBytes: 40_000, skippedBytes: 70_000, in: 9, offered: 9, delivered: 9}
	foundCut := loadgen.Findings{Expected: 11, Records: 9, Intact: 9, Missing: 2, MissingBytes: 2 * 65_700}
	all := captureLedger{packets: 9, begun: 9, requests: 9, in: 9, offered: 9, delivered: 9}
	foundAll := loadgen.Findings{Expected: 9, Records: 9, Intact: 9}

	type ledger = captureLedger
	type findings = loadgen.Findings
	for _, test := range []struct {
		name    string
		traffic *loadgen.Traffic
		l       ledger
		found   findings
		untruth func(*ledger, *findings)
	}{
		{"lossy", get, lossy, found, nil},
		{"cut", upload, cut, foundCut, nil},
		{"all", get, all, foundAll, nil},
		{"a duplicate", get, all, foundAll, func(_ *ledger, f *findings) { f.Duplicates++ }},
		{"one altered", get, all, foundAll, func(_ *ledger, f *findings) { f.Altered++ }},
		{"one foreign", get, all, foundAll, func(_ *ledger, f *findings) { f.Foreign++ }},
		{"one lost silently", get, all, foundAll, func(l *ledger, f *findings) {
			f.Missing, f.Intact, f.Records = 1, 8, 8
			l.begun, l.requests, l.in, l.offered, l.delivered = 8, 8, 8, 8, 8
		}},
		{"a gap without a drop", get, all, foundAll, func(l *ledger, f *findings) {
			l.lost, l.gaps, f.Missing, f.Intact = 1, 1, 1, 8
		}},
		{"a message that neither was given nor lost", get, lossy, found, func(l *ledger, _ *findings) { l.begun++ }},
		{"one that no output was offered", get, lossy, found, func(l *ledger, _ *findings) { l.offered-- }},
		{"one in work for ever", get, lossy, found, func(l *ledger, _ *findings) { l.shed-- }},
		{"one delivered and not recorded", get, lossy, found, func(_ *ledger, f *findings) { f.Records-- }},
		{"a gap that is not counted", get, lossy, found, func(l *ledger, _ *findings) { l.gapBytes -= int64(size) }},
		{"half a gap that is not counted", get, lossy, found, func(l *ledger, _ *findings) { l.gapBytes-- }},
		{"more gaps than requests", get, lossy, found, func(l *ledger, _ *findings) { l.gapBytes += int64(5 * size) }},
		{"a skipped GET", get, lossy, found, func(l *ledger, _ *findings) { l.skippedBytes++ }},
		{"more lost than missing", upload, cut, foundCut, func(l *ledger, _ *findings) { l.lost, l.begun = 3, 12 }},
		{"more bytes skipped than missing", upload, cut, foundCut, func(l *ledger, _ *findings) { l.skippedBytes *= 2 }},
		{"a hidden request that no gap has room for", upload, cut, foundCut, func(l *ledger, _ *findings) { l.skippedBytes = 0 }},
	} {
		l, f := test.l, test.found
		if test.untruth != nil {
			test.untruth(&l, &f)
		}
		list := l.contradictions(test.traffic, f)
		if (len(list) > 0) != (test.untruth != nil) {
			t.Errorf("%s: %q", test.name, list)
		}
	}
}
