package accesslog

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/formats/message"
	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/payload"
)

// given is a request as a test looks at it: its time, and its bytes with LF for
// line ends.
type given struct {
	at  string
	req string
}

func read(t testing.TB, cfg Config, log string) ([]given, *Reader, error) {
	t.Helper()
	r, err := New(strings.NewReader(log), cfg)
	if err != nil {
		t.Fatal(err)
	}
	var all []given
	for {
		msg, err := r.Next()
		if err == io.EOF {
			return all, r, nil
		}
		if err != nil {
			return all, r, err
		}
		m, body, err := payload.Split(msg)
		if err != nil || m.Type != payload.Request || int(m.Length) != len(body) {
			t.Fatalf("%q: %v", msg, err)
		}
		if v, _ := m.Attribute(payload.AttrOrigin); string(v) != "log" {
			t.Fatalf("%q: not marked as built from a log", msg)
		}
		all = append(all, given{time.Unix(0, m.Time).UTC().Format("2006-01-02T15:04:05.999999999"), strings.ReplaceAll(string(body), "\r\n", "\n")})
	}
}

func count(r *Reader, prefix string) uint64 {
	for _, c := range r.Counts() {
		if strings.HasPrefix(c.Name, prefix) {
			return c.N
		}
	}
	return 0
}

const curl = "User-Agent: curl/7.88.1\n"

