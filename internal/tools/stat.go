package tools

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/buger/gor/internal/formats/message"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/verdict/route"
)

// A Summary is what Stat says of a file.
type Summary struct {
	Name        string         `json:"name"`
	Requests    int            `json:"requests"`
	Answered    int            `json:"answered"`
	Orphans     int            `json:"responses_without_request"`
	First       int64          `json:"first"` // ns since 1970
	Last        int64          `json:"last"`
	Connections int            `json:"connections"`
	Bytes       int64          `json:"bytes"`
	Largest     int            `json:"largest"`
	Methods     map[string]int `json:"methods"`
	Hosts       map[string]int `json:"hosts"`
	Statuses    map[string]int `json:"statuses"`
	Routes      map[string]int `json:"routes"`   // GET /users/{id}
	Rates       []int          `json:"rates"`    // requests in each of so many equal parts
	RateSpan    int64          `json:"rates_ns"` // length of such a part
	Damage      string         `json:"damage,omitempty"`

	conns map[string]struct{}
	more  bool // there are more connections, hosts or methods than are counted
}

const (
	// namesMost bounds what is counted by name: a stranger may send any.
	namesMost = 10_000
	connsMost = 1 << 20
	ratesMost = 60 // columns of the plot
)

// Stat writes a summary of a file.
func Stat(c Config, name string, asJSON bool) error {
	s := &Summary{Name: name, Methods: map[string]int{}, Hosts: map[string]int{}, Statuses: map[string]int{}, conns: map[string]struct{}{}, RateSpan: int64(time.Millisecond)}
	p := newPairs(func(r *row) error { s.add(r); return nil })
	routes, seen := route.New(nil), map[string]int{} // it bounds their number
	damage, err := c.each(name, func(m payload.Meta, _, body []byte) error {
		s.Bytes += int64(len(body))
		s.Largest = max(s.Largest, len(body))
		if m.Type == payload.Request {
			seen[routes.Of(body)]++
			if conn := payload.ConnPart(m.ID); len(s.conns) < connsMost {
				s.conns[string(conn)] = struct{}{}
			} else {
				s.more = true
			}
		}
		return p.add(m, body)
	})
	cut := error(nil) // what stands before is worth knowing
	if errors.As(err, new(*message.CutError)) && s.Bytes > 0 {
		cut, err = err, nil
	}
	if err != nil {
		return err
	}
	if err := p.finish(); err != nil {
		return err
	}
	s.Routes = map[string]int{}
	for name, n := range seen {
		s.Routes[routes.Final(name)] += n
	}
	s.Connections, s.Orphans, s.Damage = len(s.conns), p.orphans, damage.String()
	if asJSON {
		enc := json.NewEncoder(c.Stdout)
		enc.SetIndent("", "  ")
		return errors.Join(enc.Encode(s), cut)
	}
	w := bufio.NewWriter(c.Stdout)
	s.write(w)
	return errors.Join(w.Flush(), cut)
}

func (s *Summary) add(r *row) {
	if s.Requests == 0 {
		s.First, s.Last = r.Time, r.Time
	}
	s.Requests++
	s.Last = max(s.Last, r.Time)
	s.rate(r.Time)
	s.count(s.Methods, r.Method)
	s.count(s.Hosts, r.Host)
	if r.Answer > 0 || r.Status > 0 {
		s.Answered++
		s.count(s.Statuses, fmt.Sprint(r.Status))
	}
}

func (s *Summary) count(m map[string]int, name string) {
	if _, known := m[name]; !known && len(m) >= namesMost {
		name, s.more = "(others)", true
	}
	m[name]++
}

// rate counts a request in its part of the time. When the parts are too many,
// two become one.
func (s *Summary) rate(at int64) {
	i := max(at-s.First, 0) / s.RateSpan
	for i >= ratesMost {
		half := make([]int, 0, ratesMost)
		for j := 0; j < len(s.Rates); j += 2 {
			n := s.Rates[j]
			if j+1 < len(s.Rates) {
				n += s.Rates[j+1]
			}
			half = append(half, n)
		}
		s.Rates = half
		s.RateSpan *= 2
		i = max(at-s.First, 0) / s.RateSpan
	}
	for int64(len(s.Rates)) <= i {
		s.Rates = append(s.Rates, 0)
	}
	s.Rates[i]++
}

func (s *Summary) write(w io.Writer) {
	span := time.Duration(s.Last - s.First)
	fmt.Fprintf(w, "%s\n  %d requests, %d answered, on %d connections\n", safe(s.Name), s.Requests, s.Answered, s.Connections)
	if s.Requests > 0 {
		fmt.Fprintf(w, "  %s to %s, over %s", time.Unix(0, s.First).Format("2006-01-02 15:04:05.000"), time.Unix(0, s.Last).Format("2006-01-02 15:04:05.000"), span.Round(time.Millisecond))
		if span > 0 {
			fmt.Fprintf(w, ", %.1f requests a second", float64(s.Requests)/span.Seconds())
		}
		fmt.Fprintf(w, "\n  %s  at most %d in %s\n", plot(s.Rates), slices.Max(s.Rates), time.Duration(s.RateSpan))
	}
	fmt.Fprintf(w, "  %d bytes of messages, the largest %d\n", s.Bytes, s.Largest)
	table(w, "methods", s.Methods)
	table(w, "hosts", s.Hosts)
	table(w, "statuses", s.Statuses)
	table(w, "routes", s.Routes)
	if s.Orphans > 0 {
		fmt.Fprintf(w, "  %d responses without their request\n", s.Orphans)
	}
	if s.more {
		fmt.Fprintf(w, "  more names or connections than are counted apart\n")
	}
	if s.Damage != "" {
		fmt.Fprintf(w, "  damage: %s\n", s.Damage)
	}
}

// plot draws numbers as bars of eight heights.
func plot(rates []int) string {
	bars := []rune(" ▁▂▃▄▅▆▇█")
	most := max(slices.Max(rates), 1)
	var b strings.Builder
	for _, n := range rates {
		b.WriteRune(bars[(n*(len(bars)-1)+most-1)/most])
	}
	return b.String()
}

// tableMost is how many names a table shows.
const tableMost = 10

func table(w io.Writer, title string, m map[string]int) {
	if len(m) == 0 {
		return
	}
	type pair struct {
		name string
		n    int
	}
	var list []pair
	for name, n := range m {
		list = append(list, pair{name, n})
	}
	slices.SortFunc(list, func(a, b pair) int { return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.name, b.name)) })
	fmt.Fprintf(w, "  %s:", title)
	for i, p := range list {
		if i == tableMost {
			fmt.Fprintf(w, " and %d more", len(list)-tableMost)
			break
		}
		if p.name == "" {
			p.name = "(none)"
		}
		fmt.Fprintf(w, " %s %d", fit(safe(p.name), 60), p.n)
	}
	fmt.Fprintln(w)
}
