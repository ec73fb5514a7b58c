package formats

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/buger/gor/internal/formats/curl"
	"github.com/buger/gor/internal/formats/har"
	"github.com/buger/gor/internal/formats/jsonlines"
	"github.com/buger/gor/internal/formats/message"
	"github.com/buger/gor/internal/formats/pcapout"
)

// A Live makes what stands in a file of a kind that is not a recording, while the
// messages come. It serves one file: what it gives goes to its end.
type Live struct {
	kind   Kind
	append func(dst, msg []byte) ([]byte, message.Fate) // valid iff kind is Curl or JSONLines
	har    *har.Live
	pcap   *pcapout.Live
	fresh  bool // the file has no byte yet
}

// NewLive returns the Live of a file that holds a number of bytes which CanContinue
// allowed. No kind but HAR, Curl, JSONLines and Pcap has one.
func NewLive(kind Kind, holds int64) *Live {
	l := &Live{kind: kind, fresh: holds == 0}
	switch kind {
	case HAR:
		l.har = har.NewLive(holds > int64(len(har.Head)+len(har.Tail)))
	case Curl:
		l.append = curl.NewWriter(nil).Append
	case JSONLines:
		l.append = jsonlines.NewWriter(nil).Append
	case Pcap:
		l.pcap = pcapout.NewLive(holds)
	}
	return l
}

// Encode appends what stands in the file for a batch, and says of each message what
// became of it. What has the fate Waits is to be given again, first of the next
// batch; with all nothing waits.
func (l *Live) Encode(dst []byte, batch []message.Pending, all bool) []byte {
	from := len(dst)
	switch l.kind {
	case HAR:
		dst = l.har.Encode(dst, batch, all)
	case Pcap:
		dst = l.pcap.Encode(dst, batch)
	default:
		for i := range batch {
			dst, batch[i].Fate = l.append(dst, batch[i].Msg)
			batch[i].End = len(dst)
		}
	}
	l.fresh = l.fresh && len(dst) == from
	return dst
}

// Head returns what begins a file that got no message, so that it is one of its
// kind. It is empty once Encode gave anything.
func (l *Live) Head() []byte {
	switch {
	case !l.fresh:
		return nil
	case l.kind == HAR:
		return []byte(har.Head)
	case l.kind == Pcap:
		return l.pcap.Encode(nil, nil)
	}
	return nil
}

// Tail returns what stands behind all that Encode gives. More replaces it.
func (k Kind) Tail() string {
	if k == HAR {
		return har.Tail
	}
	return ""
}

// Most returns how many bytes a message adds to a file, at most where that is known
// before its codings are taken off.
func (k Kind) Most(msg []byte) int {
	// A line of a header has 24 bytes more in a HAR, 7 in JSON lines, and a control
	// character is six bytes in JSON; what is not UTF-8 grows by a third.
	const lineOverhead = 1 << 10
	switch k {
	case Pcap:
		return pcapout.Most(len(msg))
	case HAR:
		return 7*len(msg) + lineOverhead
	case JSONLines, Curl:
		return 6*len(msg) + lineOverhead
	}
	return len(msg)
}

// foreign says that a file of another program is not appended to.
func foreign(k Kind) error { return fmt.Errorf("is %v that Gor did not write", k) }

// ContinueHead is how many bytes of a file's beginning and end CanContinue needs.
const ContinueHead = 1 << 10

// CanContinue returns an error that says why no message can be appended to a file of
// size bytes, if so. head and tail are its first and last ContinueHead bytes. A
// capture has to be read by ContinueCapture in its place.
func (k Kind) CanContinue(head, tail []byte, size int64) error {
	switch k {
	case HAR:
		if !bytes.HasPrefix(head, []byte(har.Head)) {
			return foreign(k)
		}
		if !bytes.HasSuffix(tail, []byte(har.Tail)) || size < int64(len(har.Head)+len(har.Tail)) {
			return errors.New("is HAR that was cut")
		}
		return nil
	case JSONLines:
		if !bytes.HasPrefix(head, []byte(`{"time":"`)) {
			return foreign(k)
		}
	case Curl:
		text := bytes.TrimSpace(head)
		for bytes.HasPrefix(text, []byte("#")) {
			_, text, _ = bytes.Cut(text, []byte("\n"))
			text = bytes.TrimSpace(text)
		}
		if len(text) > 0 && !bytes.HasPrefix(text, []byte("curl ")) {
			return errors.New("does not begin with a curl command")
		}
		if bytes.HasSuffix(bytes.TrimRight(tail, "\r\n"), []byte(`\`)) {
			return errors.New("ends in a line that goes on")
		}
	}
	if !bytes.HasSuffix(tail, []byte("\n")) {
		return errors.New("ends in the middle of a line")
	}
	return nil
}

// ContinueCapture reads a capture to find out whether packets can be appended.
func ContinueCapture(r io.Reader) error { return pcapout.Whole(r) }

// stdout is standard output as a file.
const stdout = "/dev/stdout"

// OutputPath returns the kind and the name of a file that messages are appended to,
// without its prefix; - is standard output. A suffix that is a log's asks for nothing: there is no form of
// logs to write, and readers know a recording of such a name by what it holds.
func OutputPath(name string) (Kind, string, error) {
	kind, path, certain := Split(name)
	if path == "-" {
		path = stdout
	}
	if kind != Log {
		return kind, path, nil
	}
	if certain {
		return Recording, "", errors.New("cannot be an access log, which Gor reads and does not write; name a file such as requests.gor")
	}
	return Recording, path, nil
}
