package http1client

import (
	"bytes"
	"strings"
	"testing"

	"github.com/buger/gor/internal/plugin"
)

func TestStatuses(t *testing.T) {
	var s Statuses
	said := func() string {
		var out bytes.Buffer
		s.Report(plugin.NewReport(&out))
		return strings.TrimSpace(out.String())
	}
	if got := said(); got != "" {
		t.Errorf("without an answer: %q", got)
	}
	for status := 200; status < 211; status++ {
		s.Add(status)
	}
	s.Add(404)
	if got := said(); !strings.HasPrefix(got, "statuses: 200 x 1, 201 x 1, ") || !strings.HasSuffix(got, "404 x 1") {
		t.Errorf("twelve: %q", got)
	}
	s.Add(999)
	if got, want := said(), "statuses: 2xx x 11, 4xx x 1, 9xx x 1 (13 different)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
