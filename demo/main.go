// Demo shows Gor at work on one machine: it starts a production and a staging
// server, captures the traffic of the first, records it, replays it to the
// second, and compares what the two have seen. Run it with make demo.
package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// requests is how much traffic the demo makes, spread over about two seconds.
const requests = 200

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
	recording := filepath.Join(dir, "requests.gor")

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
	recorder, err := startRecorder(gor, production, recording)
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
	replay := exec.Command(gor, "--input-file", recording, "--output-http", "http://"+staging.addr)
	show(replay)
	replay.Stderr = os.Stdout
	if err := replay.Run(); err != nil {
		return fmt.Errorf("replay: %w", err)
	}

	say("3. what the two sites saw")
	return compare(production, staging)
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
		time.Sleep(time.Duration(random.IntN(20)) * time.Millisecond)
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

// compare prints both sites' counts and fails unless every request arrived
// once and unchanged.
func compare(production, staging *site) error {
	was, is := production.seen(), staging.seen()
	kinds := map[string][2]int{}
	for i, list := range [][]request{was, is} {
		for _, r := range list {
			n := kinds[r.kind]
			n[i]++
			kinds[r.kind] = n
		}
	}
	names := make([]string, 0, len(kinds))
	for kind := range kinds {
		names = append(names, kind)
	}
	slices.Sort(names)
	fmt.Printf("      %-14s %10s %10s\n", "", "production", "staging")
	for _, kind := range names {
		fmt.Printf("      %-14s %10d %10d\n", kind, kinds[kind][0], kinds[kind][1])
	}
	sums := map[[sha256.Size]byte]int{}
	for _, r := range was {
		sums[r.sum]++
	}
	same := 0
	for _, r := range is {
		if sums[r.sum] > 0 {
			sums[r.sum]--
			same++
		}
	}
	say("   %d of %d requests reached staging, %d of them with equal method, path, number and body", len(is), len(was), same)
	if same != len(was) || len(is) != len(was) {
		return errors.New("staging did not see what production saw")
	}
	return nil
}

func say(format string, args ...any) { fmt.Printf(format+"\n", args...) }

// show prints a command as a user would type it.
func show(cmd *exec.Cmd) {
	fmt.Println("   $ gor", strings.Join(cmd.Args[1:], " "))
}
