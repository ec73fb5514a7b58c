package assemble

import (
	"github.com/buger/gor/internal/http1"
)

// prelude looks for a PROXY protocol header in front of a connection's first
// request, and returns what of b, the next bytes, is not of it. A header in
// several segments is collected; done says that it was decided.
func (fr *http1Framer) prelude(c *conn, f *flow, b []byte) (rest []byte, done bool) {
	whole, held := b, 0
	if h := f.h; h != nil && h.prelude {
		held = h.buf.size
		whole = append(h.buf.appendTo(make([]byte, 0, held+len(b))), b...)
	}
	n, client := http1.Proxy(whole)
	if n < 0 {
		h := fr.to.halfOf(c, f)
		h.prelude = true
		fr.to.add(&h.partial, b)
		f.next = f.next.plus(len(b))
		return nil, false
	}
	c.proxied = true
	f.next = f.next.plus(n - held)
	if held > 0 {
		f.h.prelude = false
		fr.to.drop(&f.h.partial)
	}
	if n > 0 {
		c.client = client.Addr()
		if f.mode == modeJoining {
			f.mode = modeFraming
		}
	}
	return whole[n:], true
}

// preludes reports whether b may be a part of a PROXY protocol header.
func (f *flow) preludes(c *conn, b []byte) bool {
	if !f.fresh || f.response || c.proxied || f.mode != modeFraming && f.mode != modeJoining {
		return false
	}
	if f.h != nil {
		return f.h.prelude || !f.h.open && (b[0] == 'P' || b[0] == '\r')
	}
	return b[0] == 'P' || b[0] == '\r'
}
