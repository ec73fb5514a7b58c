package stats

import (
	"reflect"
	"sync"
	"testing"
)

func TestReasons(t *testing.T) {
	r := NewReasons(append(List(Delivered, "delivered"), List(Failed, "refused", "timeout")...))
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

	want := []Count{{"delivered", Delivered, 4000}, {"refused", Failed, 0}, {"timeout", Failed, 20}}
	if got := r.Rows(); !reflect.DeepEqual(got, want) {
		t.Errorf("Rows() = %v, want %v", got, want)
	}
	if got, want := r.NonZero(), []Count{{"delivered", Delivered, 4000}, {"timeout", Failed, 20}}; !reflect.DeepEqual(got, want) {
		t.Errorf("NonZero() = %v, want %v", got, want)
	}
	if got := Sum(r.Rows()); got != 4020 {
		t.Errorf("Sum = %d, want 4020", got)
	}
	if r.Get(0) != 4000 || r.Name(1) != "refused" {
		t.Errorf("Get(0) = %d, Name(1) = %q", r.Get(0), r.Name(1))
	}
}

func TestReasonsAllocates(t *testing.T) {
	r := NewReasons(List(Failed, "a", "b"))
	if n := testing.AllocsPerRun(1000, func() { r.Add(1) }); n != 0 {
		t.Errorf("Add allocates %v times", n)
	}
}
