package rawsocket

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/buger/gor/raw_socket_listener/assemble"
	"github.com/buger/gor/raw_socket_listener/packet"
	"github.com/buger/gor/raw_socket_listener/source"
)

// A NothingError says that no message came of a capture file that was read to its
// end.
type NothingError struct {
	Why  string   // what its packets are instead
	Hint []string // what else is in it, and what to do, the most useful first; may be empty
}

func (e *NothingError) Error() string {
	return strings.Join(append([]string{"nothing was captured: " + e.Why}, e.Hint...), "; ")
}

// nothing is an error when a capture file, whose packets have all been read, gave
// no message.
func (l *Listener) nothing() error {
	s := l.Stats()
	if l.survey == nil || l.closed.Load() || s.Emitted() > 0 {
		return nil
	}
	return &NothingError{l.notes.why(&s), l.survey.FileLines()}
}

// why says what became of the packets of a capture file.
func (n *notices) why(s *Stats) string {
	src := &s.Source
	packets := source.Counted(src.Received, "packet")
	var rows []string
	switch {
	case src.Received == 0:
		return "there is no packet in it"
	case src.Ignored[packet.IgnoredFilter] == src.Received:
		return fmt.Sprintf("--input-raw-bpf-filter leaves out all of its %s", packets)
	case src.Ignored[packet.IgnoredVLAN] == src.Received:
		return fmt.Sprintf("all of its %s are of a VLAN, or of none, that --input-raw-vlan or --input-raw-vlan-vid leaves out", packets)
	case src.Segments == 0 && src.Ignored[packet.IgnoredOther] > 0:
		rows = append(rows, fmt.Sprintf("none of its %s goes to %s", packets, portWords(n.cfg.Address.Ports)))
	case src.Segments == 0:
		rows = append(rows, fmt.Sprintf("none of its %s is TCP that can be read", packets))
	case s.Starts > 0:
		rows = append(rows, fmt.Sprintf("%s begun, of which none is whole", source.Counted(s.Starts, "message")))
		for k := assemble.NotLost + 1; k < assemble.LossKinds; k++ {
			if lost := s.Lost[k]; lost > 0 {
				rows = append(rows, fmt.Sprintf("%d lost: %s", lost, k))
			}
		}
	default:
		rows = append(rows, fmt.Sprintf("no request in its %s of TCP", source.Counted(src.Segments, "packet")))
	}
	for _, row := range [...]struct {
		n    uint64
		text string
	}{
		{s.TLS, "%s with TLS"}, {s.HTTP2, "%s with HTTP/2"}, {s.Excluded, "%s of Gor's own"},
	} {
		if row.n > 0 {
			rows = append(rows, fmt.Sprintf(row.text, source.Counted(row.n, "connection")))
		}
	}
	if k := src.Ignored[packet.IgnoredFilter]; k > 0 {
		rows = append(rows, fmt.Sprintf("%s left out by --input-raw-bpf-filter", source.Counted(k, "packet")))
	}
	return strings.Join(rows, ", ")
}

// portWords names the captured ports for people.
func portWords(ports []uint16) string {
	if len(ports) == 0 {
		return "any port"
	}
	words := make([]string, len(ports))
	for i, port := range ports {
		words[i] = strconv.Itoa(int(port))
	}
	if last := len(words) - 1; last > 0 {
		return "the ports " + strings.Join(words[:last], ", ") + " and " + words[last]
	}
	return "port " + words[0]
}
