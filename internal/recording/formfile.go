package recording

import (
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/buger/gor/internal/formats"
)

// The beginning and the end of a file whose format has them.

// begin makes the live form of a file that holds so many bytes before compression.
func (r *file) begin(holds int64) {
	if r.form != formats.Recording {
		r.live = formats.NewLive(r.form, holds)
	}
}

// endBytes is what stands behind all messages of the file, as it stands there: in a
// compressed file it is a gzip member or zstd frame of its own.
func (r *file) endBytes() ([]byte, error) {
	var p packers
	text := r.form.Tail()
	if text == "" {
		return nil, nil
	}
	return p.pack(r.kind, []byte(text))
}

// appendFormed is append for what is in front of the file's end, such as the
// brackets of a HAR: it replaces the end that is there, and writes it again, so that
// the file is whole all the time.
func (r *file) appendFormed(out []byte) error {
	if r.form.Tail() == "" || !r.regular {
		return r.append(out)
	}
	end, err := r.endBytes()
	if err != nil {
		return err
	}
	before := r.tail
	if before > 0 {
		if err := r.f.Truncate(r.size - int64(before)); err != nil {
			return err
		}
		r.size, r.tail = r.size-int64(before), 0
	}
	if err := r.append(append(out[:len(out):len(out)], end...)); err != nil {
		if before > 0 { // there was room for it
			if n, werr := r.f.Write(end); werr == nil {
				r.size, r.tail = r.size+int64(n), n
			}
		}
		return err
	}
	r.tail = len(end)
	r.last -= before
	return nil
}

// finish ends a file that is left: one without any message gets what makes it one of
// its kind, and a pipe its end.
func (r *file) finish() error {
	if r.live == nil {
		return nil
	}
	var p packers
	out, err := p.pack(r.kind, r.live.Head())
	if err != nil {
		return err
	}
	switch {
	case !r.regular:
		end, err := r.endBytes()
		if err != nil {
			return err
		}
		_, err = r.f.Write(append(out[:len(out):len(out)], end...))
		return err
	case r.size == 0 && len(out) > 0:
		return r.appendFormed(out)
	}
	return nil
}

// inspectForm finds out whether the file, which is not empty, can be continued.
func (r *file) inspectForm() error {
	section := io.NewSectionReader(r.f, 0, r.size)
	if r.kind == packNone {
		if r.form == formats.Pcap {
			if r.size > checkPlainMost {
				return &leftAlone{"is too large to look for a torn end"}
			}
			return r.mayContinue(formats.ContinueCapture(section), r.size)
		}
		head, tail := make([]byte, min(r.size, formats.ContinueHead)), make([]byte, min(r.size, formats.ContinueHead))
		if _, err := r.f.ReadAt(head, 0); err != nil {
			return err
		}
		if _, err := r.f.ReadAt(tail, r.size-int64(len(tail))); err != nil {
			return err
		}
		r.tail = len(r.form.Tail())
		return r.mayContinue(r.form.CanContinue(head, tail, r.size), r.size)
	}
	end, err := r.endBytes()
	if err != nil {
		return err
	}
	if len(end) > 0 {
		have := make([]byte, min(r.size, int64(len(end))))
		if _, err := r.f.ReadAt(have, r.size-int64(len(have))); err != nil {
			return err
		}
		if string(have) != string(end) {
			return &leftAlone{fmt.Sprintf("is %v that was cut, or that Gor did not write", r.form)}
		}
		r.tail = len(end)
	}
	var plain io.Reader
	if r.kind == packGzip {
		plain, err = gzip.NewReader(section)
	} else {
		var z *zstd.Decoder
		if z, err = zstd.NewReader(section, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(8<<20)); err == nil {
			defer z.Close()
			plain = z
		}
	}
	if err != nil {
		return &leftAlone{fmt.Sprintf("cannot be read (%v)", err)}
	}
	count := &ends{}
	if r.form == formats.Pcap {
		err = formats.ContinueCapture(io.TeeReader(plain, count))
	} else if _, err = io.Copy(count, plain); err == nil {
		err = r.form.CanContinue(count.head, count.tail, count.size)
	}
	return r.mayContinue(err, count.size)
}

// mayContinue begins to continue a file unless there is a reason against it.
func (r *file) mayContinue(reason error, holds int64) error {
	if reason == nil {
		r.begin(holds)
		return nil
	}
	if errors.Is(reason, io.ErrUnexpectedEOF) {
		return &leftAlone{"is torn or damaged"}
	}
	return &leftAlone{reason.Error()}
}

// ends keeps the first and last bytes of what is written to it.
type ends struct {
	head, tail []byte
	size       int64
}

func (e *ends) Write(p []byte) (int, error) {
	e.size += int64(len(p))
	if room := formats.ContinueHead - len(e.head); room > 0 {
		e.head = append(e.head, p[:min(room, len(p))]...)
	}
	e.tail = append(e.tail, p[max(len(p)-formats.ContinueHead, 0):]...)
	if over := len(e.tail) - formats.ContinueHead; over > 0 {
		e.tail = append(e.tail[:0], e.tail[over:]...)
	}
	return len(p), nil
}
