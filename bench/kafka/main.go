// Kafka measures what a topic costs: file to --output-kafka-host, and --input-kafka-host to
// nothing, beside kcat as a plain producer and consumer, with one broker on this machine. Run
// it with make bench-kafka.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/buger/gor/bench/command"
	"github.com/buger/gor/bench/figures"
)

const usage = `usage: kafka [flags] GOR

GOR is the binary to measure. java, mvn and kcat are needed; scripts/kafka runs the broker.

`

// mostMemory is the goal for each end.
const mostMemory = 64 << 20

type options struct {
	gor      string
	rounds   int
	messages int
	size     int // bytes of a body
	dir      string
	broker   string // the script that runs one
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	var o options
	fs := command.Flags("kafka", usage, stderr)
	fs.IntVar(&o.rounds, "rounds", 3, "how often each is measured; the table has medians")
	fs.IntVar(&o.messages, "messages", 200_000, "messages that cross the topic each time")
	fs.IntVar(&o.size, "size", 900, "bytes of a message's body; its head is some 100")
	fs.StringVar(&o.dir, "dir", "/dev/shm", "folder for the files and the broker's data; it should be in memory")
	fs.StringVar(&o.broker, "broker", "scripts/kafka", "the script that runs the broker")
	return command.Run(fs, args, func() error {
		if fs.NArg() != 1 || o.rounds < 1 || o.messages < 1 || o.size < 0 {
			return errors.New("want one binary to measure, and rounds and messages above zero")
		}
		o.gor = fs.Arg(0)
		return nil
	}, func(ctx context.Context) error { return o.bench(ctx, stdout, stderr) })
}

func (o *options) bench(ctx context.Context, stdout, stderr io.Writer) error {
	dir, err := os.MkdirTemp(o.dir, "gor-bench-kafka")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	recording, values := filepath.Join(dir, "in.gor"), filepath.Join(dir, "values")
	size, err := writeMessages(recording, values, o.messages, o.size)
	if err != nil {
		return err
	}
	b, err := startBroker(ctx, o.broker, filepath.Join(dir, "broker"), stderr)
	if err != nil {
		return err
	}
	defer b.stop()
	rows := []struct {
		name string
		args func(topic string) (argv []string, stdin string)
		runs []figure
	}{
		{name: "gor, file to topic", args: func(topic string) ([]string, string) {
			return []string{o.gor, "--input-file", recording + "|max", "--output-kafka-host", b.addr, "--output-kafka-topic", "gor" + topic}, ""
		}},
		{name: "kcat, lines to topic", args: func(topic string) ([]string, string) {
			return []string{"kcat", "-P", "-b", b.addr, "-t", "kcat" + topic, "-D", delimiter, "-z", "zstd", "-X", "enable.idempotence=true"}, values
		}},
		{name: "gor, topic to nothing", args: func(topic string) ([]string, string) {
			return []string{o.gor, "--input-kafka-host", b.addr, "--input-kafka-topic", "gor" + topic, "--input-kafka-offset", "-2|max", "--input-kafka-to-end", "--output-null"}, ""
		}},
		{name: "kcat, topic to nothing", args: func(topic string) ([]string, string) {
			return []string{"kcat", "-C", "-b", b.addr, "-t", "gor" + topic, "-o", "beginning", "-e", "-q"}, ""
		}},
	}
	for round := range o.rounds {
		for i := range rows {
			argv, stdin := rows[i].args(fmt.Sprint(round))
			f, err := measure(ctx, argv, stdin)
			if err != nil {
				return err
			}
			fmt.Fprintf(stderr, "%s: %.2fs\n", rows[i].name, f.seconds)
			rows[i].runs = append(rows[i].runs, f)
		}
	}
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%d messages of %d bytes\tmessages/s\tMB/s\tCPU s per 100k\tpeak MB\t\n", o.messages, size/int64(o.messages))
	most := int64(0)
	for _, row := range rows {
		n := float64(o.messages)
		seconds := figures.Median(row.runs, func(f figure) float64 { return f.seconds })
		cpu := figures.Median(row.runs, func(f figure) float64 { return f.cpu })
		memory := figures.Median(row.runs, func(f figure) float64 { return float64(f.memory) })
		fmt.Fprintf(w, "%s\t%.0f\t%.1f\t%.2f\t%.0f\t\n", row.name, n/seconds, float64(size)/seconds/1e6, cpu/n*1e5, memory/1e6)
		if row.name[:3] == "gor" {
			most = max(most, int64(memory))
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "memory of each end at most %d MB: %s\n", mostMemory>>20, figures.Verdict(most <= mostMemory))
	return nil
}