func TestFormats(t *testing.T) {
	for _, tt := range []struct {
		name, format, line string
		want               given
	}{
		{"combined", "", `203.0.113.7 - - [10/Oct/2025:13:55:36 -0700] "GET /a?b=c HTTP/1.1" 200 2326 "http://x.com/" "curl/7.88.1"`,
			given{"2025-10-10T20:55:36", "GET /a?b=c HTTP/1.1\nReferer: http://x.com/\n" + curl + "\n"}},
		{"nginx main, with more behind", "", `203.0.113.7 - bob [10/Oct/2025:13:55:36 +0000] "HEAD / HTTP/1.0" 200 0 "-" "curl/7.88.1" "10.0.0.1, 10.0.0.2"`,
			given{"2025-10-10T13:55:36", "HEAD / HTTP/1.0\n" + curl + "\n"}},
		{"common", "", `203.0.113.7 - - [10/Oct/2025:13:55:36 +0530] "DELETE /a HTTP/1.1" 204 -`,
			given{"2025-10-10T08:25:36", "DELETE /a HTTP/1.1\n\n"}},
		{"vhost_combined", "", `www.example.com:443 203.0.113.7 - - [10/Oct/2025:13:55:36 +0000] "GET / HTTP/2.0" 200 1 "-" "curl/7.88.1"`,
			given{"2025-10-10T13:55:36", "GET / HTTP/1.1\nHost: www.example.com\n" + curl + "\n"}},
		{"end minus duration", `$remote_addr [$msec] "$request" $status $request_time "$http_user_agent" $host`,
			`203.0.113.7 [1760104536.500] "GET / HTTP/1.1" 200 0.250 "curl/7.88.1" www.example.com`,
			given{"2025-10-10T13:55:36.25", "GET / HTTP/1.1\nHost: www.example.com\n" + curl + "\n"}},
		{"several upstreams", `$remote_addr $upstream_addr $upstream_response_time [$time_iso8601] $request_method $uri?$args $http_x_forwarded_for $http_x_api_key`,
			`203.0.113.7 10.0.0.1:80, 10.0.0.2:80 : 10.0.0.3:80 0.001, 0.002 : 0.003 [2025-10-10T13:55:36+00:00] GET /a?b=1 1.1.1.1, 2.2.2.2 k`,
			given{"2025-10-10T13:55:36", "GET /a?b=1 HTTP/1.1\nX-Forwarded-For: 1.1.1.1, 2.2.2.2\nX-Api-Key: k\n\n"}},
		{"the whole directive", "log_format main '$remote_addr [$time_local] '\n   '\"$request\"';", `1.2.3.4 [10/Oct/2025:13:55:36 +0000] "GET / HTTP/1.1"`,
			given{"2025-10-10T13:55:36", "GET / HTTP/1.1\n\n"}},
		{"JSON of nginx as a template", `{"t":"$time_iso8601","r":"$request","a":"$http_user_agent"}`, `{"t":"2025-10-10T13:55:36+00:00","r":"GET /\"x HTTP/1.1","a":"a\\b"}`,
			given{"2025-10-10T13:55:36", "GET /\"x HTTP/1.1\nUser-Agent: a\\b\n\n"}},
		{"nginx-json", "", `{"time_iso8601":"2025-10-10T13:55:36+00:00", "request":"GET /\u00e9 HTTP/1.1","host":"x","request_time":"0.5","http_user_agent":"curl/7.88.1"}`,
			given{"2025-10-10T13:55:35.5", "GET /é HTTP/1.1\nHost: x\n" + curl + "\n"}},
		{"Caddy", "", `{"level":"info","ts":1760104536.5,"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"127.0.0.1","remote_port":"41342","proto":"HTTP/2.0","method":"GET","host":"localhost","uri":"/x?y","headers":{"User-Agent":["curl/7.88.1"],"Accept":["*/*","a/b"]},"tls":{"resumed":false}},"bytes_read":0,"duration":0.25,"status":200}`,
			given{"2025-10-10T13:55:36.25", "GET /x?y HTTP/1.1\nHost: localhost\n" + curl + "Accept: */*\n\n"}},
		{"ALB", "", `https 2025-10-10T13:55:36.186641Z app/lb/50dc6c 192.0.2.39:2817 10.0.0.1:80 0.086 0.048 0.037 200 200 0 57 "GET https://www.example.com:443/a HTTP/1.1" "curl/7.88.1" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:x "Root=1-5" "www.example.com" "arn:aws:acm:x" 1 2025-10-10T13:55:35.364000Z "authenticate,forward" "-" "-" "10.0.0.1:80" "200" "-" "-"`,
			given{"2025-10-10T13:55:35.364", "GET /a HTTP/1.1\nHost: www.example.com\n" + curl + "\n"}},
		{"CLB", "", `2025-10-10T13:55:36.945958Z my-lb 192.0.2.39:2817 10.0.0.1:80 0.000073 0.001048 0.000057 200 200 0 29 "GET http://www.example.com:80/ HTTP/1.1" "curl/7.88.1" - -`,
			given{"2025-10-10T13:55:36.945958", "GET / HTTP/1.1\nHost: www.example.com\n" + curl + "\n"}},
		{"CloudFront", "", "#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-host-header time-taken\n" +
			"2025-10-10\t13:55:36\tLAX1\t392\t192.0.2.100\tGET\td1.cloudfront.net\t/i%20x\t200\t-\tMozilla/5.0%2520(X)\ta=b\t-\twww.example.com\t0.250",
			given{"2025-10-10T13:55:35.75", "GET /i%20x?a=b HTTP/1.1\nHost: www.example.com\nUser-Agent: Mozilla/5.0 (X)\n\n"}},
		{"IIS", "", "#Software: Microsoft Internet Information Services 10.0\n#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status time-taken\n" +
			"2025-10-10 13:55:36 10.0.0.1 GET /a - 80 - 192.0.2.1 Mozilla/5.0+(X) - 200 250",
			given{"2025-10-10T13:55:35.75", "GET /a HTTP/1.1\nUser-Agent: Mozilla/5.0 (X)\n\n"}},
		{"Envoy", "", `[2025-10-10T13:55:36.310Z] "GET /api?x=1 HTTP/2" 200 - via_upstream - "-" 0 154 226 100 "10.0.35.28" "curl/7.88.1" "cc21d9b0" "locations" "tcp://10.0.2.1:80"`,
			given{"2025-10-10T13:55:36.31", "GET /api?x=1 HTTP/1.1\nHost: locations\nX-Forwarded-For: 10.0.35.28\n" + curl + "X-Request-Id: cc21d9b0\n\n"}},
		{"Envoy's of Istio", "", `[2025-10-10T13:55:36.310Z] "GET /api HTTP/1.1" 200 - via_upstream - "-" 0 154 226 100 "-" "curl/7.88.1" "cc21" "shop:80" "10.1.2.3:80" outbound|80||shop.x 10.1.1.1:1 10.2.2.2:80 10.1.1.1:5 - default`,
			given{"2025-10-10T13:55:36.31", "GET /api HTTP/1.1\nHost: shop:80\n" + curl + "X-Request-Id: cc21\n\n"}},
		{"HAProxy by syslog", "", `Oct 10 13:55:36 lb1 haproxy[14389]: 10.0.1.2:33317 [10/Oct/2025:13:55:36.655] http-in app/s1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {a "b" c|} {} "GET /a?b HTTP/1.1"`,
			given{"2025-10-10T13:55:36.655", "GET /a?b HTTP/1.1\n\n"}},
		{"HAProxy alone, h2", "", `[2001:db8::1]:33317 [10/Oct/2025:13:55:36.655] https~ app/s1 10/0/30/69/109 200 +2750 - - ---- 1/1/1/1/0 0/0 "GET https://shop/a HTTP/2.0"`,
			given{"2025-10-10T13:55:36.655", "GET /a HTTP/1.1\nHost: shop\n\n"}},
		{"ALB of a Lambda, IPv6", "", `h2 2025-10-10T13:55:37.186641Z app/lb/50dc6c [2001:db8::7]:48160 - 0.000 0.001 0.000 200 200 34 366 "GET https://10.0.2.105:773/a?b=\"c\" HTTP/2.0" "curl/7.88.1" - - arn:x "Root=1-5" "-" "-" 0 2025-10-10T13:55:36.364000Z "forward" "-" "-" "-" "-" "-" "-" TID_1`,
			given{"2025-10-10T13:55:36.364", "GET /a?b=\"c\" HTTP/1.1\nHost: 10.0.2.105:773\n" + curl + "\n"}},
		{"CloudFront's 33 fields", "", "#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start sc-range-end\n" +
			"2025-10-10\t13:55:36\tSEA19-C1\t900\t2001:db8::1\tGET\td1.cloudfront.net\t/a%20b\t502\thttps://x/\tcurl/7.88.1\tq=1\ta=b\tError\tx==\twww.example.com\thttp\t387\t0.103\t-\t-\t-\tError\tHTTP/1.1\t-\t-\t12644\t0.103\tOriginDnsError\ttext/html\t507\t-\t-",
			given{"2025-10-10T13:55:35.897", "GET /a%20b?q=1 HTTP/1.1\nHost: www.example.com\nReferer: https://x/\n" + curl + "Cookie: a=b\n\n"}},
		{"Envoy's operators", `%START_TIME(%Y/%m/%dT%H:%M:%S%z %3f)% %REQ(X?:METHOD)% %REQ(:PATH):5% "%REQ(:AUTHORITY)%"`, `2025/10/10T13:55:36+0000 250 GET /a "x"`,
			given{"2025-10-10T13:55:36.25", "GET /a HTTP/1.1\nHost: x\n\n"}},
		{"Apache's pieces", `LogFormat "%v %a %{%d/%b/%Y %T}t.%{usec_frac}t %m %U%q %H %D \"%{Host}i\" \"%{Accept}i\"" mine`, `s 1.2.3.4 10/Oct/2025 13:55:36.250000 GET /a?b HTTP/1.1 1234 "h" "*/*"`,
			given{"2025-10-10T13:55:36.25", "GET /a?b HTTP/1.1\nHost: h\nAccept: */*\n\n"}},
		{"Apache's end", `%h %{end:msec}t %{ms}T "%r"`, `h 1760104536500 250 "GET / HTTP/1.1"`, given{"2025-10-10T13:55:36.25", "GET / HTTP/1.1\n\n"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, r, err := read(t, Config{LineFormat: tt.format}, tt.line+"\n")
			if err != nil || len(got) != 1 || got[0] != tt.want || r.Damage().Any() {
				t.Errorf("got %q, %v, %v\nwant %q", got, err, r.Damage(), tt.want)
			}
		})
	}
}

