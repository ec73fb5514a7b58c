package buffers

import "testing"

func TestSizeClasses(t *testing.T) {
	last, lastSize := 0, 0
	for n := range LargestKept + 1 {
		c, size := sizeClass(n)
		if size < n || c < last || c > last+1 || c >= classes || (c == last) != (size == lastSize) && n > 0 {
			t.Fatalf("sizeClass(%d) = %d, %d after %d, %d", n, c, size, last, lastSize)
		}
		if again, _ := sizeClass(size); again != c {
			t.Fatalf("class of %d is %d, of its size %d is %d", n, c, size, again)
		}
		if n > smallestBuffer && size-n > n/4 {
			t.Fatalf("%d bytes get a buffer of %d", n, size)
		}
		last, lastSize = c, size
	}
	if last != classes-1 || lastSize != LargestKept {
		t.Errorf("the last class is %d with %d bytes", last, lastSize)
	}
}
