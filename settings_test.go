package main

import (
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/buffers"
	"github.com/buger/gor/internal/process"
)

func parseArgs(args ...string) (*Settings, error) {
	return parseSettings(args, nil, io.Discard)
}

// seedFlags is the command line reference of Gor 0.9's README.
var seedFlags = [][]string{
	{"cpuprofile", "cpu.prof"},
	{"memprofile", "mem.prof"},
	{"input-dummy", ""},
	{"input-file", "./requests.gor"},
	{"input-raw", ":8080"},
	{"input-tcp", ":28020"},
	{"output-dummy", ""},
	{"output-file", "./requests.gor"},
	{"output-http", "http://staging.com"},
	{"output-http-header", "User-Agent: Gor"},
	{"output-http-header-filter", "api-version:^v1"},
	{"output-http-header-hash-filter", "user-id:1/4"},
	{"output-http-url-regexp", "^www."},
	{"output-http-method", "GET"},
	{"output-http-workers", "-1"},
	{"output-http-stats", "true"},
	{"output-tcp", "replay.local:28020"},
	{"output-tcp-stats", "true"},
	{"split-output", "true"},
	{"verbose", "true"},
	{"stats", "true"},
}

func TestSeedFlagsWithOneDashAndTwo(t *testing.T) {
	for _, f := range seedFlags {
		for _, form := range [][]string{
			{"-" + f[0], f[1]},
			{"--" + f[0], f[1]},
			{"-" + f[0] + "=" + f[1]},
			{"--" + f[0] + "=" + f[1]},
		} {
			args := append([]string{"--input-dummy", "0", "--output-null", "--output-http", "staging.com", "--output-tcp", "replay.local:28020"}, form...)
			if _, err := parseArgs(args...); err != nil {
				t.Errorf("%q: %v", form, err)
			}
		}
	}
}

func TestBooleanTakesTheNextWord(t *testing.T) {
	for _, test := range []struct {
		args  string
		split bool
	}{
		{"--split-output true --output-http x --input-raw :80", true},
		{"--split-output false --output-http x --input-raw :80", false},
		{"--split-output --output-http x --input-raw :80", true},
		{"-split-output=true -output-http x -input-raw :80", true},
		{"--input-raw :80 --output-http x --split-output", true},
		{"--input-raw :80 --output-http x --split-output true", true},
	} {
		s, err := parseArgs(strings.Fields(test.args)...)
		if err != nil {
			t.Errorf("%s: %v", test.args, err)
			continue
		}
		if s.SplitOutput != test.split {
			t.Errorf("%s: split %v, want %v", test.args, s.SplitOutput, test.split)
		}
		if want := []pluginArg{{"output-http", "x"}}; !slices.Equal(s.Outputs, want) {
			t.Errorf("%s: outputs %v, want %v", test.args, s.Outputs, want)
		}
		if want := []pluginArg{{"input-raw", ":80"}}; !slices.Equal(s.Inputs, want) {
			t.Errorf("%s: inputs %v, want %v", test.args, s.Inputs, want)
		}
	}
}

func TestValueMayBeLeftOut(t *testing.T) {
	for _, test := range []struct {
		args string
		want []pluginArg
	}{
		{"--input-dummy 0 --output-stdout", []pluginArg{{"output-stdout", ""}}},
		{"--output-stdout --input-dummy", []pluginArg{{"output-stdout", ""}}},
		{"--output-stdout true --input-dummy 0", []pluginArg{{"output-stdout", ""}}},
		{"--output-null |10 --output-dummy --input-dummy", []pluginArg{{"output-null", "|10"}, {"output-dummy", ""}}},
	} {
		s, err := parseArgs(strings.Fields(test.args)...)
		if err != nil {
			t.Errorf("%s: %v", test.args, err)
			continue
		}
		if !slices.Equal(s.Outputs, test.want) {
			t.Errorf("%s: outputs %v, want %v", test.args, s.Outputs, test.want)
		}
	}
}

