package replay

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/buger/gor/internal/console"
	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/payload"
)

// Bounds of what a dry run lists: what fits a line, and what a recording of a
// scanner's requests, each to a host of its own, may cost.
const (
	namesShown = 8
	namesKept  = 10_000
)

// contents is what a dry run finds in messages.
type contents struct {
	kinds          [256]uint64
	bytes          uint64
	first, last    int64 // times of requests, ns since 1970, when there are any
	methods, hosts map[string]uint64
	req            http1.Request
}

func newContents() *contents {
	return &contents{methods: map[string]uint64{}, hosts: map[string]uint64{}}
}

// add takes a message.
func (c *contents) add(msg []byte) {
	c.kinds[msg[0]]++
	body := payload.Body(msg)
	c.bytes += uint64(len(body))
	if !payload.IsRequest(msg) {
		return
	}
	if m, _, err := payload.Split(msg); err == nil {
		if c.kinds[payload.Request] == 1 {
			c.first, c.last = m.Time, m.Time
		}
		c.first, c.last = min(c.first, m.Time), max(c.last, m.Time)
	}
	if c.req.Parse(body) != nil {
		count(c.methods, "not HTTP/1")
		return
	}
	count(c.methods, string(c.req.Method()))
	host, _ := c.req.Header("Host")
	if authority, _, absolute := http1.CutAbsolute(c.req.Target()); absolute {
		_, host, _ = bytes.Cut(authority, []byte("://"))
	}
	count(c.hosts, cmp.Or(string(host), "no host"))
}

func count(names map[string]uint64, name string) {
	if _, known := names[name]; !known && len(names) >= namesKept {
		name = "others"
	}
	names[name]++
}

// records says how many messages there are.
func (c *contents) records() string {
	return fmt.Sprintf("%d requests, %d responses, %d replayed responses; %d bytes",
		c.kinds[payload.Request], c.kinds[payload.Response], c.kinds[payload.ReplayResponse], c.bytes)
}

// write says what the requests are.
func (c *contents) write(w io.Writer) {
	if c.kinds[payload.Request] == 0 {
		return
	}
	fmt.Fprintf(w, "  methods: %s\n", mostFrequent(c.methods))
	fmt.Fprintf(w, "  hosts: %s\n", mostFrequent(c.hosts))
}

// mostFrequent lists names, the most frequent first.
func mostFrequent(names map[string]uint64) string {
	sorted := slices.SortedFunc(maps.Keys(names), func(a, b string) int {
		return cmp.Or(cmp.Compare(names[b], names[a]), cmp.Compare(a, b))
	})
	var words []string
	for _, name := range sorted[:min(len(sorted), namesShown)] {
		words = append(words, fmt.Sprintf("%s %d", console.Clean(name), names[name]))
	}
	if more := len(sorted) - len(words); more > 0 {
		words = append(words, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(words, ", ")
}
