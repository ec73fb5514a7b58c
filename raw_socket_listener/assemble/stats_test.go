package assemble

import "testing"

func TestRowsNameEveryLoss(t *testing.T) {
	var s Stats
	seen := map[string]bool{}
	for _, c := range s.Rows() {
		if c.Name == "" || seen[c.Name] {
			t.Errorf("a row is named %q", c.Name)
		}
		seen[c.Name] = true
	}
	for l := NotLost + 1; l < LossKinds; l++ {
		if !seen["lost: "+l.String()] {
			t.Errorf("no row for %q", l)
		}
	}
}
