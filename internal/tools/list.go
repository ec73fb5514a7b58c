package tools

import (
	"bufio"
	"encoding/json"
	"fmt"
	"time"

	"github.com/buger/gor/internal/payload"
)

// List writes a line for each request of a file: an object when asJSON is true,
// otherwise columns.
func List(c Config, name string, asJSON bool) error {
	w := bufio.NewWriter(c.Stdout)
	defer w.Flush()
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	p := newPairs(func(r *row) error {
		if asJSON {
			return enc.Encode(r)
		}
		_, err := fmt.Fprintln(w, c.line(r))
		return err
	})
	_, err := c.each(name, func(m payload.Meta, _, body []byte) error { return p.add(m, body) })
	if perr := p.finish(); err == nil {
		err = perr
	}
	if err != nil {
		return err
	}
	if p.orphans > 0 {
		c.Logf("%s: %d answers without their request", name, p.orphans)
	}
	return w.Flush()
}

// methodColumns is the widest that a method is shown: servers let any word be one.
const methodColumns = 20

func (c *Config) line(r *row) string {
	status, latency, answer := "-", "-", "-"
	if r.Status != 0 {
		status = fmt.Sprint(r.Status)
	}
	if r.Answer != 0 {
		latency, answer = latencyText(r.Latency), sizeText(r.Answer)
	}
	head := fmt.Sprintf("%s  %-24s  %3s %8s %5s %5s  %-6s ", time.Unix(0, r.Time).Format("2006-01-02 15:04:05.000"),
		safe(r.ID), status, latency, sizeText(r.Size), answer, fit(safe(r.Method), methodColumns))
	where := safe(r.Host + r.Path)
	if c.Width > 0 {
		where = fit(where, max(c.Width-columns(head), 10))
	}
	return head + where
}

func latencyText(ns int64) string {
	d := time.Duration(ns)
	switch {
	case d < 10*time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	case d < 10*time.Second:
		return d.Round(time.Millisecond).String()
	}
	return d.Round(100 * time.Millisecond).String()
}
