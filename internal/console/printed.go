package console

import "io"

// Printed is a writer for what a command prints. It keeps its first error, so that
// the command can end with it: whoever reads must not take a part for the whole.
type Printed struct {
	W   io.Writer
	Err error
}

func (p *Printed) Write(b []byte) (int, error) {
	if p.Err != nil {
		return 0, p.Err
	}
	n, err := p.W.Write(b)
	p.Err = err
	return n, err
}
