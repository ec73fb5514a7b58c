package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// found is the exit code of a run whose verdict is a regression.
const found = 3

// verdict replays the recording to the old version and to the next one, which has a
// fault, and fails unless Gor finds it.
func (d *demonstration) verdict(old, next *site) error {
	cmd := d.command("--input-file", recordingName+"|max", "--output-http", "http://"+old.addr+"#primary", "--output-http", "http://"+next.addr+"#candidate",
		"--output-http-track-response", "--output-verdict", "./verdict")
	var out bytes.Buffer
	cmd.Stderr = &out
	err := cmd.Run()
	stderr := out.String()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != found {
		return fmt.Errorf("verdict: exit code %d, want %d: %w\n%s", cmd.ProcessState.ExitCode(), found, err, stderr)
	}
	shown := false
	for lines := bufio.NewScanner(strings.NewReader(stderr)); lines.Scan(); {
		line := lines.Text()
		shown = shown || strings.HasPrefix(line, "  output-verdict ")
		if shown && !strings.HasPrefix(line, "gor: ") {
			fmt.Println("     ", line)
		}
	}
	if !strings.Contains(stderr, "body.price has another value in 120 of 120 pairs") {
		return fmt.Errorf("the fault is not found:\n%s", stderr)
	}
	say("   exit code %d; verdict.html shows the answers side by side, verdict.xml is for a CI system", found)
	return nil
}
