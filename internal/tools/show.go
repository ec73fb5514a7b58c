package tools

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/pretty"
)

// A NotFoundError says that no message has an id.
type NotFoundError struct{ Name, ID string }

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("%s has no message with an id that begins with %q", e.Name, e.ID)
}

// decodedMost bounds a body without its codings, in bytes.
const decodedMost = 64 << 20

// Show writes the messages of a file whose id begins with id. Bodies are without
// their codings when decode is true. raw writes the bytes as they are; otherwise
// what a terminal could take for a command is escaped.
func Show(c Config, name, id string, decode, raw bool) error {
	if id == "" {
		return errors.New("want an id, such as gor ls shows")
	}
	w := bufio.NewWriter(c.Stdout)
	defer w.Flush()
	found := 0
	decoder := pretty.New(decodedMost)
	var line []byte
	_, err := c.each(name, func(m payload.Meta, _, body []byte) error {
		if !bytes.HasPrefix(m.ID, []byte(id)) {
			return nil
		}
		found++
		if decode {
			if plain, ok := decoder.Decode(nil, body, m.Type != payload.Request); ok {
				body = plain
			}
		}
		if raw {
			_, err := w.Write(body)
			return err
		}
		kind := map[byte]string{payload.Request: "request", payload.Response: "response", payload.ReplayResponse: "replayed response"}[m.Type]
		fmt.Fprintf(w, "== %s %s, %s, %d bytes", kind, safe(string(m.ID)), time.Unix(0, m.Time).Format("2006-01-02 15:04:05.000000000"), len(body))
		if len(m.Attributes) > 0 {
			fmt.Fprintf(w, ", %s", safe(string(m.Attributes)))
		}
		line = appendSafe(line[:0], body, true)
		_, err := fmt.Fprintf(w, "\n%s\n", line)
		return err
	})
	if err != nil {
		return err
	}
	if found == 0 {
		return &NotFoundError{name, id}
	}
	return w.Flush()
}
