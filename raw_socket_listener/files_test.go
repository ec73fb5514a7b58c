package rawsocket

import (
	"io"

	"github.com/buger/gor/raw_socket_listener/source"
)

// A fileReader reads a capture file as the program does.
type fileReader struct {
	r     *rig
	from  *reader
	ended chan error
	err   error
}

func listen(cfg assembleConfig) (*fileReader, error) {
	sources, err := source.Open(source.Config{Address: cfg.Address, TrackResponse: cfg.TrackResponse}, 1)
	if err != nil {
		return nil, err
	}
	r := &rig{hand: newHandover(handoverBytes)}
	r.a = newAssembler(cfg.withDefaults(), newWriter(r.hand, nil), r, &sights{})
	l := &fileReader{r: r, from: newReader(r.hand), ended: make(chan error, 1)}
	go func() {
		err := sources[0].Run(r.a)
		l.ended <- err
		r.a.end()
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

func (l *fileReader) Stats() assembleStats { return l.r.a.snapshot() }
