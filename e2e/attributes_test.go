package e2e

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/testkit"
)

// markedRecording has records with attributes, known and unknown, and types of a newer Gor.
func markedRecording(t *testing.T) string {
	t.Helper()
	const request, response = "GET /1 HTTP/1.1\r\nHost: prod\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
	var b strings.Builder
	for _, r := range [][2]string{
		{"9 0 1400000000000000000 -1 2", "{}"},
		{"1 a 1400000000000000000 5 %d o=har zz=%%20x", request},
		{"2 a 1400000000000000001 5 %d o=har", response},
		{"4 a 1400000000000000002 5 %d", request},
		{"3 a 1400000000000000003 5 %d t=new", response},
		{"3 a 1400000000000000004 5 0 t=old e=timeout", ""},
		{"1 b 1400000000000000005 5 %d", request},
	} {
		head := r[0]
		if strings.Contains(head, "%d") {
			head = fmt.Sprintf(head, len(r[1]))
		}
		b.WriteString(head + "\n" + r[1] + payload.Separator)
	}
	return testkit.WriteFile(t, filepath.Join(t.TempDir(), "marked.gor"), []byte(b.String()))
}

// attributesIn are type, id and attributes of each record of a file, in the order of time.
func attributesIn(t *testing.T, name string) (list []string) {
	t.Helper()
	f, err := os.Open(name)
	testkit.Must(t, err)
	defer f.Close()
	src, err := payload.Open(f, name, testkit.MessageLimit)
	testkit.Must(t, err)
	for {
		msg, err := src.Next()
		if err != nil {
			if d := src.Damage(); d.Any() {
				t.Errorf("%s: %s", name, d)
			}
			slices.Sort(list)
			return list
		}
		m, body, err := payload.Split(msg)
		testkit.Must(t, err)
		if m.Length >= 0 && m.Length != int64(len(body)) {
			t.Errorf("%s: %+v has %d bytes", name, m, len(body))
		}
		list = append(list, strings.TrimSpace(fmt.Sprintf("%d %c %s %s", m.Time%10, m.Type, m.ID, m.Attributes)))
	}
}

// Attributes reach a recording on every way through Gor.
func TestAttributesAreKept(t *testing.T) {
	f := newFlagTest(t)
	in := markedRecording(t)
	want := []string{"0 1 a o=har zz=%20x", "1 2 a o=har", "3 3 a t=new", "4 3 a t=old e=timeout", "5 1 b"}
	for _, test := range []struct {
		name string
		args []string
	}{
		{"x.gor", nil},
		{"x.gor.gz", nil},
		{"x.gor.zst", nil},
		{"x.gor", []string{"--http-set-header", "X-Longer: " + strings.Repeat("x", 1000)}},
		{"x.gor", []string{"--prettify-http"}},
		{"x.gor", []string{"--split-output"}},
		{"x.gor", []string{"--middleware", "cat"}},
		{"x.gor", []string{"--middleware", "cat", "--http-set-header", "X-Longer: x", "--prettify-http"}},
	} {
		t.Run(test.name+strings.Join(test.args, " ")[:min(20, len(strings.Join(test.args, " ")))], func(t *testing.T) {
			out := filepath.Join(t.TempDir(), test.name)
			r := f.ok(append([]string{"--input-file", in + "|max", "--output-file", out}, test.args...)...)
			r.says("3 records of a newer Gor", "a type or an attribute of a newer Gor").saysNot("damaged")
			if got := attributesIn(t, out); !slices.Equal(got, want) {
				t.Errorf("got %q\nwant %q", got, want)
			}
		})
	}
}

// A receiver of our kind gets the attributes, in memory and over a spill.
func TestAttributesOverTheLink(t *testing.T) {
	in := markedRecording(t)
	for name, args := range map[string][]string{"as it is": nil, "compressed": {"--output-tcp-compress"}, "spill": {"--output-tcp-spill", t.TempDir()}} {
		t.Run(name, func(t *testing.T) {
			link, out := testkit.FreePort(t), filepath.Join(t.TempDir(), "out.gor")
			args = append(args, "--output-tcp", link)
			if name == "spill" {
				// What one run leaves on disk, the next one sends.
				code, said := testkit.RunGor(t, append([]string{"--input-file", in + "|max"}, args...)...)
				if code != exitOK || !strings.Contains(said, "5 kept on disk") {
					t.Fatalf("exit %d: %s", code, said)
				}
			}
			receiver := testkit.StartGor(t, "--input-tcp", link, "--output-file", out, "--output-file-flush-interval", "10ms")
			if name == "spill" {
				sender := testkit.StartGor(t, append([]string{"--input-http", testkit.FreePort(t)}, args...)...)
				testkit.AwaitRecords(t, out, 5)
				sender.Stop()
			} else if code, said := testkit.RunGor(t, append([]string{"--input-file", in + "|max"}, args...)...); code != exitOK {
				t.Fatalf("exit %d: %s", code, said)
			}
			receiver.Stop()
			want := []string{"0 1 a o=har zz=%20x", "1 2 a o=har", "3 3 a t=new", "4 3 a t=old e=timeout", "5 1 b"}
			if got := attributesIn(t, out); !slices.Equal(got, want) {
				t.Errorf("got %q\nwant %q", got, want)
			}
		})
	}
}

// A program of the user's is given four fields, as it always was.
func TestMiddlewareIsGivenFourFields(t *testing.T) {
	f := newFlagTest(t)
	seen := filepath.Join(t.TempDir(), "seen")
	f.ok("--input-file", markedRecording(t)+"|max", "--middleware", "tee "+seen, "--output-null")
	lines := strings.Fields(string(must1(os.ReadFile(seen))))
	if len(lines) != 5 {
		t.Fatalf("%d lines", len(lines))
	}
	for _, line := range lines {
		msg, err := hex.DecodeString(line)
		testkit.Must(t, err)
		head, _, _ := strings.Cut(string(msg), "\n")
		if len(strings.Fields(head)) != 4 {
			t.Errorf("header %q", head)
		}
	}
}

// People edit recordings: what an editor leaves behind costs no record.
func TestEditedRecordings(t *testing.T) {
	f := newFlagTest(t)
	for name, edit := range map[string]func(header string) string{
		"blanks at the line's end":   func(h string) string { return h + " \t" },
		"carriage returns":           func(h string) string { return h + "\r" },
		"blank lines":                func(h string) string { return "\n \r\n\n" + h },
		"byte-order mark, each file": func(h string) string { return "\xEF\xBB\xBF" + h },
	} {
		t.Run(name, func(t *testing.T) {
			var text string
			for i, raw := range gets(3) {
				text += edit(fmt.Sprintf("1 %024d %d 0", i, 1700000000000000000+i)) + "\n" + string(raw) + payload.Separator
			}
			in := testkit.WriteFile(t, filepath.Join(t.TempDir(), "edited.gor"), []byte(text+"\n\n"))
			f.ok("--input-file", in+"|max", "--output-stdout").saysNot("damaged").saysNot("torn").passed("/0", "/1", "/2")

			// Such a file is a recording still, and may be appended to.
			f.replay("--output-file", in)
			f.ok("--input-file", in+"|max", "--output-stdout").saysNot("damaged").saysNot("torn")
			if got := attributesIn(t, in); len(got) != 7 {
				t.Errorf("%d records, want 7", len(got))
			}
		})
	}
}
