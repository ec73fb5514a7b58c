package link

import (
	"errors"
	"fmt"
	"io"
	"testing"
)

// sameSource gives the same message again and again.
type sameSource struct {
	msg  []byte
	left int
}

func (s *sameSource) Take(dst [][]byte, _ <-chan struct{}) (int, bool) {
	n := min(len(dst), s.left)
	for i := range n {
		dst[i] = s.msg
	}
	s.left -= n
	return n, n > 0
}

func (s *sameSource) Release(int) {}

// BenchmarkLink is one sender and one receiver over loopback, until the last
// message is acknowledged.
func BenchmarkLink(b *testing.B) {
	for _, size := range []int{1 << 10, 64 << 10} {
		b.Run(fmt.Sprintf("%dk", size>>10), func(b *testing.B) {
			l := listen(b)
			r := newTestReceiver(b, l)
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				buf := make([]byte, 128<<10)
				for {
					if _, err := r.Read(buf); errors.Is(err, io.EOF) {
						return
					}
				}
			}()
			msg := message(1, 1, size)
			b.SetBytes(int64(len(msg)))
			b.ReportAllocs()
			b.ResetTimer()
			s := newTestSender(b, l.Addr().String(), &sameSource{msg, b.N})
			<-s.Done()
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msgs/s")
			if d := count(s.Counts(), "delivered"); d != uint64(b.N) {
				b.Fatalf("delivered %d of %d", d, b.N)
			}
			r.Close()
			<-ended
		})
	}
}
