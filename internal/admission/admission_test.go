package admission

import (
	"net"
	"testing"
	"time"
)

func from(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 1} }

var start = time.Unix(1_700_000_000, 0)

func TestOneClientKeepsNoOtherOut(t *testing.T) {
	table := New(1024, time.Minute)
	for range 1024 {
		if c, gone := table.Admit(from("10.0.0.1"), nil, start); c == nil || gone != nil {
			t.Fatal("refused although there is room")
		}
	}
	if c, _ := table.Admit(from("10.0.0.1"), nil, start); c != nil {
		t.Error("one more of the same client was admitted")
	}
	// Another gets half of all, at once, and however busy the first is.
	for i := range 512 {
		c, gone := table.Admit(from("10.0.0.2"), nil, start)
		if c == nil || gone == nil || gone.client.String() != "10.0.0.1" {
			t.Fatalf("connection %d of another client: %v, %v gave way", i, c, gone)
		}
	}
	if c, _ := table.Admit(from("10.0.0.2"), nil, start); c != nil {
		t.Error("the second client has more than half")
	}
	if len(table.conns) != 1024 {
		t.Errorf("%d connections", len(table.conns))
	}
}

func TestIdleGivesWay(t *testing.T) {
	table := New(3, time.Minute)
	var conns []*Conn
	for i := range 3 {
		c, _ := table.Admit(from("10.0.0.1"), nil, start.Add(time.Duration(i)*time.Second))
		conns = append(conns, c)
	}
	conns[0].Active(start.Add(30 * time.Second))
	if c, _ := table.Admit(from("10.0.0.1"), nil, start.Add(time.Minute)); c != nil {
		t.Error("one that was idle for 59 s gave way")
	}
	c, gone := table.Admit(from("10.0.0.1"), nil, start.Add(61*time.Second))
	if c == nil || gone != conns[1] {
		t.Errorf("admitted %v, gone %v, want the one that was idle longest", c, gone)
	}
	gone.Leave() // of one that has lost its place
	conns[0].Leave()
	conns[0].Leave()
	if len(table.conns) != 2 || table.clients[conns[0].client] != 2 {
		t.Errorf("%d connections, clients %v", len(table.conns), table.clients)
	}
}

func TestClients(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		same bool
	}{
		{"10.0.0.1", "::ffff:10.0.0.1", true},
		{"2001:db8::1", "2001:db8::2", true},
		{"2001:db8:0:1::1", "2001:db8:0:2::1", false},
		{"10.0.0.1", "10.0.0.2", false},
	} {
		if same := clientOf(from(tt.a)) == clientOf(from(tt.b)); same != tt.same {
			t.Errorf("%s and %s: the same client is %v", tt.a, tt.b, same)
		}
	}
}
