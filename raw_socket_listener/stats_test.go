package rawsocket

import "testing"

func TestRowsNameEveryLoss(t *testing.T) {
	var s assembleStats
	seen := map[string]bool{}
	for _, c := range s.Rows() {
		if c.Name == "" || seen[c.Name] {
			t.Errorf("a row is named %q", c.Name)
		}
		seen[c.Name] = true
	}
	for l := notLost + 1; l < lossKinds; l++ {
		if !seen["lost: "+l.String()] {
			t.Errorf("no row for %q", l)
		}
	}
}