const start = `203.0.113.7 - - [10/Oct/2025:13:55:36 +0000] `

func TestWhatIsNoRequestIsCounted(t *testing.T) {
	log := start + `"GET /a\x22b\x5Cc\xC3\xA9 HTTP/1.1" 200 1 "-" "x"
` + start + `"POST /p HTTP/1.1" 200 1 "-" "x"
` + start + `"PUT /p HTTP/1.1" 200 1 "-" "x"
` + start + `"-" 408 0 "-" "-"
` + start + `"" 400 0 "-" "-"
` + start + `"GET /cut" 400 0 "-" "-"
` + start + `"\x16\x03\x01\x02\x00" 400 150 "-" "-"
` + start + `"CONNECT a:443 HTTP/1.1" 400 150 "-" "-"
what is this
` + start + `"GET / HT`
	for _, empty := range []bool{false, true} {
		got, r, err := read(t, Config{LineFormat: "combined", EmptyBodies: empty, Host: "h"}, log)
		want := []string{"GET /a\"b\\c\xc3\xa9 HTTP/1.1\nHost: h\nUser-Agent: x\n\n"}
		if empty {
			want = append(want, "POST /p HTTP/1.1\nHost: h\nUser-Agent: x\nContent-Length: 0\n\n", "PUT /p HTTP/1.1\nHost: h\nUser-Agent: x\nContent-Length: 0\n\n")
		}
		if err != nil || len(got) != len(want) {
			t.Fatalf("got %q, %v", got, err)
		}
		for i := range want {
			if got[i].req != want[i] {
				t.Errorf("got %q, want %q", got[i].req, want[i])
			}
		}
		bodies := uint64(2)
		if empty {
			bodies = 0
		}
		if n := count(r, "requests whose body was not logged, left"); n != bodies {
			t.Errorf("%d without body, want %d", n, bodies)
		}
		if cut, binary, connect := count(r, "request lines that were cut"), count(r, "request lines that are binary"), count(r, "CONNECT"); cut != 3 || binary != 1 || connect != 1 {
			t.Errorf("cut %d, binary %d, CONNECT %d", cut, binary, connect)
		}
		if d := r.Damage(); d.Damaged != 1 || d.Torn != 1 {
			t.Errorf("damage %+v", d)
		}
	}
}

