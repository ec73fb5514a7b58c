package e2e

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/buger/gor/internal/testkit"
)

// Gor's exit codes, as its users know them.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitThreshold   = 3
	exitInterrupted = 130
)

// TestMain builds the program that all tests start.
func TestMain(m *testing.M) {
	testkit.PlayRole(map[string]testkit.Role{"soak": soakMain})
	flag.Parse()
	code, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runTests(m *testing.M) (code int, err error) {
	if flag.Lookup("test.list").Value.String() != "" {
		return m.Run(), nil
	}
	dir, err := os.MkdirTemp("", "gor-e2e-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "gor")
	build := exec.Command("go", append(append([]string{"build", "-buildvcs=false", "-o", program}, buildFlags()...), "..")...)
	if out, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("%s: %w\n%s", build, err, out)
	}
	if err := testkit.UseProgram(program, ".."); err != nil {
		return 0, err
	}
	if err := waitTogether(); err != nil {
		return 0, err
	}
	if testing.CoverMode() == "" {
		return m.Run(), nil
	}
	covered, err := coverFolder(dir)
	if err != nil {
		return 0, err
	}
	code = m.Run()
	percent := exec.Command("go", "tool", "covdata", "percent", "-i", covered)
	percent.Stdout, percent.Stderr = os.Stdout, os.Stderr
	return code, percent.Run()
}

// atOnce is how many of the tests that call t.Parallel run at the same time: they
// wait for a program's timeouts more than they work. go test has as many as there
// are processors.
const atOnce = 6

// waitTogether runs so many, unless go test was given a number.
func waitTogether() error {
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if given {
		return nil
	}
	return flag.Set("test.parallel", strconv.Itoa(atOnce))
}

// buildFlags are those with which this test was built itself.
func buildFlags() (flags []string) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return nil
	}
	for _, s := range info.Settings {
		if slices.Contains([]string{"-race", "-msan", "-asan", "-trimpath", "-tags", "-gcflags", "-asmflags"}, s.Key) {
			flags = append(flags, s.Key+"="+s.Value)
		}
	}
	if mode := testing.CoverMode(); mode != "" {
		flags = append(flags, "-cover", "-covermode="+mode, "-coverpkg="+strings.TrimSuffix(info.Main.Path, "/e2e")+"/...")
	}
	return flags
}

// coverFolder makes the folder where each Gor leaves what it covered: GOCOVERDIR,
// for whoever wants to keep it, or one in dir.
func coverFolder(dir string) (string, error) {
	folder := os.Getenv("GOCOVERDIR")
	if folder == "" {
		folder = filepath.Join(dir, "covered")
	}
	folder, err := filepath.Abs(folder)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	return folder, os.Setenv("GOCOVERDIR", folder)
}
