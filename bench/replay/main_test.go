package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMain makes the test binary the client and the server, as main does.
func TestMain(m *testing.M) {
	if os.Getenv(roleVar) != "" {
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// The yardstick sends what it is asked to, on as many connections, and the
// server counts that.
func TestMeasureRawClient(t *testing.T) {
	o := options{requests: 2000, conns: 4, rounds: 1}
	for _, s := range sendersOf(o, filepath.Join(t.TempDir(), "x.gor")) {
		if s.name != rawClient {
			continue
		}
		m, err := measure(context.Background(), s, o)
		if err != nil {
			t.Fatal(err)
		}
		if m.sent != 2000 || m.came != 2000 || m.conns != 4 || m.took <= 0 || m.cpu <= 0 || m.memory < 1<<20 {
			t.Errorf("%+v", m)
		}
		return
	}
	t.Fatal("no raw client")
}

func TestReport(t *testing.T) {
	senders := []sender{{name: ourGor}, {name: rawClient}}
	m := func(came int64) measurement {
		return measurement{sent: 100, came: came, took: 1e9, cpu: 1e9 * 2 / 1000}
	}
	for _, test := range []struct {
		came int64
		want []string
	}{
		{100, []string{"goal met: beside raw client 1.00 of the rate", "goal met: every request"}},
		{80, []string{"goal missed: beside raw client 0.80 of the rate", "goal missed: every request"}},
	} {
		var out bytes.Buffer
		rounds := map[string][]measurement{ourGor: {m(test.came)}, rawClient: {m(100)}}
		if err := report(&out, options{rounds: 1}, senders, rounds); err != nil {
			t.Fatal(err)
		}
		for _, want := range test.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("no %q in:\n%s", want, &out)
			}
		}
	}
}

// wrk sends what the others send.
func TestWrkHeaders(t *testing.T) {
	args := wrkHeaders(request(1))
	if len(args) != 14 || args[0] != "-H" || args[1] != "Host: prod.example.com" || args[13] != "Connection: keep-alive" {
		t.Errorf("%q", args)
	}
}

func TestWrkRequests(t *testing.T) {
	if n := wrkRequests("  12345 requests in 1.00s, 4MB read\n"); n != 12345 {
		t.Errorf("%d", n)
	}
	if n := wrkRequests("unable to connect"); n != 0 {
		t.Errorf("%d of a failure", n)
	}
}
