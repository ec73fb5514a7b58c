package e2e

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/testkit"
)

// A captureCounts is what a capture's ledger says beside its equation.
type captureCounts map[string]int

// readCaptureCounts reads them, and how many messages the recording shed.
func readCaptureCounts(t *testing.T, said string) (rows captureCounts, shed int) {
	t.Helper()
	capture := regexp.MustCompile(`(?m)^  input-raw .*\n.*\n    before that: (.*)$`).FindStringSubmatch(said)
	recording := regexp.MustCompile(`(?m)^  output-file .*\n.* offered = (\d+) shed`).FindStringSubmatch(said)
	if capture == nil || recording == nil {
		t.Fatalf("the ledger has no capture or no recording:\n%s", said)
	}
	rows = captureCounts{}
	for row := range strings.SplitSeq(capture[1], ", ") {
		n, name, _ := strings.Cut(row, " ")
		rows[name] = testkit.Atoi(t, n)
	}
	return rows, testkit.Atoi(t, recording[1])
}

// sum adds up the rows whose names begin like that.
func (c captureCounts) sum(prefix string) (sum int) {
	for name, n := range c {
		if strings.HasPrefix(name, prefix) {
			sum += n
		}
	}
	return sum
}

// losses lists what was lost, by reason.
func (c captureCounts) losses() string {
	var list []string
	for name, n := range c {
		if reason, ok := strings.CutPrefix(name, "lost: "); ok {
			list = append(list, fmt.Sprintf("%d %s", n, reason))
		}
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

// wantSoaked checks what came of a soak: the ledger adds up, and the requests
// of all clients are in the recording, once and byte for byte.
func wantSoaked(t *testing.T, said, file string, rounds int) {
	t.Helper()
	// wantSums knows reasons that begin with a small letter.
	testkit.WantSums(t, strings.ReplaceAll(said, "CONNECT not replayed", "connect not replayed"))
	rows, shed := readCaptureCounts(t, said)
	if begun, ended := rows["messages begun"], rows["requests"]+rows["responses"]+rows["interim responses"]+rows["messages open"]+rows.sum("lost: "); begun != ended || begun == 0 {
		t.Errorf("%d messages begun, %d given, open or lost", begun, ended)
	}
	if packets, known := rows["packets"], rows["segments"]+rows.sum("packets ignored: "); packets != known {
		t.Errorf("%d packets, %d segments and ignored ones", packets, known)
	}
	// Less than that would not have shown what was to be shown.
	if rows["connections"] < soakHalfOpen {
		t.Errorf("%d connections, fewer than were half open", rows["connections"])
	}
	if !testkit.RaceEnabled && (rows["connections evicted"] == 0 || rows["lost: memory"] == 0) {
		t.Errorf("%d connections evicted, %d messages lost to memory: no ceiling was reached", rows["connections evicted"], rows["lost: memory"])
	}
	recorded := wantRequests(t, file, rounds, rows, shed)
	if want := rows["requests"] + rows["responses"] - shed; recorded != want {
		t.Errorf("%d messages in the recording, the ledger has %d", recorded, want)
	}
}

// A soakRequest is a request that a client sent, and what became of it.
type soakRequest struct {
	client, round, number int
	ids                   []string // under which it was recorded
}

// wantRequests compares the recording with what the clients sent, and returns
// how many messages it holds. Requests may be missing only if the kernel
// dropped packets or Gor was too slow, and then no more than the ledger says.
func wantRequests(t *testing.T, file string, rounds int, rows captureCounts, shed int) (recorded int) {
	t.Helper()
	want := map[[sha256.Size]byte]*soakRequest{}
	for i, s := range soakStreams() {
		for round := range rounds {
			for n, raw := range s.round(round) {
				want[sha256.Sum256(raw)] = &soakRequest{client: i, round: round, number: n}
			}
		}
	}
	if n := len(soakStreams()) * rounds * soakRound; len(want) != n {
		t.Fatalf("only %d of %d requests differ", len(want), n)
	}
	foreign := 0
	recorded = eachRecord(t, file, func(meta payload.Meta, raw []byte) {
		if meta.Type != payload.Request || !bytes.Contains(raw, []byte("\r\nX-Number:")) {
			return // a response, or abuse
		}
		if r := want[sha256.Sum256(raw)]; r != nil {
			r.ids = append(r.ids, string(meta.ID))
		} else if foreign++; foreign <= 5 {
			t.Errorf("nobody sent this request of %d bytes: %.200q", len(raw), raw)
		}
	})
	if foreign > 5 {
		t.Errorf("nobody sent %d requests", foreign)
	}
	dropped := rows["packets dropped by the kernel"]
	allowed := rows["lost: reader too slow"] + shed
	if dropped > 0 {
		allowed += rows.sum("lost: ") - rows["lost: reader too slow"]
	}
	missing := wantConnections(t, want, dropped+allowed == 0)
	t.Logf("%d requests sent, %d captured, %d messages in all; %d shed; %d packets, %d dropped by the kernel; %d connections, %d evicted; lost %s",
		len(want), len(want)-missing, recorded, shed, rows["packets"], dropped, rows["connections"], rows["connections evicted"], rows.losses())
	if missing > allowed {
		t.Errorf("%d requests are missing, %d may be", missing, allowed)
	}
	return recorded
}

// wantConnections wants each request at most once, and all of a connection
// under the id of one and in order: a connection that was evicted while it was
// in use would come back under another id. It returns how many are missing.
func wantConnections(t *testing.T, want map[[sha256.Size]byte]*soakRequest, unbroken bool) (missing int) {
	t.Helper()
	streams := soakStreams()
	conns := map[string]string{} // id of the connection, by its client's name for it
	for _, r := range want {
		stream := streams[r.client]
		name, ordinal := stream.name, r.round*soakRound+r.number+1
		if !stream.kept {
			name, ordinal = fmt.Sprintf("%s in round %d", stream.name, r.round), r.number+1
		}
		if len(r.ids) == 0 {
			if missing++; missing <= 5 {
				t.Logf("missing: request %d of %s, round %d", r.number, stream.name, r.round)
			}
			continue
		}
		if len(r.ids) > 1 {
			t.Errorf("request %d of %s was captured %d times", r.number, name, len(r.ids))
		}
		conn := string(payload.ConnPart([]byte(r.ids[0])))
		if first, ok := conns[name]; ok && first != conn {
			t.Errorf("the connection of %s was taken for two: %s and %s", name, first, conn)
		}
		conns[name] = conn
		if id := fmt.Sprintf("%s%08x", conn, ordinal); unbroken && r.ids[0] != id {
			t.Errorf("request %d of %s has the id %s, want %s", r.number, name, r.ids[0], id)
		}
	}
	return missing
}

// eachRecord calls do for each message of a recording, and returns how many
// there are.
func eachRecord(t *testing.T, name string, do func(payload.Meta, []byte)) (n int) {
	t.Helper()
	f, err := os.Open(name)
	testkit.Must(t, err)
	defer f.Close()
	src, err := payload.Open(f, name, testkit.MessageLimit)
	testkit.Must(t, err)
	for ; ; n++ {
		msg, err := src.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		testkit.Must(t, err)
		meta, raw, err := payload.Split(msg)
		testkit.Must(t, err)
		do(meta, raw)
	}
	if d := src.Damage(); d.Any() {
		t.Errorf("%s: %s", name, d)
	}
	return n
}
