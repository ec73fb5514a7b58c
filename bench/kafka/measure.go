package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/buger/gor/internal/payload"
)

// separator ends a record in a recording, and delimiter a value in kcat's input: no message has
// that byte.
const (
	separator = "\n🐵🙈🙉\n"
	delimiter = "\x01"
)

// writeMessages writes the same messages as a recording and as values with a delimiter between
// them, and returns the bytes of all. Their bodies are words, as JSON is: zstd makes a third
// to a fifth of them.
func writeMessages(recording, values string, count, size int) (total int64, err error) {
	r, err := os.Create(recording)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	v, err := os.Create(values)
	if err != nil {
		return 0, err
	}
	defer v.Close()
	records, lines := bufio.NewWriterSize(r, 1<<20), bufio.NewWriterSize(v, 1<<20)
	random := rand.New(rand.NewPCG(1, 2))
	words := strings.Fields("the quick brown fox jumps over lazy dog id name price true false null customer order address street item count total status")
	for i := range count {
		var body strings.Builder
		for body.Len() < size {
			fmt.Fprintf(&body, "%q:%d,", words[random.IntN(len(words))], random.IntN(1_000_000))
		}
		content := body.String()[:size]
		http := fmt.Sprintf("POST /api/v1/items/%d HTTP/1.1\r\nHost: shop.example.com\r\nContent-Length: %d\r\n\r\n%s", i, len(content), content)
		msg := payload.AppendMeta(nil, payload.Meta{Type: payload.Request, ID: payload.AppendID(nil, uint64(i%1000)*0x9E3779B97F4A7C15, uint32(i/1000)), Time: 1.7e18 + int64(i)*10_000, Length: -1})
		msg = append(msg, http...)
		total += int64(len(msg))
		records.Write(msg)
		records.WriteString(separator)
		lines.Write(msg)
		lines.WriteString(delimiter)
	}
	return total, errors.Join(records.Flush(), lines.Flush())
}

// A figure is one run of a program.
type figure struct {
	seconds, cpu float64
	memory       int64 // its peak, bytes
}

func measure(ctx context.Context, argv []string, stdin string) (figure, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	if stdin != "" {
		f, err := os.Open(stdin)
		if err != nil {
			return figure{}, err
		}
		defer f.Close()
		cmd.Stdin = f
	}
	var said strings.Builder
	cmd.Stderr = &said
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return figure{}, fmt.Errorf("%s: %w\n%s", strings.Join(argv, " "), err, said.String())
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	return figure{
		seconds: time.Since(began).Seconds(),
		cpu:     (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(),
		memory:  usage.Maxrss << 10,
	}, nil
}

// A broker is one that runs.
type broker struct {
	addr string
	cmd  *exec.Cmd
}

// brokerStart is how long a JVM and a new log may take.
const brokerStart = 2 * time.Minute

func startBroker(ctx context.Context, script, dir string, stderr io.Writer) (*broker, error) {
	fetch := exec.CommandContext(ctx, script, "fetch")
	fetch.Stderr = stderr
	if err := fetch.Run(); err != nil {
		return nil, fmt.Errorf("%s fetch: %w (java and mvn are needed)", script, err)
	}
	var ports []string
	for range 2 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		_, port, _ := net.SplitHostPort(l.Addr().String())
		l.Close() // the broker takes it
		ports = append(ports, port)
	}
	b := &broker{addr: "127.0.0.1:" + ports[0], cmd: exec.CommandContext(ctx, script, "run", dir, ports[0], ports[1])}
	b.cmd.Stderr = io.Discard
	return b, b.start(ctx)
}

func (b *broker) start(ctx context.Context) error {
	if err := b.cmd.Start(); err != nil {
		return err
	}
	for until := time.Now().Add(brokerStart); time.Now().Before(until) && ctx.Err() == nil; {
		if exec.CommandContext(ctx, "kcat", "-b", b.addr, "-L", "-m", "1").Run() == nil {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	b.stop()
	return errors.New("the broker does not answer kcat")
}

func (b *broker) stop() {
	b.cmd.Process.Kill()
	b.cmd.Wait()
}
