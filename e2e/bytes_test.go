package e2e

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/testkit"
)

// variedRequest is one of many that have little in common but a Host line and
// an X-Number: methods, targets, spelling and spacing of headers, line ends,
// folded and repeated fields, framing and content of bodies.
func variedRequest(random *rand.Rand, i int) []byte {
	pick := func(list ...string) string { return list[random.IntN(len(list))] }
	end := pick("\r\n", "\r\n", "\r\n", "\n")
	var b bytes.Buffer
	target := pick("/", "/a/b/c", "/%41%zz", "//double//slash", "/q?a=1&b=%20&c", "/?", "/\xc3\xa9\xff", "/;p=1/../x", "/a|b^c`d{e}", "/"+strings.Repeat("long/", random.IntN(300)))
	fmt.Fprintf(&b, "%s %s HTTP/1.1%s", pick("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "M-SEARCH", "x!#$%&'*+-.^_`|~"), target, end)
	fields := []string{pick("Host: ", "host:", "HOST:\t") + "prod.example.com", fmt.Sprintf("X-Number: %d", i)}
	for range random.IntN(20) {
		name := pick("Accept", "accept", "ACCEPT", "X-Empty", "Cookie", "cookie", "User-Agent", "X_Under", "x-"+strings.Repeat("n", 1+random.IntN(60)))
		value := pick("", " ", " plain", "  spaces before", "\ttab", " trailing  \t", " a, b ,,c", " \"quoted, string\"", " k=v; k2=v2", " h\xe9\xff", " "+strings.Repeat("v", random.IntN(2000)), " folded"+end+"  to here")
		fields = append(fields, name+":"+value)
	}
	var body []byte
	content := testkit.RandomBytes(random, random.IntN([]int{1, 100, 1000, 20_000}[random.IntN(4)]))
	switch random.IntN(4) {
	case 0: // no body
	case 1, 2:
		fields = append(fields, pick("Content-Length: ", "content-length:", "CONTENT-LENGTH:   ")+fmt.Sprint(len(content)))
		body = content
	default:
		fields = append(fields, pick("Transfer-Encoding: chunked", "transfer-encoding:  Chunked"))
		for len(content) > 0 {
			n := min(len(content), 1+random.IntN(5000))
			body = fmt.Appendf(body, pick("%x", "%X", "0%x")+pick("", ";ext", ";a=\"b\"")+"\r\n%s\r\n", n, content[:n])
			content = content[n:]
		}
		body = append(body, pick("0\r\n\r\n", "000\r\n\r\n", "0;last\r\n\r\n", "0\r\nTrailer: x\r\nother:y\r\n\r\n")...)
	}
	random.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
	b.WriteString(strings.Join(fields, end) + end + end)
	b.Write(body)
	return b.Bytes()
}

// TestReplayKeepsBytes: 10,000 requests arrive as they were recorded, byte for
// byte, but for the value of Host.
func TestReplayKeepsBytes(t *testing.T) {
	const n = 10_000
	random := rand.New(rand.NewPCG(8, 9))
	requests := make([][]byte, n)
	for i := range requests {
		requests[i] = variedRequest(random, i)
	}
	file := testkit.WriteFile(t, filepath.Join(t.TempDir(), "in.gor"), testkit.Recording(requests, make([]time.Duration, n)))
	for _, test := range []struct {
		name string
		args []string
		host string
	}{
		{"kept host", []string{"--http-original-host"}, "prod.example.com"},
		{"target's host", nil, ""},
		{"sessions", []string{"--http-original-host", "--recognize-tcp-sessions"}, "prod.example.com"},
	} {
		t.Run(test.name, func(t *testing.T) {
			target := testkit.StartSink(t)
			host := test.host
			if host == "" {
				host = target.Addr()
			}
			code, said := testkit.RunGor(t, append([]string{"--input-file", file + "|max", "--output-http", target.Addr(), "--on-full", "wait"}, test.args...)...)
			if code != 0 {
				t.Fatalf("exit %d:\n%s", code, said)
			}
			want := make([][]byte, n)
			for i, raw := range requests {
				want[i] = bytes.Replace(raw, []byte("prod.example.com"), []byte(host), 1)
			}
			got := testkit.Raws(target.Arrivals())
			if test.host == "" {
				// How much space stands before the new value is ours to choose.
				for _, list := range [][][]byte{got, want} {
					for i, raw := range list {
						list[i] = oneSpaceHost(raw)
					}
				}
			}
			testkit.WantSame(t, got, slices.Clone(want))
			testkit.WantSums(t, said)
		})
	}
}

// oneSpaceHost puts one space before the value of Host.
func oneSpaceHost(raw []byte) []byte {
	for _, name := range []string{"\nHost: ", "\nhost:", "\nHOST:\t"} {
		if i := bytes.Index(raw, []byte(name)); i >= 0 {
			value := i + len("\nhost:")
			return slices.Concat(raw[:value], []byte{' '}, bytes.TrimLeft(raw[value:], " \t"))
		}
	}
	return raw
}
