package tools

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/buger/gor/internal/formats"
	"github.com/buger/gor/internal/testkit"
	rawsocket "github.com/buger/gor/raw_socket_listener"
)

// A capture is looked at by its suffix, its prefix, with ports, by what it holds,
// and on standard input.
func TestCaptureFiles(t *testing.T) {
	raw := testkit.CaptureFile(t, testkit.TCPFrames(t, testkit.NumberedRequests(30, "prod")))
	dir := t.TempDir()
	for _, name := range []string{"x.pcap", "x.bin", "x.log"} {
		testkit.WriteFile(t, filepath.Join(dir, name), raw)
	}
	for _, tt := range []struct {
		name string
		want int
	}{
		{dir + "/x.pcap", 30}, {dir + "/x.pcap:80", 30}, {"pcap:" + dir + "/x.log", 30}, {dir + "/x.bin", 30}, {"-", 30}, {"pcap:-", 30}, {"-:80", 30}, {dir + "/x.pcap:81", 0},
	} {
		c, out, _ := config(t)
		c.Stdin = bytes.NewReader(raw)
		err := Stat(c, tt.name, true)
		if tt.want == 0 {
			if !errors.As(err, new(*rawsocket.NothingError)) {
				t.Errorf("%s: got %v", tt.name, err)
			}
			continue
		}
		var s Summary
		if err == nil {
			err = json.NewDecoder(out).Decode(&s)
		}
		if err != nil || s.Requests != tt.want || s.Connections != 1 {
			t.Errorf("%s: got %+v, %v", tt.name, s, err)
		}
	}
	c, _, _ := config(t)
	if err := Convert(c, Conversion{In: []string{dir + "/x.pcap"}, Out: dir + "/x.gor"}); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(dir + "/x.gor"); err != nil || strings.Count(string(got), "1 ") < 30 {
		t.Errorf("got %.200q, %v", got, err)
	}
}

// A file that is named a capture and is a recording, as --output-file once made,
// is read as what it is; one that is neither is an error.
func TestNoCapture(t *testing.T) {
	raw, err := os.ReadFile(recordingFile(t))
	testkit.Must(t, err)
	name := testkit.WriteFile(t, filepath.Join(t.TempDir(), "x.pcap"), raw)
	c, _, _ := config(t)
	if err := Stat(c, name, true); err != nil {
		t.Error(err)
	}
	testkit.WriteFile(t, name, []byte("hello, this is no capture of packets\n"))
	if err := Stat(c, name, true); err == nil || !strings.Contains(err.Error(), name) {
		t.Errorf("got %v", err)
	}
	if _, err := formats.Open(bytes.NewReader(nil), "x.pcap", formats.Options{}); err != formats.ErrCapture {
		t.Errorf("got %v", err)
	}
}
