package main

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"

	"github.com/buger/gor/internal/payload"
)

// A request is what a rule can look at, before it is bytes.
type request struct {
	method, target, version, user, auth string
}

const host = "www.example.com"

var agents = [...]string{
	"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
	"okhttp/4.12.0",
	"curl/8.4.0",
}

// mix makes requests of 200 to 800 bytes, as an application programming
// interface gets them; the same ones each time.
type mix struct{ random *rand.Rand }

func newMix() *mix { return &mix{rand.New(rand.NewPCG(1, 2))} }

func (m *mix) next() request {
	r := request{
		method:  "GET",
		target:  fmt.Sprintf("/v1/user/%d/item?page=%d&q=abc", m.random.IntN(100_000), m.random.IntN(50)),
		version: fmt.Sprintf("v1.%d", m.random.IntN(10)),
		user:    fmt.Sprint(m.random.IntN(1_000_000)),
		auth:    fmt.Sprintf("user%d:secret", m.random.IntN(1000)),
	}
	if m.random.IntN(10) == 0 {
		r.method = "POST"
	}
	return r
}

func (m *mix) append(dst []byte, r request) []byte {
	dst = fmt.Appendf(dst, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate\r\nuser-id: %s\r\napi-version: %s\r\nAuthorization: Basic %s\r\n",
		r.method, r.target, host, agents[m.random.IntN(len(agents))], r.user, r.version, base64.StdEncoding.EncodeToString([]byte(r.auth)))
	if m.random.IntN(2) == 0 {
		dst = fmt.Appendf(dst, "Cookie: session=%032x; theme=dark\r\n", m.random.Uint64())
	}
	body := 0
	if r.method == "POST" {
		body = 20 + m.random.IntN(400)
		dst = fmt.Appendf(dst, "Content-Type: application/json\r\nContent-Length: %d\r\n", body)
	}
	dst = append(dst, "\r\n"...)
	return append(dst, strings.Repeat("x", body)...)
}

// writeMix writes a recording of n requests and returns its size, with the
// first few requests.
func writeMix(name string, n, few int) (size int64, first []request, err error) {
	f, err := os.Create(name)
	if err != nil {
		return 0, nil, err
	}
	defer f.Close() // again, after an error
	w := bufio.NewWriterSize(f, 1<<20)
	m := newMix()
	var msg, out []byte
	for i := range n {
		r := m.next()
		if i < few {
			first = append(first, r)
		}
		msg = payload.AppendMeta(msg[:0], payload.Meta{
			Type: payload.Request, ID: payload.AppendID(nil, uint64(i/10), uint32(i%10)),
			Time: 1_700_000_000_000_000_000 + int64(i)*1000, Length: -1,
		})
		msg = m.append(msg, r)
		out = payload.AppendRecord(out[:0], msg)
		size += int64(len(out))
		if _, err := w.Write(out); err != nil {
			return 0, nil, err
		}
	}
	return size, first, errors.Join(w.Flush(), f.Close())
}
