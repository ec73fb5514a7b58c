package verdict

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A server answers as one version does, with six kinds of noise: uuid, clock, shuffle,
// counter, jitter and the order of maps.
type server struct {
	r       *rand.Rand
	faulty  bool
	counter int
	clock   time.Time
}

// faults are the twelve seeded faults: each its route, and the path of its finding.
var faults = map[string]string{
	"GET /status/{id}":   "status class status",
	"GET /missing/{id}":  "removed body.email",
	"GET /retyped/{id}":  "retyped body.age",
	"GET /price/{id}":    "value body.items[].price",
	"GET /list/{id}":     "removed body.items[]",
	"GET /order/{id}":    "order body.ranking[]",
	"GET /stale/{id}":    "value body.version",
	"GET /header/{id}":   "removed header.x-frame-options",
	"GET /cookie/{id}":   "removed cookie.sid.httponly",
	"GET /encoding/{id}": "retyped body; added header.content-encoding",
	"GET /slow/{id}":     "slower latency",
	"GET /empty/{id}":    "removed body",
}

// answer is what the server answers to a request for thing n of a route.
func (s *server) answer(route string, n int) *Answer {
	s.counter++
	s.clock = s.clock.Add(time.Duration(s.r.IntN(1000)) * time.Millisecond)
	bad := s.faulty
	head := []string{"Content-Type: application/json", "Date: " + s.clock.Format(time.RFC1123), "X-Frame-Options: DENY", "Set-Cookie: sid=" + strconv.Itoa(s.counter) + "; Path=/; HttpOnly"}
	status := "200 OK"
	uuid := fmt.Sprintf("%08x-0000-4000-8000-%012x", s.r.Uint32(), s.r.Uint64()&0xFFFFFFFFFFFF)
	hot := []string{"a", "b", "c", "d"}
	s.r.Shuffle(len(hot), func(i, j int) { hot[i], hot[j] = hot[j], hot[i] })
	price, age, version, email := float64(n%90+10), strconv.Itoa(n%80), "2", `"email":"a@b.c",`
	items := fmt.Sprintf(`{"id":1,"price":%.2f},{"id":2,"price":5},{"id":3,"price":6}`, price)
	ranking := `"x","y","z"`
	took := time.Duration(float64(10*time.Millisecond) * (1 + s.r.Float64()))
	switch {
	case !bad:
	case route == "status" && n%4 == 0:
		status = "500 Internal Server Error"
	case route == "missing":
		email = ""
	case route == "retyped":
		age = `"` + age + `"`
	case route == "price":
		items = fmt.Sprintf(`{"id":1,"price":%.4f},{"id":2,"price":5},{"id":3,"price":6}`, price*1.01)
	case route == "list":
		items = `{"id":1,"price":` + fmt.Sprintf("%.2f", price) + `}`
	case route == "order":
		ranking = `"z","y","x"`
	case route == "stale":
		version = "1"
	case route == "header":
		head = slices.Delete(head, 2, 3)
	case route == "cookie":
		head[3] = strings.TrimSuffix(head[3], "; HttpOnly")
	case route == "encoding":
		head = append(head, "Content-Encoding: gzip")
	case route == "slow":
		took *= 2
	}
	members := []string{
		email + `"age":` + age, `"request":"` + uuid + `"`, `"at":"` + s.clock.Format(time.RFC3339) + `"`,
		`"hot":["` + strings.Join(hot, `","`) + `"]`, `"served":` + strconv.Itoa(s.counter*7+s.r.IntN(7)), `"load":` + fmt.Sprintf("%.3f", s.r.Float64()),
		`"items":[` + items + `]`, `"ranking":[` + ranking + `]`, `"version":` + version,
	}
	s.r.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	body := "{" + strings.Join(members, ",") + "}"
	if bad && route == "empty" {
		body = ""
	}
	return &Answer{Bytes: []byte("HTTP/1.1 " + status + "\r\n" + strings.Join(head, "\r\n") + "\r\n\r\n" + body), Took: took, Time: s.clock.UnixNano(), Replayed: true}
}

