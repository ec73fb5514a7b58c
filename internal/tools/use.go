package tools

import (
	"errors"
	"time"
)

// Use is how the tools are called.
const Use = `gor ls [--json] FILE        a line for each request
gor show FILE ID            the messages whose id begins with ID; --decode takes gzip and chunks off, --raw gives the bytes
gor stat [--json] FILE      what a recording holds: span, rates, hosts, methods, routes, statuses, damage
gor convert FILE... -o OUT  one file of several, in another form: *.gor, *.har, *.curl, *.jsonl, *.pcap
FILE is a recording, or *.log, *.har, *.curl or *.pcap (x.pcap:80 for a port), or has log:, har:, curl: or pcap: before it; - is standard input or output.
gor convert takes --from and --to (a time such as 2025-10-10T13:55:36Z), --sample 10%, --by-host, --answer LABEL,
and the filters and rewrites of gor -h.`

// ParseTime reads a time as people write it, local unless it names a zone.
func ParseTime(text string) (int64, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t.UnixNano(), nil
		}
	}
	return 0, errors.New("want a time such as 2025-10-10T13:55:36Z or 2025-10-10 13:55")
}
