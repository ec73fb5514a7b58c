package e2e

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/testkit"
)

func fileOutputFlagRows() []flagRow {
	return []flagRow{
		{"output-file-flush-interval", []string{"1", "0s", "-1s"}, func(f *flagTest) {
			// When the second request arrives at the target, is the first in the file?
			file := f.recording(300*time.Millisecond, gets(3)...)
			recorded := func(interval string) (recorded bool) {
				out := filepath.Join(f.TempDir(), "out.gor")
				server, err := testkit.NewSink("tcp", "127.0.0.1:0")
				testkit.Must(f.T, err)
				server.Each = func(testkit.Arrival) {
					if len(server.Got) == 2 {
						content, err := os.ReadFile(out)
						recorded = err == nil && strings.Contains(string(content), "GET /0 ")
					}
				}
				server.Start(f.T)
				f.ok("--input-file", file, "--output-file", out, "--output-http", server.Addr(), "--output-file-flush-interval", interval)
				if got := f.targets(out); got != "/0 /1 /2" {
					f.Errorf("%s: recorded %q at the end", interval, got)
				}
				return recorded
			}
			for interval, want := range map[string]bool{"5ms": true, "1h": false} {
				testkit.InSomeRun(f.T, 0, func() error {
					if recorded(interval) != want {
						return fmt.Errorf("%s: in the file after 300ms: %t, want %t", interval, !want, want)
					}
					return nil
				})
			}
		}},
		{"output-file-mode", []string{"", "0888", "1777", "rw-"}, func(f *flagTest) {
			for _, test := range []struct {
				args []string
				want os.FileMode
			}{{nil, 0o600}, {[]string{"--output-file-mode", "0640"}, 0o640}} {
				out := filepath.Join(f.TempDir(), "out.gor")
				f.replay(append(test.args, "--output-file", out)...)
				if info, err := os.Stat(out); err != nil || info.Mode() != test.want {
					f.Errorf("%q: mode %v, %v; want %v", test.args, info.Mode(), err, test.want)
				}
			}
		}},
		{"output-file-size-limit", []string{"", "-1", "big"}, func(f *flagTest) {
			size := len(testkit.Recording(gets(1), make([]time.Duration, 1)))
			f.chunks("x_0.gor=/0 x_1.gor=/1 x_2.gor=/2 x_3.gor=/3", "--output-file-size-limit", fmt.Sprint(size+size/2))
			f.chunks("x_0.gor=/0 /1 /2 /3", "--output-file-size-limit", "1mb")
		}},
		{"output-file-queue-limit", []string{"", "-1", "many"}, func(f *flagTest) {
			f.chunks("x_0.gor=/0 /1 /2 x_1.gor=/3", "--output-file-queue-limit", "3")
			f.chunks("x.gor=/0 /1 /2 /3", "--output-file-queue-limit", "0")
		}},
		{"output-file-append", notBool, func(f *flagTest) {
			f.chunks("x.gor=/0 /1 /2 /3", "--output-file-queue-limit", "3", "--output-file-append")
		}},
		{"output-file-max-size-limit", []string{"", "-1", "big"}, func(f *flagTest) {
			for limit, want := range map[string]string{"10": " 0 delivered + 0 unsent + 4 failed", "1mb": " 4 delivered + 0 unsent + 0 failed"} {
				f.replay("--output-file", filepath.Join(f.TempDir(), "x.gor"), "--output-file-max-size-limit", limit).says(want)
			}
		}},
		{"min-free", []string{"", "100%", "-1%", "much"}, func(f *flagTest) {
			out := filepath.Join(f.TempDir(), "x.gor")
			r := f.gor("--input-file", f.recording(0, gets(4)...), "--output-file", out, "--min-free", "99.999%", "--drain-timeout", "500ms")
			if r.says("less than --min-free 99.999%", "0 delivered"); r.code != exitFailed {
				f.Errorf("exit %d", r.code)
			}
			f.replay("--output-file", out, "--min-free", "0").says("4 delivered")
		}},
	}
}

// chunks records four requests as x.gor and wants these files of it, in the
// form "x_0.gor=/0 /1 x_1.gor=/2 /3".
func (f *flagTest) chunks(want string, args ...string) {
	f.Helper()
	dir := f.TempDir()
	// Each request is written by itself.
	f.ok(append(args, "--input-file", f.recording(20*time.Millisecond, gets(4)...), "--output-file", filepath.Join(dir, "x.gor"), "--output-file-flush-interval", "1ms")...)
	var got []string
	for _, name := range must1(filepath.Glob(filepath.Join(dir, "*"))) {
		got = append(got, filepath.Base(name)+"="+f.targets(name))
	}
	if strings.Join(got, " ") != want {
		f.Errorf("%q made %q, want %q", args, got, want)
	}
}

func middlewareFlagRows() []flagRow {
	return []flagRow{
		{"middleware", []string{"", `"cat`}, func(f *flagTest) {
			seen := filepath.Join(f.TempDir(), "seen")
			f.replay("--middleware", "tee '"+seen+"'", "--output-stdout").passed("/0", "/1", "/2", "/3")
			f.replay("--middleware", "grep -v "+hex.EncodeToString([]byte("GET /2 ")), "--output-stdout").passed("/0", "/1", "/3")
			file, err := os.Open(seen)
			testkit.Must(f.T, err)
			defer file.Close()
			lines := bufio.NewScanner(file)
			for i, raw := range gets(4) {
				lines.Scan()
				msg, err := hex.DecodeString(lines.Text())
				if err != nil || string(payload.Body(msg)) != string(raw) {
					f.Errorf("line %d on its stdin: %q, %v", i, lines.Text(), err)
				}
			}
		}},
	}
}
