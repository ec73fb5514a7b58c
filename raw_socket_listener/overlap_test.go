package rawsocket

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRepeatedFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"x.pcap", "y.pcap"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	for _, tt := range []struct{ addresses, want string }{
		{":80 lo:80 :80", ""}, // the captures see to that
		{"x.pcap:80 y.pcap:80", ""},
		{"x.pcap:80 x.pcap:81,82", ""},
		{"x.pcap:80 y.pcap x.pcap:80", "x.pcap:80 and x.pcap:80 read the same packets; give one instead: x.pcap:80"},
		{"x.pcap:80,90 x.pcap:81,80", "x.pcap:80,90 and x.pcap:81,80 read the same packets; give one instead: x.pcap:80,81,90"},
		{"x.pcap:80 x.pcap", "x.pcap:80 and x.pcap read the same packets; give one instead: x.pcap"},
		{"-:80 -:81", "-:80 and -:81 read the same packets; give one instead: -:80,81"},
		{"- -", "- and - read the same packets; give one instead: -"},
	} {
		err := CheckRepeated(strings.Fields(tt.addresses))
		if tt.want == "" {
			if err != nil {
				t.Errorf("%s: %v", tt.addresses, err)
			}
			continue
		}
		if !errors.As(err, new(*RepeatedError)) || err.Error() != tt.want {
			t.Errorf("%s: got %v, want %s", tt.addresses, err, tt.want)
		}
	}
}
