package http1_test

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/testkit"
)

// withContent are the requests of these clients that have content and a method
// that defines none. Python's http.server, for one, reads it as the next request.
var withContent = [][]byte{[]byte("GET /content"), []byte("DELETE /content")}

// TestOrdinaryClientsAreNotAmbiguous runs programs that people use: what they
// send has one reading, but for content where none is defined.
func TestOrdinaryClientsAreNotAmbiguous(t *testing.T) {
	body := testkit.WriteFile(t, filepath.Join(t.TempDir(), "body"), bytes.Repeat([]byte("body\r\n\r\n"), 300<<10))
	for name, run := range map[string]func(t *testing.T, url string){
		"curl": func(t *testing.T, url string) {
			curl := testkit.NeedTool(t, "curl", "curl")
			// One process for all: --next begins another request.
			args := []string{"-sS", "--noproxy", "*"}
			for _, request := range [][]string{
				{url + "/a", url + "/b"}, {"-d", "x=1", url}, {"-F", "f=@" + body, "--expect100-timeout", "0.01", url}, {"-T", body, "--expect100-timeout", "0.01", url + "/up"}, // with Expect
				{"-X", "DELETE", url}, {"-X", "DELETE", "-d", "x", url + "/content"}, {"-X", "GET", "-d", "x", url + "/content"},
				{"-X", "PUT", "-d", "", url}, {"-X", "POST", url}, {"-X", "OPTIONS", url}, {"--http1.0", url}, {"--http2", url},
				{"-H", "Transfer-Encoding: chunked", "-d", "x", url}, {"-H", "Transfer-Encoding: chunked", "--data-binary", "@" + body, "--expect100-timeout", "0.01", url},
				{"-x", url, "http://www.example.com/proxied"}, {"-u", "user:password", "-b", "a=b", "-e", "http://a/", "--compressed", "--tr-encoding", "-r", "0-9", url + "?q=%20ü"},
			} {
				if len(args) > 3 {
					args = append(args, "--next", "-sS")
				}
				args = append(args, request...)
			}
			runClient(t, curl, args...)
		},
		"wrk": func(t *testing.T, url string) {
			runClient(t, testkit.NeedTool(t, "wrk", "wrk"), "-t", "1", "-c", "2", "-d", "1", url)
		},
		"wget": func(t *testing.T, url string) {
			wget := testkit.NeedTool(t, "wget", "wget")
			runClient(t, wget, "-q", "--no-proxy", "-O", "-", url)
			runClient(t, wget, "-q", "--no-proxy", "-O", "-", "--post-file", body, url)
		},
		"python": func(t *testing.T, url string) {
			runClient(t, testkit.NeedTool(t, "python3", "python3"), "-c", pythonClient, url)
		},
		"node": func(t *testing.T, url string) {
			runClient(t, testkit.NeedTool(t, "node", "nodejs"), "-e", nodeClient, url)
		},
		"perl": func(t *testing.T, url string) {
			perl := testkit.NeedTool(t, "perl", "perl")
			if exec.Command(perl, "-MHTTP::Tiny", "-e", "1").Run() != nil { // perl-base, which every Debian has, is without
				t.Skipf("%s needs HTTP::Tiny: sudo apt-get install perl", t.Name())
			}
			runClient(t, perl, "-MHTTP::Tiny", "-e", perlClient, url)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sink := testkit.StartSink(t)
			run(t, "http://"+sink.Addr())
			requests := sink.Arrivals()
			if len(requests) == 0 {
				t.Fatal("it sent nothing")
			}
			for _, r := range requests {
				why := http1.RequestAmbiguity(r.Raw)
				want := http1.Plain
				for _, prefix := range withContent {
					if bytes.HasPrefix(r.Raw, prefix) {
						want = http1.UnexpectedContent
					}
				}
				if why != want {
					t.Errorf("%s, want %s: %.300q", why, want, r.Raw)
				}
			}
		})
	}
}

func runClient(t *testing.T, program string, args ...string) {
	t.Helper()
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v: %.500s", program, args, err, out)
	}
}

const pythonClient = `
import http.client, sys, urllib.request
url = sys.argv[1]
urllib.request.urlopen(url).read()
urllib.request.urlopen(urllib.request.Request(url, b"x=1")).read()
c = http.client.HTTPConnection(url[len("http://"):])
for method, body in [("GET", None), ("POST", "x"), ("POST", None), ("PUT", iter([b"ab", b"c" * 5000])), ("DELETE", None)]:
    c.request(method, "/", body)
    c.getresponse().read()
c.request("DELETE", "/content", "x")
c.getresponse().read()
`

const nodeClient = `
const http = require('http'), url = process.argv[1];
const send = (method, path, headers, ...parts) => new Promise((done, failed) => {
	const r = http.request(url + path, {method, headers}, a => { a.resume(); a.on('end', done); });
	r.on('error', failed);
	for (const part of parts) r.write(part);
	r.end();
});
(async () => {
	for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) await send(method, '/', {});
	await send('POST', '/', {}, 'one', 'two');
	await send('POST', '/', {'Content-Length': 3}, 'one');
	await send('DELETE', '/content', {'Content-Length': 3}, 'one');
})();
`

const perlClient = `
my ($h, $n) = (HTTP::Tiny->new, 0);
for my $r (["GET"], ["DELETE"], ["POST", {content => "x"}], ["PUT", {content => sub { $n++ < 2 ? "abc" : undef }, trailer_callback => sub { {"x-sum" => 1} }}]) {
	my $a = $h->request($r->[0], $ARGV[0], $r->[1] || {});
	die $a->{content} unless $a->{success};
}
`
