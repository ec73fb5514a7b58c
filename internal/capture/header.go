package capture

import (
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/stats"
	rawsocket "github.com/buger/gor/raw_socket_listener"
)

// A header writes the header lines of messages. The zero value is ready.
type header struct{ id []byte } // scratch

// appendTo appends the header line of m to dst.
func (h *header) appendTo(dst []byte, m *rawsocket.Message) []byte {
	h.id = payload.AppendID(h.id[:0], m.Conn, m.Ordinal)
	meta := payload.Meta{Type: payload.Request, ID: h.id, Time: m.Time, Duration: m.Duration, Length: -1}
	if m.Response {
		meta.Type = payload.Response
	}
	return payload.AppendMeta(dst, meta)
}

// packetCounts are the packets that no message was made of.
func packetCounts(s rawsocket.SourceStats) []stats.Count {
	counts := []stats.Count{{Name: "packets cut short", Kind: stats.Note, N: s.Cut}}
	for reason, n := range s.Ignored {
		counts = append(counts, stats.Count{Name: "packets ignored: " + rawsocket.IgnoreReason(reason).String(), Kind: stats.Note, N: n})
	}
	return counts
}