func TestWrongValuesAreQuoted(t *testing.T) {
	for _, test := range []struct {
		args  []string
		wants []string // all in the error
	}{
		{nil, []string{"no input and no output", "--input-raw :80"}},
		{[]string{"--input-raw", ":80"}, []string{"no output", "--output-http"}},
		{[]string{"--output-null"}, []string{"no input"}},
		{[]string{"--input-rwa", ":80"}, []string{"--input-rwa", "did you mean --input-raw?"}},
		{[]string{"--output-http"}, []string{"--output-http wants a value"}},
		{[]string{"--output-http", "--split-output", "--input-dummy"}, []string{"--output-http wants a value, and --split-output follows"}},
		{[]string{"--exit-after", "10"}, []string{`"10"`, "--exit-after", "30s"}},
		{[]string{"--copy-buffer-size", "5x"}, []string{`"5x"`, "32mb"}},
		{[]string{"--output-http-workers", "many"}, []string{`"many"`, "whole number"}},
		{[]string{"--split-output=maybe"}, []string{`"maybe"`, "true or false"}},
		{[]string{"--verbose=9"}, []string{`"9"`, "0 to 3"}},
		{[]string{"--on-full", "drop"}, []string{`"drop"`, "wait or shed"}},
		{[]string{"--output-http-method", "GET POST"}, []string{`"GET POST"`, "a method such as GET"}},
		{[]string{"--output-http-url-regexp", "(a"}, []string{`"(a"`, "regular expression"}},
		{[]string{"--output-http-header", "nocolon"}, []string{`"nocolon"`, "NAME: VALUE"}},
		{[]string{"--output-http-header", "A: b\r\nC: d"}, []string{"no header may have"}},
		{[]string{"--output-http-header-filter", "x"}, []string{`"x"`, "NAME:REGEXP"}},
		{[]string{"--output-http-header-hash-filter", "user-id:1/3"}, []string{`"user-id:1/3"`, "3 is not a power of two"}},
		{[]string{"--output-http-header-hash-filter", "user-id:5/4"}, []string{`"user-id:5/4"`, "more than all"}},
		{[]string{"--http-rewrite-url", "/a"}, []string{`"/a"`, "REGEXP:REPLACEMENT"}},
		{[]string{"--http-set-param", "x"}, []string{`"x"`, "NAME=VALUE"}},
		{[]string{"--output-file-mode", "rw"}, []string{`"rw"`, "octal"}},
		{[]string{"stray"}, []string{`"stray"`, "not a flag"}},
		{[]string{"--input-raw-protocol", "mysql"}, []string{`"mysql"`, "http or binary"}},
		{[]string{"--input-raw-vlan-vid", "4096"}, []string{`"4096"`, "0 to 4094"}},
		{[]string{"--input-raw-ignore-interface", "["}, []string{`"["`, "veth*"}},
		{binaryArgs("--output-http", "x"), []string{"--output-http is for HTTP", "--output-binary", "--output-file", "--output-tcp"}},
		{binaryArgs("--output-null", "--http-allow-method", "GET"), []string{"--http-allow-method is for HTTP", "leave it out"}},
		{binaryArgs("--output-null", "--output-http-header", "A: b"), []string{"--output-http-header is for HTTP"}},
		{binaryArgs("--output-null", "--input-raw-realip-header", "X-Real-IP"), []string{"--input-raw-realip-header is for HTTP"}},
		{binaryArgs("--output-null", "--prettify-http"), []string{"--prettify-http is for HTTP"}},
	} {
		_, err := parseArgs(test.args...)
		if err == nil {
			t.Errorf("%q: accepted", test.args)
			continue
		}
		for _, want := range test.wants {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q: error %q has no %q", test.args, err, want)
			}
		}
	}
}

func binaryArgs(more ...string) []string {
	return append([]string{"--input-raw", ":80", "--input-raw-protocol", "binary"}, more...)
}

