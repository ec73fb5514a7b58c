package console

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"strings"
	"time"
)

// A Format is the form of the lines.
type Format string

const (
	// Auto is Text with times when they go to a file. On a terminal nobody needs
	// them, and whoever reads a pipe or a socket (a journal, a container's
	// runtime) puts its own before each line.
	Auto Format = "auto"
	Text Format = "text" // every line begins with the time
	JSON Format = "json" // every line is an object of "time" and "msg"
)

const (
	// timeForm is RFC 3339 in the system's zone, with milliseconds.
	timeForm = "2006-01-02T15:04:05.000Z07:00"

	// maxHalf bounds a line of a program that does not end it: what it has then
	// is a line.
	maxHalf = 4 << 10

	mark = "gor: " // before each line in text
)

// SetFormat changes the form of the lines from here on. Until then they have no
// time.
func (c *Console) SetFormat(f Format) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.json = f == JSON
	c.timed = f == Text || f == Auto && isFile(c.w)
}

func isFile(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode().IsRegular()
}

// own is whole lines of Gor's in the format. Call with the lock held.
func (c *Console) own(lines string) []byte {
	if !c.json && !c.timed {
		return []byte(lines)
	}
	now := time.Now()
	var b []byte
	for line := range strings.Lines(lines) {
		if c.json {
			b = appendObject(b, now, strings.TrimPrefix(strings.TrimSuffix(line, "\n"), mark))
			continue
		}
		b = append(append(now.AppendFormat(b, timeForm), ' '), line...)
	}
	return b
}

// others is p in the format: statistics, which have times of their own, and what
// a middleware writes, which may be half a line. Call with the lock held.
func (c *Console) others(p []byte) []byte {
	if !c.json {
		return p
	}
	now := time.Now()
	var b []byte
	for {
		line, rest, whole := bytes.Cut(p, []byte{'\n'})
		if !whole {
			break
		}
		b = appendObject(b, now, string(append(c.half, line...)))
		c.half, p = c.half[:0], rest
	}
	c.half = append(c.half, p...)
	if len(c.half) > maxHalf {
		b = append(b, c.endHalf()...)
	}
	return b
}

// endHalf is a line that nobody ended. Call with the lock held.
func (c *Console) endHalf() []byte {
	if len(c.half) == 0 {
		return nil
	}
	b := appendObject(nil, time.Now(), string(c.half))
	c.half = c.half[:0]
	return b
}

func appendObject(dst []byte, now time.Time, text string) []byte {
	buf := bytes.NewBuffer(dst)
	e := json.NewEncoder(buf) // ends the line
	e.SetEscapeHTML(false)
	_ = e.Encode(struct {
		Time string `json:"time"`
		Text string `json:"msg"`
	}{now.Format(timeForm), text}) // two strings always encode
	return buf.Bytes()
}
