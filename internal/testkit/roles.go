package testkit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/buger/gor/internal/payload"
)

// roleVar makes the test binary another program, so that tests can start
// servers and clients inside network namespaces.
const roleVar = "GOR_TEST_ROLE"

// What tests start as Gor, and the folder of its sources that they have not yet
// looked at. They stand in the environment, as roleVar does, so that this package
// has no variables.
const (
	programVar = "GOR_TEST_PROGRAM"
	sourcesVar = "GOR_TEST_SOURCES"
)

// A Role is a program that a test binary can be. It returns the exit code.
type Role func(args []string) int

// PlayRole ends the process with a role's exit code if Spawn started it in one.
// A TestMain calls it first. The roles "sink" and "traffic" are always there,
// more are the package's own.
func PlayRole(more map[string]Role) {
	name, ok := os.LookupEnv(roleVar)
	if !ok {
		return
	}
	role := more[name]
	switch name {
	case "sink":
		role = sinkMain
	case "traffic":
		role = trafficMain
	}
	if role == nil {
		os.Exit(RoleFailed("%s=%s is not a role of this program", roleVar, name))
	}
	os.Exit(role(os.Args[1:]))
}

// UseProgram says which program is the Gor that Spawn and its like start, and the
// folder of the sources that it was built from.
func UseProgram(path, sources string) error {
	return errors.Join(os.Setenv(programVar, path), os.Setenv(sourcesVar, sources))
}

// Program returns the path of the Gor that is tested.
func Program(t *testing.T) string {
	t.Helper()
	path := os.Getenv(programVar)
	if path == "" {
		t.Fatal("no program: this package's TestMain has not called testkit.UseProgram")
	}
	if sources := os.Getenv(sourcesVar); sources != "" {
		Must(t, lookAtSources(sources))
		Must(t, os.Unsetenv(sourcesVar))
	}
	return path
}

// lookAtSources looks at every source file in a folder and below. go test notes
// what a test looks at, and so knows that a result it has kept is no longer valid
// when the program has changed; what go build reads it does not see.
func lookAtSources(folder string) error {
	return filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != folder && strings.HasPrefix(d.Name(), "."):
			return filepath.SkipDir
		case strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go"), d.Name() == "go.mod":
			_, err = os.Stat(name)
		}
		return err
	})
}

// RoleFailed prints why a role ends and returns its exit code.
func RoleFailed(format string, args ...any) int {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	return 1
}

// sinkMain is the role "sink ADDRESS FILE": a sink that says how much it got,
// and writes it as a recording when it is interrupted.
func sinkMain(args []string) int {
	s, err := NewSink("tcp", args[0])
	if err != nil {
		return RoleFailed("%v", err)
	}
	file, err := os.Create(args[1])
	if err != nil {
		return RoleFailed("%v", err)
	}
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	s.Each = func(Arrival) { fmt.Fprintf(os.Stderr, "got %d\n", len(s.Got)) }
	go s.Serve()
	fmt.Fprintln(os.Stderr, "listening")
	<-interrupted
	for i, a := range s.Arrivals() {
		msg := payload.AppendMeta(nil, payload.Meta{Type: payload.Request, ID: payload.AppendID(nil, 0, uint32(i)), Time: a.At.UnixNano(), Duration: -1, Length: -1})
		if _, err := file.Write(payload.AppendRecord(nil, append(msg, a.Raw...))); err != nil {
			return RoleFailed("%v", err)
		}
	}
	if err := file.Close(); err != nil {
		return RoleFailed("%v", err)
	}
	return 0
}

// trafficMain is the role "traffic ADDRESS FROM TO": it sends the requests with
// these numbers, but for TO.
func trafficMain(args []string) int {
	from, err := strconv.Atoi(args[1])
	if err != nil {
		return RoleFailed("%v", err)
	}
	to, err := strconv.Atoi(args[2])
	if err != nil {
		return RoleFailed("%v", err)
	}
	if err := SendAll(args[0], requestsFromTo(from, to, args[0])); err != nil {
		return RoleFailed("%v", err)
	}
	return 0
}
