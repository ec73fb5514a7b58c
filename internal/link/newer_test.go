package link

import (
	"fmt"
	"testing"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/stats"
)

// A newer sender's records are not damage: types that are not known are left
// out and acknowledged, attributes that are not known are handed on.
func TestNewerSender(t *testing.T) {
	const get = "GET / HTTP/1.1\r\n\r\n"
	messages := []string{
		"9 0 1 -1 2\n{}",
		"1 a 1 2 18 o=http\n" + get,
		"4 a 1 2 18\n" + get,
		"1 b 1 2 18 zz=1 o=har\n" + get,
		"1 c 1 2\n" + get,
	}
	want := []string{messages[1], messages[3], messages[4]}
	var plain []byte
	frames := appendHello(nil, Identity{1}, version)
	run := packedRun(t, messages)
	for i, msg := range messages {
		plain = append(append(plain, msg...), payload.Separator...)
		frames = appendFrame(frames, kindMessage, uint64(i+1), []byte(msg))
	}
	packed := appendFrame(appendHello(nil, Identity{2}, version), kindPacked, 1, run)
	for name, data := range map[string][]byte{"plain": plain, "acknowledged": frames, "compressed": packed} {
		t.Run(name, func(t *testing.T) {
			for _, piece := range []int{1, 1 << 20} {
				got, rows := receiveAll(data, piece)
				if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
					t.Errorf("got %q, want %q", got, want)
				}
				if rows[countNewer].N != 3 || stats.Sum(rows) != 3 {
					t.Errorf("counted %v, want 3 records of a newer Gor", rows)
				}
			}
		})
	}
}

func packedRun(t *testing.T, messages []string) []byte {
	t.Helper()
	p := newPacker()
	for _, msg := range messages {
		p.add([]byte(msg))
	}
	body := p.pack()
	if body == nil {
		t.Fatal("the run is no shorter when it is compressed")
	}
	return append([]byte(nil), body...)
}

// An edited recording that is sent with nc comes whole.
func TestEditedRecordsOnThePlainStream(t *testing.T) {
	const get = "GET / HTTP/1.1\r\n\r\n"
	data := "1 a 1 2  \r\n" + get + payload.Separator + "\n\r\n \n1 b 1 2 18 t=x \n" + get + payload.Separator + "\xEF\xBB\xBF1 c 1 2\n" + get + payload.Separator
	got, rows := receiveAll([]byte(data), 7)
	want := []string{"1 a 1 2\n" + get, "1 b 1 2 18 t=x\n" + get, "1 c 1 2\n" + get}
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) || stats.Sum(rows) != 0 {
		t.Errorf("got %q, want %q; counted %v", got, want, rows)
	}
}

func TestPlainStreamDropsAttributes(t *testing.T) {
	o := startOldReceiver(t)
	src := newTestSource()
	s := newTestSender(t, o.l.Addr().String(), src)
	src.ch <- []byte("1 a 1 2 18 o=http zz=1\nGET / HTTP/1.1\r\n\r\n")
	close(src.ch)
	s.awaitDone(t)
	if got := o.stop(); len(got) != 1 || string(got[0]) != "1 a 1 2\nGET / HTTP/1.1\r\n\r\n" {
		t.Errorf("got %q", got)
	}
}
