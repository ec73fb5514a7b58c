package source

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// maxCaptureWindow is how much of what it decompressed zstd may look back at:
// what --ultra needs. More takes memory that a capture does not have.
const maxCaptureWindow = 32 << 20

// isGzip wants the reserved flags to be 0 (RFC 1952 section 2.3.1). With them
// the bytes would be the time of a packet, of the years after 1987.
func isGzip(b []byte) bool {
	return len(b) >= 4 && string(b[:3]) == "\x1f\x8b\x08" && b[3]&0xe0 == 0
}

// decompress goes into compressed data, if that begins here.
func (c *captureReader) decompress(magic []byte) (bool, error) {
	switch {
	case isGzip(magic):
		z, err := gzip.NewReader(c.r)
		if err != nil {
			return false, fmt.Errorf("decompress: %w", unexpected(err))
		}
		z.Multistream(false)
		c.into(&gzipMembers{z, c.r}, func() {})
	case string(magic) == "\x28\xb5\x2f\xfd":
		z, err := zstd.NewReader(c.r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxCaptureWindow))
		if err != nil {
			return false, fmt.Errorf("decompress: %w", err)
		}
		c.into(zstdReader{z}, z.Close)
	default:
		return false, nil
	}
	return true, nil
}

func (c *captureReader) into(r io.Reader, done func()) {
	c.under, c.done, c.form = c.r, done, formUnknown
	c.r = bufio.NewReaderSize(r, fileBuffer)
}

// unexpected is err, where the end of the file would cut something.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// gzipMembers reads members that follow one another, as pigz and bgzip write
// them, and ends before anything else.
type gzipMembers struct {
	z     *gzip.Reader
	under *bufio.Reader
}

func (g *gzipMembers) Read(p []byte) (int, error) {
	for {
		n, err := g.z.Read(p)
		if n > 0 || err == nil {
			return n, nil // a sticky error comes again
		}
		if !errors.Is(err, io.EOF) {
			return 0, err
		}
		magic, _ := g.under.Peek(4)
		if !isGzip(magic) {
			return 0, io.EOF
		}
		if err := g.z.Reset(g.under); err != nil {
			return 0, unexpected(err)
		}
		g.z.Multistream(false)
	}
}

// zstdReader explains what a decoder says.
type zstdReader struct{ *zstd.Decoder }

func (z zstdReader) Read(p []byte) (int, error) {
	n, err := z.Decoder.Read(p)
	switch {
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		err = fmt.Errorf("it was compressed with a window of more than %d bytes: pipe it, zstd -dc --long=31 x.zst | gor --input-raw -: %w", maxCaptureWindow, err)
	case errors.Is(err, zstd.ErrMagicMismatch):
		err = fmt.Errorf("%w: behind what zstd compressed is something else", errDamaged)
	}
	return n, err
}

// foreignFiles are what people take for a capture, by how it begins, and what
// to do instead.
var foreignFiles = [...]struct{ magic, name, instead string }{
	{"\xfd7zXZ\x00", "an xz file", "pipe it: xz -dc FILE | gor --input-raw -"},
	{"BZh", "a bzip2 file", "pipe it: bzip2 -dc FILE | gor --input-raw -"},
	{"\x04\x22\x4d\x18", "an lz4 file", "pipe it: lz4 -dc FILE | gor --input-raw -"},
	{"\x1f\x9d", "a file of compress", "pipe it: uncompress -c FILE | gor --input-raw -"},
	{"PK\x03\x04", "a zip archive", "pipe it: unzip -p FILE | gor --input-raw -"},
	{"snoop\x00\x00\x00", "a capture of snoop", "convert it: editcap -F pcap FILE x.pcap"},
	{"GMBU", "a capture of Network Monitor", "convert it: editcap -F pcap FILE x.pcap"},
	{"RTSS", "a capture of Network Monitor", "convert it: editcap -F pcap FILE x.pcap"},
	{"TRSNIFF data", "a capture of Sniffer", "convert it: editcap -F pcap FILE x.pcap"},
	{"XCP\x00", "a capture of Sniffer", "convert it: editcap -F pcap FILE x.pcap"},
	{"\x1c\x00\x01\xac", "a capture of IXIA's hardware", "convert it: editcap -F pcap FILE x.pcap"},
	{"\x1c\x00\x01\xab", "a capture of IXIA's software", "convert it: editcap -F pcap FILE x.pcap"},
}

// foreign says what begins here and is not a capture file that Gor reads.
func (c *captureReader) foreign() error {
	b, err := c.r.Peek(16)
	for _, f := range foreignFiles {
		if strings.HasPrefix(string(b), f.magic) {
			return fmt.Errorf("it is %s, which Gor does not read: %s", f.name, f.instead)
		}
	}
	if isGzip(b) || strings.HasPrefix(string(b), "\x28\xb5\x2f\xfd") {
		return errors.New("it is compressed twice: pipe it through the outer decompressor")
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("it is neither a pcap nor a pcapng file: %w", err)
	}
	return errors.New("it is neither a pcap nor a pcapng file")
}
