package assemble

import (
	"io"

	"github.com/buger/gor/raw_socket_listener/source"
)

// A fileReader reads a capture file as the program does.
type fileReader struct {
	r     *rig
	from  *Reader
	ended chan error
	err   error
}

func listen(cfg Config) (*fileReader, error) {
	sources, err := source.Open(source.Config{Address: cfg.Address, TrackResponse: cfg.TrackResponse}, 1)
	if err != nil {
		return nil, err
	}
	r := &rig{hand: NewHandover(HandoverBytes)}
	r.a = New(cfg.WithDefaults(), NewWriter(r.hand, nil), r, &Sights{})
	l := &fileReader{r: r, from: NewReader(r.hand), ended: make(chan error, 1)}
	go func() {
		err := sources[0].Run(r.a)
		l.ended <- err
		r.a.End()
	}()
	return l, nil
}

// Next is as that of a capture.
func (l *fileReader) Next() (*Message, error) {
	if m := l.from.Next(); m != nil {
		return m, nil
	}
	if l.err == nil {
		if l.err = <-l.ended; l.err == nil {
			l.err = io.EOF
		}
	}
	return nil, l.err
}

func (l *fileReader) Stats() Stats { return l.r.a.Snapshot() }
