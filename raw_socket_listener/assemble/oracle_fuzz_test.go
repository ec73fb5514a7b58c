package assemble

import (
	"math/rand/v2"
	"testing"
)

// FuzzOracle mutates conversations of our own as its input says, and puts
// requests of its input's into them: what was sent is given or counted, and
// nothing else is given.
//
// The first byte chooses the conversation, the next two the mutations and
// whether responses are seen; then come the decisions, two bytes each, and
// behind the text, if there is one, what the client sends besides.
func FuzzOracle(f *testing.F) {
	sessions := ownSessions()
	rnd := rand.New(rand.NewPCG(9, 9))
	for i := range settledMutations {
		set := 1 << i
		b := []byte{byte(rnd.IntN(256)), byte(set), byte(set >> 8)}
		for range 40 {
			b = append(b, byte(rnd.IntN(256)))
		}
		f.Add(b, "")
	}
	for _, q := range oddRequests {
		f.Add([]byte{byte(len(q)), 4, 8, 0, 1, 2, 3}, q)
	}
	f.Fuzz(func(t *testing.T, program []byte, text string) {
		if len(program) < 3 || len(text) > 4096 {
			return
		}
		base := sessions[int(program[0])%len(sessions)]
		set := int(program[1]) | int(program[2])<<8
		visible := set&(1<<15) != 0
		packets := base.packets
		if text != "" {
			packets = interject(packets, len(packets)/2, []byte(text))
		}
		packets = mutate(fuzzChoices(program[3:]), set&(1<<settledMutations-1), packets)
		r, s := judge(t, Config{TrackResponse: visible}, packets)
		for _, finding := range r.Findings {
			t.Errorf("%s, %v, responses %v: %v (lost %s)", base.name, mutationNames(set), visible, finding, losses(s.Lost))
		}
		if t.Failed() {
			for i := range packets {
				t.Log(describePacket(&packets[i]))
			}
		}
	})
}
