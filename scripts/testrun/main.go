// Testrun runs go test with its arguments and tells what came of it: a line for
// each package when it ends, what is running when nothing has ended for a while,
// why tests were skipped, and at the end the output of those that failed and
// their names. go test alone is silent for minutes, passes over skipped tests,
// and leaves failures somewhere in the middle. Run it with scripts/test.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// quiet is for how long nothing may be printed.
const quiet = 20 * time.Second

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	cmd := exec.Command("go", append([]string{"test", "-json", "-timeout", "30m"}, args...)...)
	cmd.Stderr = stderr
	events, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		fmt.Fprintln(stderr, "testrun:", err)
		return 1
	}
	r := newReport(stdout)
	follow(events, r)
	err = cmd.Wait()
	r.end()
	if err != nil || r.failed() {
		return 1
	}
	return 0
}

// follow gives the events to r as they come, and has it say what is running when
// none of them made it print.
func follow(events io.Reader, r *report) {
	lines := make(chan []byte)
	go func() {
		defer close(lines)
		in := bufio.NewReader(events)
		for {
			line, err := in.ReadBytes('\n')
			if len(line) > 0 {
				lines <- line
			}
			if err != nil {
				return
			}
		}
	}()
	silence := time.NewTimer(quiet)
	for {
		select {
		case line, open := <-lines:
			if !open {
				return
			}
			var e event
			if err := json.Unmarshal(line, &e); err != nil {
				e = event{Action: "output", Output: string(line)} // of go itself
			}
			if r.take(e) {
				silence.Reset(quiet)
			}
		case <-silence.C:
			r.alive()
			silence.Reset(quiet)
		}
	}
}
