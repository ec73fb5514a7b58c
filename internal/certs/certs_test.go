package certs

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/certs/certstest"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestRenewal: files are read again when they have changed,
// at most once a second, and half a renewal changes nothing.
func TestRenewal(t *testing.T) {
	ca := certstest.New(t, "test authority")
	end := time.Now().Add(time.Hour)
	cert, key := ca.Issue("receiver", end)
	var said bytes.Buffer
	logf := func(format string, args ...any) { fmt.Fprintf(&said, format+"\n", args...) }
	pair, err := OpenPair(logf, Source{"--cert", cert}, Source{"--key", key})
	must(t, err)
	now := pair.looked
	pair.now = func() time.Time { return now }
	serial := func() string { return pair.Get().Leaf.SerialNumber.String() }
	first := serial()
	oldKey, err := os.ReadFile(key)
	must(t, err)

	ca.Issue("receiver", end)
	newKey, err := os.ReadFile(key)
	must(t, err)
	if serial() != first {
		t.Error("read again within the second")
	}
	// The certificate is there and its key not yet.
	must(t, os.WriteFile(key, oldKey, 0o600))
	for range 3 {
		now = now.Add(lookGrain)
		if serial() != first {
			t.Error("a certificate is in use without its key")
		}
	}
	if n := strings.Count(said.String(), "it is not the key of the certificate in"); n != 1 || !strings.Contains(said.String(), "stays in use") {
		t.Errorf("said %q", said.String())
	}
	must(t, os.WriteFile(key, newKey, 0o600))
	now = now.Add(lookGrain)
	second := serial()
	if second == first || !strings.Contains(said.String(), "was read again") {
		t.Errorf("the new certificate is not in use; said %q", said.String())
	}
	must(t, os.Remove(cert))
	now = now.Add(lookGrain)
	if serial() != second {
		t.Error("a certificate whose file is gone is not in use any more")
	}
}

func TestExpiredAtTheStart(t *testing.T) {
	ca := certstest.New(t, "test authority")
	cert, key := ca.Issue("late", time.Now().Add(-time.Hour))
	var said bytes.Buffer
	_, err := OpenPair(func(format string, args ...any) { fmt.Fprintf(&said, format, args...) }, Source{"--cert", cert}, Source{"--key", key})
	must(t, err)
	if !strings.Contains(said.String(), "has expired on") {
		t.Errorf("said %q", said.String())
	}
}
