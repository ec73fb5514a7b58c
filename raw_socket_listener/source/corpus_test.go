package source

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/buger/gor/raw_socket_listener/packet"
	"github.com/buger/gor/raw_socket_listener/packettest"
)

// testdata/corpus.tsv says what is in each capture file of the corpus: packets,
// TCP segments, bytes of payload, and a checksum of all fields of the segments.
// It was written when every packet had been read as gopacket 1.1.19 reads it,
// apart from GTP, which it knows, and from IPv6 packets in one fragment, behind
// whose fragment header it does not look.
func TestCorpusSegments(t *testing.T) {
	files := packettest.Corpus(t)
	table, err := os.ReadFile("testdata/corpus.tsv")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for lines := bufio.NewScanner(bytes.NewReader(table)); lines.Scan(); {
		name, _, _ := strings.Cut(lines.Text(), "\t")
		want[name] = lines.Text()
	}
	for _, path := range files {
		name := filepath.Base(path)
		got, err := describeCapture(path)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		got = name + "\t" + got
		if got != want[name] {
			t.Errorf("got  %s\nwant %s", got, want[name])
		}
	}
}

func describeCapture(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	c, err := newCaptureReader(f)
	if err != nil {
		return "", err
	}
	packets, segments, payload := 0, 0, 0
	sum := crc32.NewIEEE()
	for {
		p, err := c.next()
		if err != nil {
			line := fmt.Sprintf("%d\t%d\t%d\t%08x", packets, segments, payload, sum.Sum32())
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				err = nil
			}
			return line, err
		}
		packets++
		s := packet.Segment{Time: p.time}
		if packet.DecodeLink(p.link, p.data, p.wire, &s) != packet.Decoded {
			continue
		}
		segments++
		payload += len(s.Payload)
		var b []byte
		for _, a := range []interface{ AppendBinary([]byte) ([]byte, error) }{s.Src, s.Dst} {
			b, _ = a.AppendBinary(b)
		}
		b = binary.BigEndian.AppendUint64(b, uint64(s.Time))
		b = binary.BigEndian.AppendUint32(b, s.Seq)
		b = binary.BigEndian.AppendUint32(b, s.Ack)
		b = append(b, byte(s.Flags), byte(s.Window>>8), byte(s.Window))
		b = binary.BigEndian.AppendUint32(b, uint32(s.Missing))
		_, _ = sum.Write(append(b, s.Payload...))
	}
}
