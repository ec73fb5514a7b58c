package testkit

import "testing"

// TestMetricsParserIsStrict: a test that cannot fail is none.
func TestMetricsParserIsStrict(t *testing.T) {
	const head = "# HELP a_total A.\n# TYPE a_total counter\n"
	if got, err := ParseMetrics(head + "a_total{x=\"1\\n\\\"\\\\\",y=\"\"} 3\n"); err != nil || got[`a_total x="1\n\"\\" y=""`] != "3" {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{
		"a_total 1\n", head, head + "a_total 1", head + "a_total 1\na_total 2\n", head + "b_total 1\n", head + "a_total -1\n",
		head + "a_total 1.5\n", head + "a_total{x=\"\\t\"} 1\n", head + "a_total{x=\"1\"}1\n", head + "a_total{x=\"1\" 1\n",
		head + "a_total{x=\"1\",x=\"2\"} 1\n", head + "a_total{} 1\n", head + "a_total 1\n\n", "# TYPE a_total counter\na_total 1\n",
		head + "a_total 1\n" + head + "a_total{x=\"\"} 1\n", "# HELP a A.\n# TYPE a counter\na 1\n", "# HELP a_total A.\n# TYPE a_total gauge\na_total 1\n",
	} {
		if got, err := ParseMetrics(bad); err == nil && bad != head {
			t.Errorf("accepted %q as %v", bad, got)
		}
	}
}
