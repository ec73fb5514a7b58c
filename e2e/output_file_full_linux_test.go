package e2e

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/buger/gor/internal/testkit"
)

// TestDiskFullAndRoomAgain is the whole program on a disk that fills up: the
// other output has everything, what the recording lost is in the ledger, and
// when there is room it goes on, into files that are whole.
func TestDiskFullAndRoomAgain(t *testing.T) {
	in := largeRequests(t, 1000, 8<<10)
	for _, tt := range []struct {
		name string
		args []string
		said string
	}{
		{"full", []string{"--min-free", "0"}, "no space left on device"},
		{"min-free", []string{"--min-free", "1mb"}, "less than --min-free 1mb"},
		{"full in chunks", []string{"--min-free", "0", "--output-file-size-limit", "500kb"}, "no space left on device"},
		{"min-free in compressed chunks", []string{"--min-free", "30%", "--output-file-queue-limit", "50"}, "less than --min-free 30%"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := testkit.TinyDisk(t)
			suffix := ".gor"
			if strings.Contains(tt.name, "compressed") {
				suffix = ".gor.gz"
			}
			addr := testkit.FreePort(t)
			gor := testkit.StartGor(t, append([]string{"--input-file", in, "--input-file-loop", "--input-file-rate", "4000", "--on-full", "shed",
				"--output-file", filepath.Join(dir, "x"+suffix), "--output-null", "--http-pprof", addr}, tt.args...)...)
			gor.Await(tt.said)
			testkit.Eventually(t, "shed messages", func() bool {
				return shedRow.MatchString(fetch(t, "http://"+addr+"/metrics", "text/plain; version=0.0.4"))
			})
			testkit.Must(t, unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT, "size=512m"))
			gor.Await("recording again")
			gor.Stop()
			said := gor.Stderr()
			testkit.WantSums(t, said)
			m := fileLedger.FindStringSubmatch(said)
			null := nullLedger.FindStringSubmatch(said)
			if m == nil || null == nil {
				t.Fatalf("no ledger:\n%s", said)
			}
			if testkit.Atoi(t, m[2]) == 0 || null[1] != m[1] || null[2] != m[1] {
				t.Errorf("want shed messages at the file and none at the other output: %s, %s", m[0], null[0])
			}
			records := 0
			names, err := filepath.Glob(filepath.Join(dir, "x*"))
			testkit.Must(t, err)
			for _, name := range names {
				msgs, damage := testkit.ReadBack(t, name)
				if records += len(msgs); damage.Any() {
					t.Errorf("%s: %s", name, damage)
				}
			}
			if records != testkit.Atoi(t, m[3]) {
				t.Errorf("%d records in %d files, %s delivered", records, len(names), m[3])
			}
			if chunks := strings.Contains(tt.name, "chunks"); chunks != (len(names) > 1) {
				t.Errorf("files %q", names)
			}
			if !strings.Contains(said, "interruptions of the recording: ") {
				t.Errorf("the summary does not say that it stood still:\n%s", said)
			}
		})
	}
}

var (
	shedRow    = regexp.MustCompile(`(?m)^gor_output_shed_total\{[^}]*output-file[^}]*\} [1-9]`)
	fileLedger = regexp.MustCompile(`output-file .*\n +messages: (\d+) offered = (\d+) shed \+ (\d+) delivered`)
	nullLedger = regexp.MustCompile(`output-null.*\n +messages: (\d+) offered = 0 shed \+ (\d+) delivered`)
)

// largeRequests makes a recording of n requests with bodies that do not
// compress.
func largeRequests(t *testing.T, n, size int) string {
	t.Helper()
	var requests [][]byte
	random := rand.NewChaCha8([32]byte{})
	body := make([]byte, size)
	for i := range n {
		random.Read(body)
		requests = append(requests, append(fmt.Appendf(nil, "POST /%d HTTP/1.1\r\nX-Number: %d\r\nContent-Length: %d\r\n\r\n", i, i, size), body...))
	}
	return testkit.WriteFile(t, filepath.Join(t.TempDir(), "in.gor"), testkit.Recording(requests, make([]time.Duration, n)))
}
