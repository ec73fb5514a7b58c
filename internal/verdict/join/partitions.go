package join

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"time"

	"github.com/buger/gor/internal/disk"
)

const (
	// fanOut is how many files the parts of one level are spread over, by their ids:
	// 4 GB make files of 64 MB, which are spread once more.
	fanOut = 64
	// partMost is up to which size, in bytes, a file is joined in memory.
	partMost = 12 << 20
	// mostLevels bounds how often parts are spread.
	mostLevels = 4
	// mostField bounds a field that is read back, in bytes.
	mostField = 1 << 30
)

// partitions are files over which parts are spread, so that all of one id are in one.
type partitions struct {
	name  string
	level int
	files [fanOut]*os.File
	bufs  [fanOut]*bufio.Writer
	sizes [fanOut]int64
}

func newPartitions(name string, level int) *partitions { return &partitions{name: name, level: level} }

// at is the file for an id.
func (p *partitions) at(id string) int {
	h := fnv.New64a()
	h.Write([]byte(id))
	sum := h.Sum64()
	sum ^= sum >> 32
	sum *= 0x9E3779B97F4A7C15
	return int(sum >> (58 - 6*p.level) & (fanOut - 1))
}

func (p *partitions) write(part *Part) error {
	i := p.at(part.ID)
	if p.files[i] == nil {
		f, err := disk.Create(fmt.Sprintf("%s-%d", p.name, i), 0o600)
		if err != nil {
			return err
		}
		p.files[i], p.bufs[i] = f, bufio.NewWriterSize(f, 4<<10)
	}
	b := encode(nil, part)
	p.sizes[i] += int64(len(b))
	if _, err := p.bufs[i].Write(b); err != nil {
		return fmt.Errorf("write a temporary file: %w", err)
	}
	_, err := p.bufs[i].Write(part.Bytes)
	p.sizes[i] += int64(len(part.Bytes))
	if err != nil {
		return fmt.Errorf("write a temporary file: %w", err)
	}
	return nil
}

// join emits all groups, one file after the other, and removes the files.
func (p *partitions) join(emit func(id string, parts []Part)) error {
	for i, f := range p.files {
		if f == nil {
			continue
		}
		if err := p.bufs[i].Flush(); err != nil {
			return fmt.Errorf("write a temporary file: %w", err)
		}
		p.bufs[i] = nil
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		var err error
		if p.sizes[i] > partMost && p.level+1 < mostLevels {
			err = p.spread(i, emit)
		} else {
			err = p.inMemory(f, emit)
		}
		err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		p.files[i] = nil
		if err != nil {
			return err
		}
	}
	return nil
}

// spread joins a file that is too large in parts.
func (p *partitions) spread(i int, emit func(id string, parts []Part)) error {
	next := newPartitions(fmt.Sprintf("%s-%d", p.name, i), p.level+1)
	defer next.close()
	if err := each(p.files[i], func(part Part) error { return next.write(&part) }); err != nil {
		return err
	}
	return next.join(emit)
}

func (p *partitions) inMemory(f *os.File, emit func(id string, parts []Part)) error {
	groups := make(map[string][]Part)
	var ids []string
	err := each(f, func(part Part) error {
		if _, known := groups[part.ID]; !known {
			ids = append(ids, part.ID)
		}
		if len(groups[part.ID]) < mostParts {
			groups[part.ID] = append(groups[part.ID], part)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, id := range ids {
		emit(id, groups[id])
		delete(groups, id)
	}
	return nil
}

// close closes what join has not.
func (p *partitions) close() {
	for i, f := range p.files {
		if f != nil {
			f.Close() // it is removed with its folder
			p.files[i] = nil
		}
	}
}

// encode appends a part without its bytes.
func encode(dst []byte, p *Part) []byte {
	replayed := byte(0)
	if p.Replayed {
		replayed = 1
	}
	dst = append(dst, byte(p.Source), p.Type, replayed)
	dst = binary.AppendVarint(dst, p.Time)
	dst = binary.AppendVarint(dst, int64(p.Took))
	for _, s := range []string{p.ID, p.Label, p.Error} {
		dst = binary.AppendUvarint(dst, uint64(len(s)))
		dst = append(dst, s...)
	}
	return binary.AppendUvarint(dst, uint64(len(p.Bytes)))
}

// each reads a file's parts.
func each(f io.Reader, take func(Part) error) error {
	r := bufio.NewReaderSize(f, 64<<10)
	for {
		source, err := r.ReadByte()
		if err == io.EOF {
			return nil
		}
		p, derr := decode(r)
		if err = errors.Join(err, derr); err != nil {
			return fmt.Errorf("read a temporary file: %w", err)
		}
		p.Source = Source(source)
		if err := take(p); err != nil {
			return err
		}
	}
}

// decode reads a part without its source.
func decode(r *bufio.Reader) (p Part, err error) {
	var head [2]byte
	if _, err = io.ReadFull(r, head[:]); err != nil {
		return p, err
	}
	p.Type, p.Replayed = head[0], head[1] == 1
	if p.Time, err = binary.ReadVarint(r); err != nil {
		return p, err
	}
	took, err := binary.ReadVarint(r)
	if err != nil {
		return p, err
	}
	p.Took = time.Duration(took)
	var fields [4][]byte
	for i := range fields {
		n, err := binary.ReadUvarint(r)
		if err != nil {
			return p, err
		}
		if n > mostField {
			return p, errors.New("a field that cannot be so long")
		}
		fields[i] = make([]byte, n)
		if _, err := io.ReadFull(r, fields[i]); err != nil {
			return p, err
		}
	}
	p.ID, p.Label, p.Error, p.Bytes = string(fields[0]), string(fields[1]), string(fields[2]), fields[3]
	return p, nil
}
