package recent

import (
	"fmt"
	"testing"
)

func message(i int) []byte { return fmt.Appendf(nil, "1 %024x 1 -1\nGET / HTTP/1.1\r\n\r\n", i) }

func TestOldestGoFirst(t *testing.T) {
	ids := New()
	const more = 100
	for i := range maxIDs + more {
		ids.Put(message(i), uint16(i))
	}
	for i := range maxIDs + more {
		v, ok := ids.Get(message(i))
		if want := i >= more; ok != want || ok && v != uint16(i) {
			t.Fatalf("message %d: %d, %v", i, v, ok)
		}
	}
	ids.Put(message(more), 7)
	if v, ok := ids.Get(message(more)); !ok || v != 7 {
		t.Errorf("put again: %d, %v", v, ok)
	}
	if len(ids.values) > maxIDs {
		t.Errorf("%d remembered", len(ids.values))
	}
}

func TestNilRemembersNothing(t *testing.T) {
	var ids *IDs
	ids.Put(message(1), 1)
	if _, ok := ids.Get(message(1)); ok {
		t.Error("nil remembers")
	}
	if _, ok := New().Get(message(1)); ok {
		t.Error("an empty memory remembers")
	}
}
