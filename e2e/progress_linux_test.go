package e2e

import (
	"bytes"
	"fmt"
	"io"
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

// TestProgress: on a terminal a replay shows how far it is, makes way for
// every line, and leaves nothing behind but those; elsewhere it shows nothing.
func TestProgress(t *testing.T) {
	requests, times := testkit.Steady(40, 40*time.Millisecond)
	file := testkit.WriteFile(t, filepath.Join(t.TempDir(), "in.gor"), testkit.Recording(requests, times))
	person, program := openTerminal(t)
	cmd := testkit.GorCommand(t, nil, "--input-file", file, "--output-null", "--http-disallow-url", "^/39$", "--verbose")
	cmd.Stderr = program
	testkit.Must(t, cmd.Start())
	program.Close() // so that reading ends with the process
	screen, _ := io.ReadAll(person)
	testkit.Must(t, cmd.Wait())
	// All of the file is read at once, but a second is a second.
	bars := regexp.MustCompile(`([1-9][0-9]*) done [0-9]+/s lag [0-9.]+[µm]?s errors 0 +([0-9]+)% `).FindAllSubmatch(screen, -1)
	if len(bars) == 0 {
		t.Errorf("no progress in %q", screen)
	}
	for i, bar := range bars {
		if i+1 < len(bars) && bytes.Equal(bar[1], bars[i+1][1]) {
			continue // the text is drawn first, and then the bar
		}
		done, percent := testkit.Atoi(t, string(bar[1])), testkit.Atoi(t, string(bar[2]))
		if recorded := 100 * (done - 1) / 39; percent < recorded-5 || percent > recorded+5 {
			t.Errorf("%d %% are shown after %d of 40 records that are equally far apart", percent, done)
		}
	}
	// What stays: each line is what follows the last return to its beginning.
	for line := range strings.Lines(string(screen)) {
		line = strings.TrimRight(line, "\r\n")
		line = strings.TrimPrefix(line[strings.LastIndexByte(line, '\r')+1:], "\x1b[2K")
		if line != "" && !strings.HasPrefix(line, "gor: ") && !strings.HasPrefix(line, "  ") || strings.Contains(line, "done") {
			t.Errorf("left behind: %q", line)
		}
	}
	if !bytes.Contains(screen, []byte("gor: input-file "+file+": filtered: ")) || !bytes.Contains(screen, []byte("messages: 40 in = 0 limited + 1 filtered + 39 passed on")) {
		t.Errorf("lines are missing in %q", screen)
	}

	if code, said := testkit.RunGor(t, "--input-file", file+"|400%", "--output-null"); code != 0 || strings.Contains(said, "done") {
		t.Errorf("exit %d, off a terminal:\n%s", code, said)
	}
}