func TestBinaryIsForCaptures(t *testing.T) {
	for _, args := range []string{
		"--input-raw :80 --input-raw-protocol binary --output-file x.gor --output-tcp a:1",
		"--input-raw :80 --input-raw-protocol http --output-http x --http-allow-method GET",
	} {
		if _, err := parseArgs(strings.Fields(args)...); err != nil {
			t.Errorf("%s: %v", args, err)
		}
	}
}

func TestIgnoredInterfacesAreListed(t *testing.T) {
	s, err := parseArgs(strings.Fields("--input-raw :80 --output-null --input-raw-ignore-interface localhost --input-raw-ignore-interface veth* --input-raw-vlan-vid 0 --input-raw-vlan-vid 4094")...)
	if err != nil || !slices.Equal(s.raw.Ignore, []string{"lo", "veth*"}) || !slices.Equal(s.raw.VLANs, []int{0, 4094}) {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestVerboseIsASwitchAndALevel(t *testing.T) {
	for args, want := range map[string]int{
		"--verbose": 1, "--verbose true": 1, "--verbose=false": 0, "--verbose 3": 3, "-verbose=2": 2,
	} {
		s, err := parseArgs(append(strings.Fields(args), "--input-dummy", "--output-null")...)
		if err != nil || s.Verbose != want {
			t.Errorf("%s: %v, %v; want %d", args, s, err, want)
		}
	}
}

// TestStrayArguments: what stands behind no flag is answered with the command
// that was meant.
func TestStrayArguments(t *testing.T) {
	t.Parallel()
	for arg, want := range map[string]string{
		"rec.gor":                "try: gor --input-file rec.gor --output-http",
		"day 1.gor.gz":           "gor --input-file 'day 1.gor.gz'",
		"rec.gor|200%":           "gor --input-file 'rec.gor|200%'",
		"x.pcap":                 "gor --input-raw x.pcap:80",
		"m.har":                  "gor --input-file m.har",
		"cat":                    "gor show requests.gor",
		"http://u:pass@staging/": "--output-http http://u:xxxxx@staging/",
		":80":                    "--input-raw :80 --output-stdout",
		"gor.toml":               "gor --config gor.toml",
		"replay":                 "gor --input-file requests.gor",
		"":                       "is a variable of the script unset?",
		"nonsense":               `"nonsense" is not a flag`,
		"-v":                     "--version prints the version",
		"-i":                     "such as --input-raw :80",
	} {
		_, err := parseArgs(arg)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "pass") {
			t.Errorf("gor %s: %v, want %q", arg, err, want)
		}
	}
}

func TestDefaultsStayWithinTheirBounds(t *testing.T) {
	s, err := parseArgs("--input-dummy", "--output-null")
	if err != nil {
		t.Fatal(err)
	}
	if s.DrainTimeout != 30*time.Second || s.http.QueueLen != 0 || s.http.Workers != -1 {
		t.Errorf("defaults changed: %+v", s)
	}
	if total := s.raw.RingBytes + buffers.QueuesTotal + process.HeapTarget; total > 80<<20 {
		t.Errorf("rings, queues and heap may take %d bytes", total)
	}
}

func TestLaterStages(t *testing.T) {
	for _, args := range [][]string{
		{"--output-file-buffer", "/tmp"}, {"--input-raw-k8s-skip-ns", "x"}, {"--input-file-watch"},
		{"--output-file", "s3://bucket/x.gor"}, {"--input-file", "s3://bucket/x.gor"}, {"--input-file", "https://host/x.gor"}, {"--input-raw", "k8s://pod/x:80"},
	} {
		_, err := parseArgs(append([]string{"--input-dummy", "--output-null"}, args...)...)
		if err == nil || !strings.Contains(err.Error(), args[0]) || !strings.Contains(err.Error(), "this version has no ") {
			t.Errorf("%q: %v", args, err)
		}
	}
}
