package tools

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/buger/gor/internal/formats/message"
	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/rules"
)

// A Conversion says what becomes of files.
type Conversion struct {
	In  []string // merged by time
	Out string   // "-": standard output

	From, To int64        // ns since 1970; 0: no bound
	Sample   int          // percent of the exchanges, by their id; 0: all
	Rules    []rules.Rule // filters and rewrites
	ByHost   bool         // a file for each host: x.gor becomes x_HOST.gor
	Answer   string       // which answer goes into a HAR; see formats.NewWriter
}

// hostsMost bounds the files that are written at once.
const hostsMost = 256

// droppedMost bounds the ids of requests that were left out, whose answers are
// left out too.
const droppedMost = 1 << 16

// A converter is a conversion that goes on.
type converter struct {
	Config
	Conversion
	set     *rules.Set
	outs    map[string]*outFile
	dropped map[string]bool
	order   []string // of dropped, for the oldest
	host    map[string]string
	req     http1.Request

	given, written, filtered, outside int
	cut                               error // of the files that end in the middle; nil: none does
}

// Convert reads files and writes another. Nothing that exists is overwritten.
func Convert(c Config, v Conversion) error {
	if v.Out == "" {
		return errors.New("want -o and a file, such as -o requests.gor, or -o - for standard output")
	}
	if len(v.In) == 0 {
		return ErrNoName
	}
	cv := &converter{Config: c, Conversion: v, set: rules.Compile(v.Rules), outs: map[string]*outFile{}, dropped: map[string]bool{}, host: map[string]string{}}
	err := cv.run()
	for _, out := range cv.outs {
		if cerr := cv.finish(out, err != nil); err == nil {
			err = cerr
		}
	}
	if err != nil {
		return err
	}
	c.Logf("%d messages read, %d written, %d filtered, %d outside of the time", cv.given, cv.written, cv.filtered, cv.outside)
	switch {
	case cv.cut != nil:
		return fmt.Errorf("%w; what stands before that was written", cv.cut)
	case cv.given == 0:
		return &EmptyError{strings.Join(v.In, ", ")}
	}
	return nil
}

// run merges the files: of their next messages the earliest goes first.
func (c *converter) run() error {
	var files []*file
	defer func() {
		for _, f := range files {
			f.close()
		}
	}()
	for _, name := range c.In {
		f, err := c.open(name)
		if err != nil {
			return err
		}
		files = append(files, f)
	}
	window := pace.NewReorder(8192, 4<<20) // as formats orders a file
	next := make([]struct {
		msg []byte
		at  int64
	}, len(files))
	advance := func(i int) error {
		msg, err := files[i].Next()
		if err == io.EOF {
			c.tell(files[i])
			next[i].msg = nil
			return nil
		}
		if err != nil {
			err = fmt.Errorf("%s: %w", files[i].name, err)
		}
		if errors.As(err, new(*message.CutError)) && c.given > 0 {
			c.tell(files[i])
			next[i].msg = nil
			c.cut = errors.Join(c.cut, err)
			return nil
		}
		if err != nil {
			return err
		}
		m, _, err := payload.Split(msg)
		next[i].msg, next[i].at = msg, m.Time
		return err
	}
	for i := range files {
		if err := advance(i); err != nil {
			return err
		}
	}
	for {
		first := -1
		for i := range next {
			if next[i].msg != nil && (first < 0 || next[i].at < next[first].at) {
				first = i
			}
		}
		if first >= 0 {
			window.Push(next[first].at, next[first].msg, 0)
			c.given++
			if err := advance(first); err != nil {
				return err
			}
			if !window.Full() {
				continue
			}
		}
		msg, _, ok := window.Pop()
		if !ok {
			break
		}
		if err := c.message(msg); err != nil {
			return err
		}
	}
	if n := window.Late(); n > 0 {
		c.Logf("%d messages are out of order by more than 8192 messages or 4 MB, and stay so", n)
	}
	return nil
}

// message filters, rewrites and writes one.
func (c *converter) message(msg []byte) error {
	m, body, err := payload.Split(msg)
	if err != nil {
		return err
	}
	id := string(m.ID)
	if m.Type != payload.Request {
		if c.dropped[id] {
			c.filtered++
			return nil
		}
	} else {
		switch {
		case c.From != 0 && m.Time < c.From, c.To != 0 && m.Time >= c.To:
			c.outside++
			c.drop(id)
			return nil
		case c.Sample > 0 && !pace.KeepID(m.ID, c.Sample), c.set.Pass(msg) != rules.Passed:
			c.filtered++
			c.drop(id)
			return nil
		}
		edited, err := c.set.Rewrite(msg)
		if err != nil {
			return err
		}
		if edited != nil {
			msg, body = edited, payload.Body(edited)
		}
	}
	out, err := c.outOf(m.Type, id, body)
	if err != nil {
		return err
	}
	c.written++
	return out.Write(msg)
}

func (c *converter) drop(id string) {
	if len(c.order) >= droppedMost {
		delete(c.dropped, c.order[0])
		c.order = c.order[1:]
	}
	c.dropped[id], c.order = true, append(c.order, id)
}