// simulate gives the verdict over pairs of three versions, the last with faults or not.
func simulate(seed uint64, pairs int, faulty bool) *Result {
	newServer := func(n uint64, faulty bool) *server {
		return &server{r: rand.New(rand.NewPCG(seed, n)), faulty: faulty, counter: int(n) * 1000, clock: time.Unix(1_700_000_000+int64(n)*100, 0).UTC()}
	}
	old, again, candidate := newServer(1, false), newServer(2, false), newServer(3, faulty)
	names := []string{"plain"}
	for name := range faults {
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(name, "GET /"), "/{id}"))
	}
	slices.SortFunc(names, cmp.Compare[string])
	e := New(Config{BodyMost: 1 << 20})
	for i := range pairs {
		name := names[i%len(names)]
		n := i / len(names)
		e.Add(&Pair{
			ID: strconv.Itoa(i), Request: []byte("GET /" + name + "/" + strconv.Itoa(n) + " HTTP/1.1\r\nHost: a\r\n\r\n"),
			Old: old.answer(name, n), Again: again.answer(name, n), New: candidate.answer(name, n),
		})
	}
	return e.Result()
}

// runs is how many seeds and pairs a simulation takes: the long form is that of the
// measurements.
func runs(short, long int) int {
	if os.Getenv("GOR_VERDICT_LONG") != "" {
		return long
	}
	return short
}

// firstSeed is where the seeds begin: other ones can be tried than those that the code
// was written against.
func firstSeed() uint64 {
	n, _ := strconv.ParseUint(os.Getenv("GOR_VERDICT_SEED"), 10, 64)
	return n
}

// All faults are found, and no noise is taken for one.
func TestFaultsAreFound(t *testing.T) {
	for seed := range runs(2, 20) {
		res := simulate(firstSeed()+uint64(seed), runs(1300, 20_000), true)
		got := map[string]string{}
		for _, r := range res.Rows {
			if r.Standing == Regression {
				got[r.Route] = strings.TrimPrefix(got[r.Route]+"; "+r.Severity.String()+" "+r.Path, "; ")
			}
		}
		for route, want := range faults {
			if got[route] != want {
				t.Errorf("seed %d: %s: got %q, want %q", seed, route, got[route], want)
			}
			delete(got, route)
		}
		if len(got) > 0 {
			t.Errorf("seed %d: noise is called a regression: %v", seed, got)
		}
		if res.Class != Regression || res.Totals.Equal+res.Totals.Harmless+res.Totals.Suspect+res.Totals.Regressed != res.Totals.Compared {
			t.Errorf("seed %d: %+v", seed, res.Totals)
		}
	}
}

// The same version three times is called a regression in at most five of a hundred runs.
func TestNoiseIsNoRegression(t *testing.T) {
	wrong := 0
	n := runs(10, 100)
	for seed := range n {
		if res := simulate(firstSeed()+uint64(seed)+1000, runs(260, 2000), false); res.Class == Regression {
			wrong++
			t.Logf("seed %d: %s (%s)", seed, res.Sentence, res.Rows[0].Why)
		}
	}
	if wrong*20 > max(n, 20) {
		t.Errorf("%d of %d runs", wrong, n)
	}
}

// A route is called slower on the evidence of many moments and of the old version's second
// answers; a burst that ran badly is no such thing.
func TestSlower(t *testing.T) {
	for _, c := range []struct {
		name   string
		spread time.Duration // of the requests
		again  time.Duration // that the old version took the second time; 0: it was not asked
		want   Standing
	}{
		{"many moments", time.Minute, 10 * time.Millisecond, Regression},
		{"the old version is as slow the second time", time.Minute, 30 * time.Millisecond, 0},
		{"no second answers", time.Minute, 0, Suspect},
		{"one burst", 50 * time.Millisecond, 10 * time.Millisecond, 0},
		{"one burst without second answers", 50 * time.Millisecond, 0, 0},
	} {
		e := New(Config{BodyMost: 1 << 10})
		const n = 200
		for i := range n {
			answer := func(took time.Duration) *Answer {
				return &Answer{Bytes: []byte("HTTP/1.1 200 OK\r\n\r\n"), Took: took + time.Duration(i)*time.Microsecond, Time: 1_700_000_000_000_000_000 + int64(c.spread)*int64(i)/n, Replayed: true}
			}
			p := &Pair{ID: strconv.Itoa(i), Request: []byte("GET /a HTTP/1.1\r\n\r\n"), Old: answer(10 * time.Millisecond), New: answer(30 * time.Millisecond)}
			if c.again > 0 {
				p.Again = answer(c.again)
			}
			e.Add(p)
		}
		res := e.Result()
		if res.Class != c.want {
			t.Errorf("%s: %s, want %s: %s", c.name, res.Class, c.want, res.Sentence)
		}
		slower, err := ParseFailOn("slower")
		if err != nil || res.Fails(slower) != (c.want != 0) {
			t.Errorf("%s: fails for slower: %t, %v", c.name, res.Fails(slower), err)
		}
	}
}
