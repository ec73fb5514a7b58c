// Demo shows Gor at work on one machine: it starts a production and a staging
// server, captures the traffic of the first, records it, replays it to the
// second, compares what the two have seen, and asks whether a version with a fault
// answers as the old one does. Run it with make demo.
package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// requests is how much traffic the demo makes, spread over about two seconds.
const requests = 200

// Traffic comes in waves of waveLength*2π requests, with pauses up to longestPause.
const (
	waveLength   = 8
	longestPause = 20 * time.Millisecond
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run ./demo ./gor")
		os.Exit(2)
	}
	if err := demo(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func demo(gor string) error {
	dir, err := os.MkdirTemp("", "gor-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if gor, err = filepath.Abs(gor); err != nil {
		return err
	}
	d := &demonstration{gor: gor, dir: dir}
	recording := filepath.Join(dir, recordingName)

	production, err := startSite()
	if err != nil {
		return err
	}
	defer production.close()
	staging, err := startSite()
	if err != nil {
		return err
	}
	defer staging.close()
	say("production listens on %s, staging on %s", production.addr, staging.addr)

	say("1. capture production's traffic and record it")
	recorder, err := d.startRecorder(production)
	if err != nil {
		return err
	}
	sent := time.Now()
	if err := makeTraffic(production.addr); err != nil {
		recorder.kill()
		return err
	}
	say("   %d requests sent to production in %.1fs", requests, time.Since(sent).Seconds())
	if err := recorder.stop(production); err != nil {
		return err
	}
	info, err := os.Stat(recording)
	if err != nil {
		return err
	}
	say("   the recording has %d bytes; its first record:", info.Size())
	if err := showFirstRecord(recording); err != nil {
		return err
	}

	say("2. replay the recording to staging, as fast as it happened")
	if err := d.replay(staging); err != nil {
		return err
	}

	say("3. compare what the two sites saw")
	if err := compare(production.seen(), staging.seen()); err != nil {
		return err
	}

	say("4. ask whether the next version answers as the old one does; its prices are 1 %% too high")
	next, err := startSite()
	if err != nil {
		return err
	}
	defer next.close()
	next.markup = 1.01
	if err := d.verdict(staging, next); err != nil {
		return err
	}
	say(whatNext)
	return nil
}

// recordingName is relative to the folder that Gor runs in.
const recordingName = "requests.gor"

const whatNext = `5. what next
   $ sudo ./gor --input-raw :80 --output-stdout              # see what reaches this host
   $ sudo ./gor --input-raw :80 --output-file requests.gor   # record it
   $ ./gor --input-file requests.gor --output-http http://staging.example.com --http-allow-method GET
   see README.md before you replay anything but GET`

// demonstration is what its steps share.
type demonstration struct{ gor, dir string }

func (d *demonstration) command(args ...string) *exec.Cmd {
	cmd := exec.Command(d.gor, args...)
	cmd.Dir = d.dir
	say("   $ %s", wrapped(append([]string{"gor"}, args...))) // as a user would type it
	return cmd
}

// lineMost is how long a line of a command is.
const lineMost = 110

// wrapped breaks a command before its flags.
func wrapped(words []string) string {
	var text strings.Builder
	column := 0
	for i, word := range words {
		switch {
		case i == 0:
		case strings.HasPrefix(word, "--") && column > lineMost/2 && column+1+len(word)+len(words[min(i+1, len(words)-1)]) > lineMost:
			text.WriteString(" \\\n        ")
			column = 8
		default:
			text.WriteString(" ")
			column++
		}
		if strings.Contains(word, "|") {
			word = `"` + word + `"`
		}
		text.WriteString(word)
		column += len(word)
	}
	return text.String()
}

func (d *demonstration) replay(staging *site) error {
	replay := d.command("--input-file", recordingName, "--output-http", "http://"+staging.addr)
	stderr, err := replay.StderrPipe()
	if err != nil {
		return err
	}
	if err := replay.Start(); err != nil {
		return err
	}
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		fmt.Println("     ", lines.Text())
	}
	if err := replay.Wait(); err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	return nil
}

// makeTraffic sends requests of several kinds at irregular moments.
func makeTraffic(addr string) error {
	client := &http.Client{Timeout: 5 * time.Second}
	random := rand.New(rand.NewPCG(1, 2)) // the same traffic every time
	for i := range requests {
		var body io.Reader
		method, path := http.MethodGet, fmt.Sprintf("/items/%d?page=%d", i%10, i)
		switch i % 5 {
		case 1:
			method, path, body = http.MethodPost, "/orders", strings.NewReader(fmt.Sprintf(`{"order":%d}`, i))
		case 2: // sent in chunks
			method, path, body = http.MethodPut, fmt.Sprintf("/files/%d", i), io.MultiReader(bytes.NewReader(make([]byte, 1+random.IntN(64<<10))))
		}
		req, err := http.NewRequest(method, "http://"+addr+path, body)
		if err != nil {
			return err
		}
		req.Header.Set("X-Number", fmt.Sprint(i))
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		// In waves, so that the timelines have a shape to compare.
		time.Sleep(time.Duration((1 + math.Sin(float64(i)/waveLength)) * float64(random.IntN(int(longestPause/2)))))
	}
	return nil
}

func showFirstRecord(recording string) error {
	f, err := os.Open(recording)
	if err != nil {
		return err
	}
	defer f.Close()
	b := make([]byte, 4<<10)
	n, err := io.ReadFull(f, b)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	record, _, _ := bytes.Cut(b[:n], []byte("\r\n\r\n"))
	for line := range strings.Lines(string(record)) {
		fmt.Println("      |", strings.TrimRight(line, "\r\n"))
	}
	return nil
}

func say(format string, args ...any) { fmt.Printf(format+"\n", args...) }
