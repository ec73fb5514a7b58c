package join

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/buger/gor/internal/disk"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/verdict"
)

// KeptMost bounds what a Store holds, in bytes on disk.
const KeptMost = 256 << 20

// A Store keeps whole pairs in a temporary file, for looking at them. It serves one
// goroutine.
type Store struct {
	dir  string
	f    *os.File
	size int64
	err  error
}

var _ verdict.Keeper = (*Store)(nil)

// NewStore returns a Store with a file below the folder tmp, which is removed by
// Close.
func NewStore(tmp string) (*Store, error) {
	dir, err := os.MkdirTemp(tmp, "gor-verdict-")
	if err != nil {
		return nil, err
	}
	f, err := disk.Create(filepath.Join(dir, "pairs"), 0o600)
	if err != nil {
		os.Remove(dir)
		return nil, err
	}
	return &Store{dir: dir, f: f, size: 1}, nil
}

// Keep writes a pair. It returns 0 when there is no room, or the disk takes nothing.
func (s *Store) Keep(p *verdict.Pair) int64 {
	var b []byte
	add := func(part Part) {
		part.ID = p.ID
		b = append(encode(b, &part), part.Bytes...)
	}
	add(Part{Type: payload.Request, Answer: verdict.Answer{Bytes: p.Request}})
	for i, a := range []*verdict.Answer{p.Old, p.Again, p.New} {
		if a != nil {
			add(Part{Type: payload.Response + byte(i), Answer: *a})
		}
	}
	if s.err != nil || s.size+int64(len(b))+8 > KeptMost {
		return 0
	}
	ref := s.size
	b = append(binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(b)), uint64(len(b))), b...)
	if _, s.err = s.f.Write(b); s.err != nil {
		return 0
	}
	s.size += int64(len(b))
	return ref
}

// Load reads a pair back.
func (s *Store) Load(ref int64) (*verdict.Pair, error) {
	if ref < 1 || ref >= s.size {
		return nil, errors.New("no such pair was kept")
	}
	r := io.NewSectionReader(s.f, ref-1, s.size-ref)
	var head [8]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	b := make([]byte, min(binary.BigEndian.Uint64(head[:]), uint64(s.size)))
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, err
	}
	p := &verdict.Pair{}
	err := each(bufio.NewReader(bytes.NewReader(b)), func(part Part) error {
		a := part.Answer
		p.ID = part.ID
		switch part.Type {
		case payload.Request:
			p.Request = a.Bytes
		case payload.Response:
			p.Old = &a
		case payload.Response + 1:
			p.Again = &a
		default:
			p.New = &a
		}
		return nil
	})
	return p, err
}

// Close removes the file.
func (s *Store) Close() error { return errors.Join(s.f.Close(), os.RemoveAll(s.dir)) }
