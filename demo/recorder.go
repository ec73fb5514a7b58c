package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/buger/gor/internal/payload"
)

// A recorder is a running Gor that writes the recording.
type recorder struct {
	cmd  *exec.Cmd
	link *net.TCPConn  // to its --input-tcp, when it could not capture
	read chan struct{} // closed when its stderr has ended
	addr string        // where its --input-tcp listens
}

// startRecorder starts Gor with --input-raw. Without the privilege to capture
// it says so, starts Gor with --input-tcp, and has production itself send
// what it is asked over the link.
func (d *demonstration) startRecorder(production *site) (*recorder, error) {
	r, refusal, err := d.launch("--input-raw", production.addr, "--output-file", recordingName)
	if err != nil {
		return nil, err
	}
	if r != nil {
		return r, nil
	}
	if !strings.Contains(refusal, "CAP_NET_RAW") {
		return nil, errors.New(strings.TrimSpace(refusal))
	}
	say("   this user may not capture; production sends its requests to --input-tcp instead")
	say("   (to see the capture: sudo make demo)")
	if r, refusal, err = d.launch("--input-tcp", "127.0.0.1:0", "--output-file", recordingName); err != nil {
		return nil, err
	}
	if r == nil {
		return nil, errors.New(strings.TrimSpace(refusal))
	}
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		r.kill()
		return nil, err
	}
	r.link = conn.(*net.TCPConn)
	number := uint32(0)
	production.setTap(func(req *http.Request, body []byte) {
		number++
		r.link.Write(record(req, body, number))
	})
	return r, nil
}

// launch starts Gor and waits until its plugins are open. When Gor ends
// before that, r is nil and refusal is what it said.
func (d *demonstration) launch(args ...string) (r *recorder, refusal string, err error) {
	cmd := d.command(args...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, "", err
	}
	if err := cmd.Start(); err != nil {
		return nil, "", err
	}
	r = &recorder{cmd: cmd, read: make(chan struct{})}
	ready := make(chan struct{})
	var said bytes.Buffer // read after r.read is closed
	go func() {
		defer close(r.read)
		lines := bufio.NewScanner(stderr)
		open := false
		var pending sync.Once
		for lines.Scan() {
			said.WriteString(lines.Text() + "\n")
			if addr, ok := strings.CutPrefix(lines.Text(), "gor: from input-tcp "); ok && !open {
				r.addr = addr
			}
			if strings.HasPrefix(lines.Text(), "gor: to ") {
				open = true
				pending.Do(func() { close(ready) })
			}
			if open {
				fmt.Println("     ", lines.Text())
			}
		}
	}()
	select {
	case <-ready:
		return r, "", nil
	case <-r.read:
		cmd.Wait()
		return nil, said.String(), nil
	case <-time.After(10 * time.Second):
		r.kill()
		return nil, "", errors.New("gor did not start within 10 s")
	}
}

// stop interrupts Gor and waits for its ledger. Packets that were captured by
// then are still read.
func (r *recorder) stop(production *site) error {
	production.setTap(nil)
	if r.link != nil {
		// Nobody acknowledges what is sent this way; but Gor closes its end when
		// it has read all.
		r.link.CloseWrite()
		r.link.SetReadDeadline(time.Now().Add(10 * time.Second))
		if _, err := io.Copy(io.Discard, r.link); err != nil {
			return fmt.Errorf("wait for Gor to read all: %w", err)
		}
		r.link.Close()
	}
	if err := r.cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	<-r.read
	return r.cmd.Wait()
}

func (r *recorder) kill() {
	r.cmd.Process.Kill()
	<-r.read
	r.cmd.Wait()
}

// record is the request as production received it, in the form that goes
// over the link.
func record(req *http.Request, body []byte, number uint32) []byte {
	var raw bytes.Buffer
	fmt.Fprintf(&raw, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n", req.Method, req.RequestURI, req.Host, len(body))
	req.Header.WriteSubset(&raw, map[string]bool{"Content-Length": true})
	io.WriteString(&raw, "\r\n")
	raw.Write(body)
	msg := payload.AppendMeta(nil, payload.Meta{
		Type: payload.Request, ID: payload.AppendID(nil, 1, number),
		Time: time.Now().UnixNano(), Duration: -1, Length: -1,
	})
	return payload.AppendOldRecord(nil, append(msg, raw.Bytes()...))
}