func TestBodyThatWasLogged(t *testing.T) {
	got, _, err := read(t, Config{LineFormat: `[$msec] "$request" "$request_body" $content_length`}, `[1760104536.000] "POST / HTTP/1.1" "a=\x22b\x22\x0D\x0A" 7
[1760104536.000] "POST / HTTP/1.1" "-" 0
`)
	if err != nil || len(got) != 2 || got[0].req != "POST / HTTP/1.1\nContent-Length: 7\n\na=\"b\"\n" || !strings.HasSuffix(got[1].req, "Content-Length: 0\n\n") {
		t.Errorf("got %q, %v", got, err)
	}
}

// Whole seconds are divided evenly among what came in them, in the order of the
// log, even where seconds are mixed.
func TestSecondsAreSpread(t *testing.T) {
	var b strings.Builder
	for _, sec := range []int{1, 1, 1, 2, 1, 2, 3, 4, 5, 9, 1} {
		fmt.Fprintf(&b, "203.0.113.7 - - [10/Oct/2025:13:55:%02d +0000] \"GET /%d HTTP/1.1\" 200 1 \"-\" \"x\"\n", sec, b.Len())
	}
	got, r, err := read(t, Config{}, b.String())
	if err != nil {
		t.Fatal(err)
	}
	var times []string
	for _, g := range got {
		times = append(times, strings.TrimPrefix(g.at, "2025-10-10T13:55:"))
	}
	// The last line comes eight seconds late: its second is over, and it gets a
	// place in it that needs no number of others.
	if s, want := strings.Join(times, " "), "01 01.25 01.5 01.75 02 02.5 03 04 05 01.618033988 09"; s != want {
		t.Errorf("times %s, want %s", s, want)
	}
	if n := count(r, "times of whole seconds"); n != 11 {
		t.Errorf("%d spread", n)
	}
}

// A second with more requests than may be held still has all its times within
// it, in order.
func TestCrowdedSecond(t *testing.T) {
	line := start + `"GET /` + strings.Repeat("x", 1<<16) + ` HTTP/1.1" 200 1 "-" "x"` + "\n"
	got, _, err := read(t, Config{}, strings.Repeat(line, 400))
	if err != nil || len(got) != 400 {
		t.Fatalf("%d, %v", len(got), err)
	}
	for i := range got {
		if !strings.HasPrefix(got[i].at, "2025-10-10T13:55:36") || i > 0 && got[i].at[19:] <= got[i-1].at[19:] && got[i-1].at[19:] != "" {
			t.Fatalf("%d: %s after %s", i, got[i].at, got[max(i-1, 0)].at)
		}
	}
}

