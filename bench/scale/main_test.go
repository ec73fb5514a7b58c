package main

import (
	"os"
	"strings"
	"testing"
)

// TestTable: the page has the table that the model prints.
func TestTable(t *testing.T) {
	var b strings.Builder
	if code := run(nil, &b, os.Stderr); code != 0 {
		t.Fatal(code)
	}
	page, err := os.ReadFile("../../docs/scale.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), b.String()) {
		t.Errorf("docs/scale.md has not this table:\n%s", &b)
	}
	if code := run([]string{"-rate", "x"}, &b, &b); code != 2 {
		t.Errorf("a wrong flag ends with %d", code)
	}
}

// Twice the traffic takes twice the hosts, and never fewer partitions than those.
func TestFleetGrows(t *testing.T) {
	m := model{rate: 1000, bytes: 1000, packed: 0.5, capture: 1, produce: 1, consume: 1, replay: 1, cores: 4, partition: 1e6, target: 1e9, copies: 3, days: 1}
	one, two := m.fleet(400), m.fleet(800)
	if one.replayers != 4 || two.replayers != 8 || one.partitions != 200 || two.partitions != 400 || two.disk != 2*one.disk {
		t.Errorf("%+v\n%+v", one, two)
	}
}
