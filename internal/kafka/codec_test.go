package kafka

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/buger/gor/internal/payload"
)

// goreplayJSON is what GoReplay 1.x writes for goreplayRequest.
const (
	goreplayRequest = "1 8e091765ae902fef8a2b7d9d960e9d52222bd8c1 1512478543000000000 0\nPOST /a?b=1 HTTP/1.1\r\nHost: example.com\r\nX-A: 1\r\nx-a: <2>\r\nContent-Length: 7\r\n\r\na=1&b=2"
	goreplayJSON    = `{"Req_URL":"/a?b=1","Req_Type":"1","Req_ID":"8e091765ae902fef8a2b7d9d960e9d52222bd8c1","Req_Ts":"1512478543000000000","Req_Method":"POST","Req_Body":"a=1\u0026b=2","Req_Headers":{"Content-Length":"7","Host":"example.com","X-A":"1, \u003c2\u003e"}`
)

// What GoReplay writes in JSON is what is written here, with Req_Raw behind it.
func TestGoReplayJSON(t *testing.T) {
	got, err := encodeJSON([]byte(goreplayRequest))
	if want := goreplayJSON + `,"Req_Raw":"` + base64.StdEncoding.EncodeToString([]byte(goreplayRequest)) + `"}`; err != nil || string(got) != want {
		t.Errorf("%v\ngot  %s\nwant %s", err, got, want)
	}
	back, err := decode(got, 1<<20)
	if err != nil || string(back) != goreplayRequest {
		t.Errorf("%q, %v", back, err)
	}
	// Without Req_Raw it is put together from the fields, and says so.
	back, err = decode([]byte(goreplayJSON+"}"), 1<<20)
	want := "1 8e091765ae902fef8a2b7d9d960e9d52222bd8c1 1512478543000000000 -1 82 o=kafka\nPOST /a?b=1 HTTP/1.1\r\nContent-Length: 7\r\nHost: example.com\r\nX-A: 1, <2>\r\n\r\na=1&b=2"
	if err != nil || string(back) != want {
		t.Errorf("%v\ngot  %q\nwant %q", err, back, want)
	}
}

func TestJSONKeepsEveryByte(t *testing.T) {
	var all []byte
	for i := range 256 {
		all = append(all, byte(i))
	}
	msg := append([]byte("1 00112233445566778899aabb 1512478543000000000 5\nPOST / HTTP/1.1\r\nContent-Length: 256\r\n\r\n"), all...)
	value, err := encodeJSON(msg)
	if err != nil || !json.Valid(value) {
		t.Fatalf("%s: %v", value, err)
	}
	if back, err := decode(value, 1<<20); err != nil || !bytes.Equal(back, msg) {
		t.Errorf("%q, %v", back, err)
	}
	// GoReplay's own form cannot: at least the length is right.
	var o map[string]any
	if err := json.Unmarshal(value, &o); err != nil {
		t.Fatal(err)
	}
	delete(o, "Req_Raw")
	value, _ = json.Marshal(o)
	back, err := decode(value, 1<<20)
	if body := payload.Body(back); err != nil || !bytes.Contains(body, fmt.Appendf(nil, "Content-Length: %d\r\n", len(body)-bytes.Index(body, []byte("\r\n\r\n"))-4)) {
		t.Errorf("%q, %v", back, err)
	}
}

