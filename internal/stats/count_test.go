package stats

import (
	"reflect"
	"sync"
	"testing"
)

func TestReasons(t *testing.T) {
	r := NewReasons("delivered", "refused", "timeout")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 1000 {
				r.Add(0)
			}
			r.AddN(2, 5)
		})
	}
	wg.Wait()

	want := []Count{{"delivered", 4000}, {"refused", 0}, {"timeout", 20}}
	if got := r.Rows(); !reflect.DeepEqual(got, want) {
		t.Errorf("Rows() = %v, want %v", got, want)
	}
	if got, want := r.NonZero(), []Count{{"delivered", 4000}, {"timeout", 20}}; !reflect.DeepEqual(got, want) {
		t.Errorf("NonZero() = %v, want %v", got, want)
	}
	if got := Sum(r.Rows()); got != 4020 || r.Total() != got {
		t.Errorf("Sum = %d, Total = %d, want 4020", got, r.Total())
	}
	if r.Get(0) != 4000 || r.Name(1) != "refused" || r.Len() != 3 {
		t.Errorf("Get(0) = %d, Name(1) = %q, Len = %d", r.Get(0), r.Name(1), r.Len())
	}
}

func TestReasonsAllocates(t *testing.T) {
	r := NewReasons("a", "b")
	if n := testing.AllocsPerRun(1000, func() { r.Add(1) }); n != 0 {
		t.Errorf("Add allocates %v times", n)
	}
}
