package formats

import (
	"io"

	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/stats"
)

// An ordered reader gives messages by time, as far as a bounded window allows:
// servers log when they have answered, and browsers export what began first
// last.
type ordered struct {
	src    Reader
	window *pace.Reorder
	err    error
}

const (
	// orderMessages and orderBytes bound what is held to put late messages in
	// order: at 1,000 requests a second, answers that took eight seconds; half as long when they have a kilobyte each.
	orderMessages = 8192
	orderBytes    = 4 << 20
)

func inOrder(src Reader) Reader {
	return &ordered{src: src, window: pace.NewReorder(orderMessages, orderBytes)}
}

func (o *ordered) Next() ([]byte, error) {
	for o.err == nil && !o.window.Full() {
		msg, err := o.src.Next()
		if err != nil {
			o.err = err
			break
		}
		m, _, err := payload.Split(msg)
		if err != nil {
			o.err = err
			break
		}
		o.window.Push(m.Time, msg, 0)
	}
	if msg, _, ok := o.window.Pop(); ok {
		return msg, nil
	}
	if o.err == nil {
		o.err = io.EOF
	}
	return nil, o.err
}

func (o *ordered) Damage() payload.Damage { return o.src.Damage() }
func (o *ordered) Format() string         { return o.src.Format() }

// Counts adds how many messages were not in order.
func (o *ordered) Counts() []stats.Count {
	return append(o.src.Counts(),
		stats.Count{Name: "messages out of order", Kind: stats.Note, N: o.window.OutOfOrder()},
		stats.Count{Name: "messages too late for their place", Kind: stats.Note, N: o.window.Late()})
}