func TestDecode(t *testing.T) {
	const head = "1 00112233445566778899aabb 1512478543000000000 5"
	const get = "GET / HTTP/1.1\r\n\r\n"
	raw := func(s string) string { return `{"Req_Raw":"` + base64.StdEncoding.EncodeToString([]byte(s)) + `"}` }
	for _, tt := range []struct {
		name, value, want string
		err               error
	}{
		{"text", head + "\n" + get, head + "\n" + get, nil},
		{"three fields", "1 ab 15\n" + get, "1 ab 15\n" + get, nil},
		{"attributes", head + " 18 o=har a=1.2.3.4:5\n" + get, head + " 18 o=har a=1.2.3.4:5\n" + get, nil},
		{"stale length", head + " 99 o=har\n" + get, head + " 18 o=har\n" + get, nil},
		{"torn", head + " 18\n" + get[:10], "", errDamaged},
		{"response", "2 ab 1512478543000000000 5\nHTTP/1.1 200 OK\r\n\r\n", "2 ab 1512478543000000000 5\nHTTP/1.1 200 OK\r\n\r\n", nil},
		{"not answered", "3 ab 1512478543000000000 5 0 e=timeout\n", "3 ab 1512478543000000000 5 0 e=timeout\n", nil},
		{"newer type", "9 ab 15 5\n{}", "", errNewer},
		{"damaged header", "1 ab zz\n" + get, "", errDamaged},
		{"no line end", "1 ab 15", "", errDamaged},
		{"bare request", get, "", errForeign},
		{"empty", "", "", errForeign},
		{"log line", "2026-11-27 INFO started", "", errForeign},
		{"another's JSON", `{"level":"info"}`, "", errForeign},
		{"torn JSON", `{"Req_URL":"/`, "", errDamaged},
		{"raw", raw(head + "\n" + get), head + "\n" + get, nil},
		{"raw that is none", raw("hello"), "", errForeign},
		{"raw response", raw("2 ab 15 5\nHTTP/1.1 200 OK\r\n\r\n"), "2 ab 15 5\nHTTP/1.1 200 OK\r\n\r\n", nil},
		{"JSON response", `{"Req_URL":"200","Req_Type":"2","Req_ID":"ab","Req_Ts":"15","Req_Method":"HTTP/1.1"}`, "", errNoRaw},
		{"JSON newer", `{"Req_URL":"/","Req_Type":"5","Req_ID":"ab","Req_Ts":"15","Req_Method":"GET"}`, "", errNewer},
		{"no headers", `{"Req_URL":"/","Req_Type":"1","Req_ID":"ab","Req_Ts":"15","Req_Method":"GET","Req_Headers":null}`, "1 ab 15 -1 18 o=kafka\n" + get, nil},
		{"chunked stays", `{"Req_URL":"/","Req_Type":"1","Req_ID":"ab","Req_Ts":"15","Req_Method":"POST","Req_Body":"0\r\n\r\n","Req_Headers":{"Transfer-Encoding":"chunked"}}`,
			"1 ab 15 -1 52 o=kafka\nPOST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", nil},
		{"order of headers", `{"Req_URL":"/","Req_Type":"1","Req_ID":"ab","Req_Ts":"15","Req_Method":"GET","Req_Headers":{"Z":"1","A":"2"}}`,
			"1 ab 15 -1 30 o=kafka\nGET / HTTP/1.1\r\nZ: 1\r\nA: 2\r\n\r\n", nil},
		{"header with a line end", `{"Req_URL":"/","Req_Type":"1","Req_ID":"ab","Req_Ts":"15","Req_Method":"GET","Req_Headers":{"A":"1\r\nHost: evil"}}`, "", errDamaged},
		{"URL with a space", `{"Req_URL":"/ HTTP/1.1\r\nA: b","Req_Type":"1","Req_ID":"ab","Req_Ts":"15","Req_Method":"GET"}`, "", errDamaged},
		{"no method", `{"Req_URL":"/","Req_Type":"1","Req_ID":"ab","Req_Ts":"15"}`, "", errDamaged},
		{"id with a line end", `{"Req_URL":"/","Req_Type":"1","Req_ID":"a\nb","Req_Ts":"15","Req_Method":"GET"}`, "", errDamaged},
		{"header that is a number", `{"Req_Type":"1","Req_ID":"ab","Req_Headers":{"A":1}}`, "", errDamaged},
		{"too large", head + "\n" + strings.Repeat("x", 2000), "", errTooBig},
	} {
		got, err := decode([]byte(tt.value), 1000)
		if string(got) != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%s: %q, %v; want %q, %v", tt.name, got, err, tt.want, tt.err)
		}
	}
}

// A rewritten body has another length than the header says: nothing is copied where
// they agree.
func TestEncodeText(t *testing.T) {
	for in, want := range map[string]string{
		"1 ab 15 5\nGET":       "1 ab 15 5\nGET",
		"1 ab 15 5 3 o=x\nGET": "1 ab 15 5 3 o=x\nGET",
		"1 ab 15 5 9 o=x\nGET": "1 ab 15 5 3 o=x\nGET",
		"hello":                "",
	} {
		if got, err := encodeText(nil, []byte(in)); string(got) != want || (err != nil) != (want == "") {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	msg := []byte("1 ab 15 5\nGET / HTTP/1.1\r\n\r\n")
	if n := testing.AllocsPerRun(100, func() { _, _ = encodeText(nil, msg); _, _ = decode(msg, 1000) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkText(b *testing.B) {
	msg := message(1, 2, baseTime)
	b.SetBytes(int64(len(msg)))
	for b.Loop() {
		value, _ := encodeText(nil, msg)
		if _, err := decode(value, 1<<20); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkJSON(b *testing.B) {
	msg := message(1, 2, baseTime)
	b.SetBytes(int64(len(msg)))
	for b.Loop() {
		value, _ := encodeJSON(msg)
		if _, err := decode(value, 1<<20); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{goreplayRequest, goreplayJSON + "}", `{"Req_Raw":"MSBhYiAxNSA1CkdFVA=="}`, "3 ab 1512478543000000000 5 0 e=timeout\n", "1 ab 15 5 9 o=x\nGET / HTTP/1.1\r\n\r\n", `{"Req_Type":"1","Req_Headers":{"A":{}}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		const limit = 1 << 16
		msg, err := decode(value, limit)
		if err != nil {
			return
		}
		meta, body, err := payload.Split(msg)
		if err != nil || len(body) > limit || meta.Type > payload.ReplayResponse {
			t.Fatalf("%q gives %q", value, msg)
		}
		// What was read once is written and read the same.
		for _, form := range []func() ([]byte, error){
			func() ([]byte, error) { return encodeText(nil, msg) },
			func() ([]byte, error) { return encodeJSON(msg) },
		} {
			again, err := form()
			if err != nil {
				t.Fatalf("%q: %v", msg, err)
			}
			if back, err := decode(again, limit); err != nil || !bytes.Equal(back, msg) {
				t.Fatalf("%q became %q, %v", msg, back, err)
			}
		}
	})
}
