package link

import (
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/buger/gor/internal/outbound"
)

func TestRefusalIsSaidOnceAMinute(t *testing.T) {
	var l shortLog
	now := time.Now()
	from := func(host string, port int) net.Addr { return &net.TCPAddr{IP: net.ParseIP(host), Port: port} }
	for i, want := range []bool{true, false, false} {
		if got := l.fresh(from("10.0.0.1", 1000+i), "no TLS", now); got != want {
			t.Errorf("attempt %d: %t", i, got)
		}
	}
	if !l.fresh(from("10.0.0.1", 1), "late", now) || !l.fresh(from("10.0.0.2", 1), "no TLS", now) {
		t.Error("another reason or another host is not said")
	}
	if l.fresh(from("10.0.0.1", 1), "no TLS", now.Add(outbound.SayAgain-1)) || !l.fresh(from("10.0.0.1", 1), "no TLS", now.Add(outbound.SayAgain)) {
		t.Error("it is not said once a minute")
	}
	for i := range 3 * maxSaid {
		l.fresh(from("10.0.0.3", 1), fmt.Sprint(i), now)
	}
	if len(l.said) > maxSaid {
		t.Errorf("%d are remembered", len(l.said))
	}
}
