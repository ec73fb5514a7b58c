package packettest

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
)

// Corpus names the capture files of the Zeek project, which lie beside the
// checkout, or skips the test.
func Corpus(t testing.TB) []string {
	t.Helper()
	for _, root := range []string{"../..", "../../.."} { // of a package, and of a room in it
		files, err := filepath.Glob(root + "/shared/corpora/zeek/traces/*")
		if err != nil {
			t.Fatal(err)
		}
		if len(files) > 0 {
			return files
		}
	}
	t.Skip("the corpora are not beside the checkout: ../shared/corpora/zeek/traces")
	return nil
}

// EthernetFrames are the first frames of a classic capture file of Ethernet,
// none of other files, as far as they are whole.
func EthernetFrames(t testing.TB, path string, most int) (frames [][]byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const fileHeader, packetHeader, ethernet = 24, 16, 1
	if len(b) < fileHeader {
		return nil
	}
	var order binary.ByteOrder
	switch binary.LittleEndian.Uint32(b) {
	case 0xA1B2C3D4, 0xA1B23C4D:
		order = binary.LittleEndian
	case 0xD4C3B2A1, 0x4D3CB2A1:
		order = binary.BigEndian
	default:
		return nil
	}
	if order.Uint32(b[20:])&0xFFFF != ethernet {
		return nil
	}
	for b = b[fileHeader:]; len(b) >= packetHeader && len(frames) < most; {
		end := packetHeader + int(order.Uint32(b[8:]))
		if end > len(b) {
			break
		}
		frames = append(frames, b[packetHeader:end:end])
		b = b[end:]
	}
	return frames
}
