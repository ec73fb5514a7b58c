package tools

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/gzip"

	"github.com/buger/gor/internal/formats"
	"github.com/buger/gor/internal/payload"
)

// An outFile is a file that is written.
type outFile struct {
	formats.Writer
	buf  *bufio.Writer
	zip  *gzip.Writer
	file *os.File
	name string
}

// outOf is the file that a message goes to. An answer goes where its request
// did.
func (c *converter) outOf(kind byte, id string, body []byte) (*outFile, error) {
	host := ""
	if c.ByHost {
		if kind == payload.Request {
			host = "none"
			if c.req.Parse(body) == nil {
				if v, ok := c.req.Header("Host"); ok && len(v) > 0 {
					host = fileName(string(v))
				}
			}
			if len(c.host) >= droppedMost {
				clear(c.host)
			}
			c.host[id] = host
		} else if host = c.host[id]; host == "" {
			host = "none"
		}
	}
	if out := c.outs[host]; out != nil {
		return out, nil
	}
	if len(c.outs) >= hostsMost {
		return nil, fmt.Errorf("there are more than %d hosts; filter by --http-allow-header first", hostsMost)
	}
	out, err := c.create(host)
	if err == nil {
		c.outs[host] = out
	}
	return out, err
}

// fileName makes part of a file's name of a host, which a stranger chose.
func fileName(host string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', r == '.', r == '_':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '_'
	}, host[:min(len(host), 100)])
}

func (c *converter) create(host string) (*outFile, error) {
	kind, path, _ := formats.Split(c.Out)
	var w io.Writer = c.Stdout
	out := &outFile{name: path}
	if path != "-" {
		if host != "" {
			dir, base := filepath.Split(path)
			stem, ext, _ := strings.Cut(base, ".")
			out.name = dir + stem + "_" + host + "." + ext
		}
		f, err := os.OpenFile(out.name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, os.ErrExist) {
			return nil, fmt.Errorf("%s exists, and nothing is overwritten; name another file", out.name)
		}
		if err != nil {
			return nil, err
		}
		out.file, w = f, f
	} else if host != "" {
		return nil, errors.New("a file for each host cannot go to standard output; name a file")
	}
	switch {
	case strings.HasSuffix(path, ".gz"):
		out.zip = gzip.NewWriter(w)
		w = out.zip
	case strings.HasSuffix(path, ".zst"):
		return nil, errors.New("gor convert compresses with .gz only")
	}
	out.buf = bufio.NewWriterSize(w, 256<<10)
	var err error
	out.Writer, err = formats.NewWriter(out.buf, kind, c.Answer)
	if err != nil && out.file != nil {
		out.file.Close()
		os.Remove(out.name) // it was made just now, and is empty
	}
	return out, err
}

// finish ends a file. One that an error has cut short stays, and is named.
func (c *converter) finish(out *outFile, cut bool) error {
	err := out.Writer.Close()
	first := func(next error) { // a disk that is full is an error of each
		if err == nil {
			err = next
		}
	}
	first(out.buf.Flush())
	if out.zip != nil {
		first(out.zip.Close())
	}
	if out.file != nil {
		first(out.file.Close())
	}
	for _, count := range out.Counts() {
		if count.N > 0 {
			c.Logf("%s: %d %s", out.name, count.N, count.Name)
		}
	}
	if cut {
		c.Logf("%s holds what came before the error", out.name)
	}
	return err
}
