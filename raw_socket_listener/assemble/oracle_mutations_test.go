package assemble

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"strconv"
	"testing"

	"github.com/buger/gor/raw_socket_listener/oracle"
	"github.com/buger/gor/raw_socket_listener/packet"
)

// judge gives packets to an assembler that captures port 80, and holds what it
// says against the oracle.
func judge(t testing.TB, cfg Config, packets []oracle.Packet) (oracle.Report, *Stats) {
	r := newRig(t, cfg)
	for i := range packets {
		p := &packets[i]
		if p.Dst.Port() != 80 && !cfg.TrackResponse {
			continue // no source hands them on
		}
		r.a.Segment(&packet.Segment{
			Time: p.Time, Src: p.Src, Dst: p.Dst, Seq: p.Seq, Ack: p.Ack, Flags: packet.TCPFlags(p.Flags), Window: 1000,
			Payload: p.Payload, Missing: p.Missing,
		})
	}
	given := r.messages()
	a := account(r.a.stats, cfg.TrackResponse)
	a.Ports = []uint16{80}
	for i := range given {
		a.Messages = append(a.Messages, oracleMessage(&given[i]))
	}
	return oracle.Follow(packets).Check(a), &r.a.stats
}

// crashed is a finding of this test's: a panic, or a rig that does not add up.
const crashed = "crashed"

// A softTB is a test that goes on when the rig gives up.
type softTB struct {
	testing.TB
	said []string
}

type softFailure struct{}

func (s *softTB) Helper()                   {}
func (s *softTB) Errorf(f string, a ...any) { s.said = append(s.said, fmt.Sprintf(f, a...)) }
func (s *softTB) Fatalf(f string, a ...any) { s.Errorf(f, a...); panic(softFailure{}) }

// try is judge, whose findings include panics and what the rig finds wrong.
func try(t testing.TB, cfg Config, packets []oracle.Packet) (r oracle.Report, s *Stats) {
	soft := &softTB{TB: t}
	defer func() {
		switch p := recover().(type) {
		case nil, softFailure:
		default:
			soft.Errorf("%v\n%s", p, debug.Stack())
		}
		for _, what := range soft.said {
			r.Findings = append(r.Findings, oracle.Finding{Kind: crashed, What: what})
		}
		if s == nil {
			s = &Stats{}
		}
	}()
	return judge(soft, cfg, packets)
}

// mutationsVar is how many mutations TestOracleMutations makes: oracleMutations unless it
// says otherwise.
const mutationsVar = "GOR_ORACLE_MUTATIONS"

// mutationSeedVar is the first seed, to run one again or to go on behind others.
const mutationSeedVar = "GOR_ORACLE_SEED"

// What was sent is given, or counted, and nothing else is given, whatever the
// way does to it.
func TestOracleMutations(t *testing.T) {
	sessions := append(ownSessions(), foreignSessions(t)...)
	n, first := intVar(t, mutationsVar, oracleMutations), intVar(t, mutationSeedVar, 0)
	kinds := map[string]int{}
	sum := oracle.Report{}
	for seed := first; seed < first+n; seed++ {
		rnd := rand.New(rand.NewPCG(uint64(seed), 10))
		base := sessions[rnd.IntN(len(sessions))]
		set := rnd.IntN(1 << len(mutations))
		if rnd.IntN(2) == 0 {
			set &= rnd.IntN(1 << len(mutations)) // fewer at once
		}
		visible := rnd.IntN(2) == 0
		packets := mutate(rnd.IntN, set, base.packets)
		r, s := try(t, Config{TrackResponse: visible}, packets)
		sum.Strict, sum.Given, sum.Requests = sum.Strict+r.Strict, sum.Given+r.Given, sum.Requests+r.Requests
		for i := range packets {
			if n == 1 {
				t.Log(describePacket(&packets[i]))
			}
		}
		for _, f := range r.Findings {
			if kinds[f.Kind]++; kinds[f.Kind] <= 3 {
				t.Errorf("%d packets, seed %d: %s, %v, responses %v: %v (lost %s)", len(packets), seed, base.name, mutationNames(set), visible, f, losses(s.Lost))
			}
		}
	}
	if len(kinds) > 0 {
		t.Errorf("findings: %v", kinds)
	}
	t.Logf("%d mutations of %d connections: %d strict starts, %d given, %d requests given", n, len(sessions), sum.Strict, sum.Given, sum.Requests)
}

func intVar(t testing.TB, name string, or int) int {
	s := os.Getenv(name)
	if s == "" {
		return or
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		t.Fatalf("%s is %q: want a number", name, s)
	}
	return n
}

func describePacket(p *oracle.Packet) string {
	var flags []string
	for i, name := range []string{"FIN", "SYN", "RST", "PSH", "ACK"} {
		if p.Flags&(1<<i) != 0 {
			flags = append(flags, name)
		}
	}
	return fmt.Sprintf("%v to %v %v seq %d ack %d missing %d %.100q", p.Src, p.Dst, flags, p.Seq, p.Ack, p.Missing, p.Payload)
}
