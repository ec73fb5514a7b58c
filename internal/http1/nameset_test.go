package http1

import "testing"

// A name that is there is always found, in any spelling, whether it was there or
// was added, and with others beside it.
func TestNameSetKnowsWhatIsThere(t *testing.T) {
	names := []string{"Host", "HOST", "X", "Content-Length", "X-A-Very-Long-Name-That-Is-Longer-Than-All-The-Others-Are-In-Here"}
	for _, there := range names {
		var r Request
		if err := r.Parse([]byte("GET / HTTP/1.1\r\nA: 0\r\n" + there + ": 1\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		r.SetHeader("Added-"+there, "2")
		for _, name := range []string{there, "Added-" + there, "a"} {
			if _, ok := r.Header(name); !ok {
				t.Errorf("%s is not found", name)
			}
		}
		if _, ok := r.Header(""); ok {
			t.Error("found a header without a name")
		}
		if _, ok := r.Header("Absent"); ok {
			t.Error("found a header that is not there")
		}
	}
}