func TestWrongFormat(t *testing.T) {
	_, _, err := read(t, Config{}, "hello\nworld\n")
	var at *message.PositionError
	if !errors.As(err, &at) || at.Line != 1 || at.Offset != 0 {
		t.Errorf("got %v", err)
	}
	_, _, err = read(t, Config{LineFormat: "combined"}, start+`"GET / HTTP/1.1" 200`+"\n")
	if err == nil || !strings.Contains(err.Error(), `line 1 (byte 0): no line of the combined format: column 63: want a value and then " "`) {
		t.Errorf("got %v", err)
	}
	if _, _, err = read(t, Config{LineFormat: "combined"}, strings.Repeat("x\n", 1000)); err == nil || !strings.Contains(err.Error(), "and 99 lines after it") {
		t.Errorf("got %v", err)
	}
	for _, format := range []string{"nonsense", "$remote_addr $request", "%h %t", "$time_local$request", "%{x", "%", "%START_TIME", "log_format x", "%{%Q}t %r"} {
		if err := Check(format); err == nil {
			t.Errorf("%q passes", format)
		}
	}
}

func TestSessions(t *testing.T) {
	log := `1.1.1.1 - - [10/Oct/2025:13:55:36 +0000] "GET / HTTP/1.1" 200 1 "-" "a"
1.1.1.1 - - [10/Oct/2025:13:55:36 +0000] "GET / HTTP/1.1" 200 1 "-" "b"
1.1.1.1 - - [10/Oct/2025:13:55:36 +0000] "GET / HTTP/1.1" 200 1 "-" "a"
1.1.1.2 - - [10/Oct/2025:13:55:36 +0000] "GET / HTTP/1.1" 200 1 "-" "a"
`
	r, err := New(strings.NewReader(log), Config{})
	if err != nil {
		t.Fatal(err)
	}
	var conns, ids []string
	for range 4 {
		msg, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		conns, ids = append(conns, string(payload.ConnPart(payload.ID(msg)))), append(ids, string(payload.ID(msg)))
	}
	if conns[0] != conns[2] || conns[0] == conns[1] || conns[0] == conns[3] || ids[0] == ids[2] {
		t.Errorf("ids %v", ids)
	}
}

// Any bytes give records that hold, or an error with a position.
func FuzzReader(f *testing.F) {
	for _, format := range []string{"", "combined", `$remote_addr [$time_local] "$request" $upstream_addr "$request_body"`, "%h %{%F %T}t.%{usec_frac}t %m %U%q", "%START_TIME(%s.%3f)% %REQ(:METHOD)% %REQ(:PATH)%", "cloudfront", "json"} {
		f.Add(format, start+`"GET /\x22 HTTP/1.1" 200 1 "-" "x"`+"\n"+`{"ts":1.5,"request":{"method":"GET","uri":"/","headers":{"A":["b"]}}}`+"\n")
	}
	f.Add("", "#Fields: date time cs-method cs-uri-stem\n2025-10-10 13:55:36 GET /\n")
	f.Add("", "\xef\xbb\xbf{\"time\":\"2025-10-10T13:55:36.5Z\",\"method\":\"GET\",\"url\":\"\\ud83d\\ude00\"}\n")
	f.Fuzz(func(t *testing.T, format, log string) {
		r, err := New(strings.NewReader(log), Config{LineFormat: format, EmptyBodies: len(log)%2 == 0})
		if err != nil {
			return
		}
		for {
			msg, err := r.Next()
			if err != nil {
				if err != io.EOF && !errors.As(err, new(*message.PositionError)) {
					t.Fatalf("%v", err)
				}
				return
			}
			m, body, err := payload.Split(msg)
			if err != nil || int(m.Length) != len(body) || m.Time <= 0 {
				t.Fatalf("%q: %v", msg, err)
			}
			if !http1.CompleteRequest(body) {
				t.Fatalf("%q is no whole request", body)
			}
		}
	})
}
