package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/buger/gor/internal/testkit"
)

// openTerminal makes a pseudo-terminal (pty(7)) and returns its two ends.
func openTerminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	testkit.Must(t, err)
	t.Cleanup(func() { person.Close() })
	fd := int(person.Fd())
	testkit.Must(t, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	testkit.Must(t, err)
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	testkit.Must(t, err)
	t.Cleanup(func() { program.Close() })
	return person, program
}

// onTerminal runs Gor with stderr on a terminal of so many columns until it ends,
// and returns all that it writes there. Once it has written what until matches it is
// interrupted; nil is never.
func onTerminal(t *testing.T, columns uint16, term string, until *regexp.Regexp, args ...string) (screen []byte) {
	t.Helper()
	person, program := openTerminal(t)
	testkit.Must(t, unix.IoctlSetWinsize(int(program.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: columns}))
	cmd := testkit.GorCommand(t, nil, args...)
	cmd.Env = append(cmd.Environ(), "TERM="+term)
	cmd.Stderr = program
	testkit.Must(t, cmd.Start())
	program.Close() // so that reading ends with the process
	for buf := make([]byte, 4096); ; {
		n, err := person.Read(buf)
		screen = append(screen, buf[:n]...)
		if err != nil {
			break
		}
		if until != nil && until.Match(screen) {
			testkit.Must(t, cmd.Process.Signal(os.Interrupt))
			until = nil
		}
	}
	testkit.Must(t, cmd.Wait())
	return screen
}

// leftBehind is what stays on the screen: of each line what follows the last return
// to its beginning.
func leftBehind(screen []byte) (lines []string) {
	for line := range strings.Lines(string(screen)) {
		line = strings.TrimRight(line, "\r\n")
		lines = append(lines, strings.TrimPrefix(line[strings.LastIndexByte(line, '\r')+1:], "\x1b[2K"))
	}
	return lines
}

// TestLiveLine: what has no end shows how it goes, in as many columns as there
// are, and to a terminal that cannot erase a line nothing is drawn.
func TestLiveLine(t *testing.T) {
	for _, tt := range []struct {
		columns uint16
		term    string
		want    string // a pattern
	}{
		{80, "xterm", `\r\x1b\[2K\[[0-9]s\] [0-9]+ in [0-9]+/s lost 0 queued [0-9]+ errors 0`},
		{24, "xterm", `\r\x1b\[2K[0-9]+ in [0-9]+/s lost 0`},
		{80, "dumb", ""},
	} {
		args, until := []string{"--input-http", "127.0.0.1:0", "--output-null"}, regexp.MustCompile(tt.want)
		if tt.want == "" {
			args, until = append(args, "--exit-after", "400ms"), nil
		}
		screen := onTerminal(t, tt.columns, tt.term, until, args...)
		drawn := regexp.MustCompile(`\r\x1b\[2K[^\r\n]+\r`).FindAllSubmatch(screen, -1)
		if tt.want == "" {
			if bytes.ContainsRune(screen, '\x1b') {
				t.Errorf("TERM=%s: %q", tt.term, screen)
			}
		} else if !regexp.MustCompile(tt.want).Match(screen) {
			t.Errorf("%d columns: no %s in %q", tt.columns, tt.want, screen)
		}
		for _, line := range drawn {
			if n := len(line[0]) - len("\r\x1b[2K\r"); n >= int(tt.columns) && !bytes.Contains(line[0], []byte("gor: ")) {
				t.Errorf("%d columns: %d are drawn: %q", tt.columns, n, line[0])
			}
		}
		for _, line := range leftBehind(screen) {
			if line != "" && !strings.HasPrefix(line, "gor: ") && !strings.HasPrefix(line, "  ") {
				t.Errorf("left behind: %q", line)
			}
		}
		if !regexp.MustCompile(`gor: received nothing in [0-9.]+[mµ]?s\r\ngor: ledger after `).Match(screen) {
			t.Errorf("no sentence ahead of the ledger: %q", screen)
		}
	}
}

// TestProgress: on a terminal a replay shows how far it is, makes way for
// every line, and leaves nothing behind but those; elsewhere it shows nothing.
func TestProgress(t *testing.T) {
	requests, times := testkit.Steady(40, 40*time.Millisecond)
	file := testkit.WriteFile(t, filepath.Join(t.TempDir(), "in.gor"), testkit.Recording(requests, times))
	screen := onTerminal(t, 100, "xterm", nil, "--input-file", file, "--output-null", "--http-disallow-url", "^/39$", "--verbose")
	// All of the file is read at once, but a second is a second.
	bars := regexp.MustCompile(`([1-9][0-9]*) done [0-9]+/s lag [0-9.]+[µm]?s errors 0 +([0-9]+)% `).FindAllSubmatch(screen, -1)
	if len(bars) == 0 {
		t.Errorf("no progress in %q", screen)
	}
	for _, bar := range bars {
		done, percent := testkit.Atoi(t, string(bar[1])), testkit.Atoi(t, string(bar[2]))
		if recorded := 100 * (done - 1) / 39; percent < recorded-5 || percent > recorded+5 {
			t.Errorf("%d %% are shown after %d of 40 records that are equally far apart", percent, done)
		}
	}
	for _, line := range leftBehind(screen) {
		if line != "" && !strings.HasPrefix(line, "gor: ") && !strings.HasPrefix(line, "  ") || strings.Contains(line, "done") {
			t.Errorf("left behind: %q", line)
		}
	}
	if want := "gor: replayed 39 of 40 messages in "; !bytes.Contains(screen, []byte(want)) || !bytes.Contains(screen, []byte("s: 1 filtered\r\ngor: ledger after ")) {
		t.Errorf("no %q ahead of the ledger in %q", want, screen)
	}
	if !bytes.Contains(screen, []byte("gor: input-file "+file+": filtered: ")) || !bytes.Contains(screen, []byte("messages: 40 in = 0 limited + 1 filtered + 39 passed on")) {
		t.Errorf("lines are missing in %q", screen)
	}

	if code, said := testkit.RunGor(t, "--input-file", file+"|400%", "--output-null"); code != 0 || strings.Contains(said, "done") || strings.Contains(said, "replayed") {
		t.Errorf("exit %d, off a terminal:\n%s", code, said)
	}
}
