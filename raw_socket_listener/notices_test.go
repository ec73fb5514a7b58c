package rawsocket

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/buger/gor/raw_socket_listener/assemble"
	"github.com/buger/gor/raw_socket_listener/packet"
	"github.com/buger/gor/raw_socket_listener/source"
)

// A noticeRig is notices whose counters and clock are a test's.
type noticeRig struct {
	*notices
	s Stats

	mu   sync.Mutex
	logs []string
}

func newNoticeRig(t *testing.T, address string, cfg Config) *noticeRig {
	r := &noticeRig{}
	cfg.Address = mustAddress(t, address)
	cfg.Logf = func(f string, args ...any) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.logs = append(r.logs, fmt.Sprintf(f, args...))
	}
	r.notices = newNotices(cfg.withDefaults(), func() Stats { return r.s })
	r.toldSilence = true
	return r
}

// at looks at the counters so long after the start and returns what is told.
func (r *noticeRig) at(d time.Duration) []string {
	r.Look(noticeEpoch + int64(d))
	return r.take()
}

func (r *noticeRig) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	logs := r.logs
	r.logs = nil
	return logs
}

// wantLine wants one line with all of these words.
func wantLine(t *testing.T, lines []string, words ...string) {
	t.Helper()
	if len(lines) != 1 {
		t.Errorf("told %q, want one line with %q", lines, words)
		return
	}
	for _, w := range words {
		if !strings.Contains(lines[0], w) {
			t.Errorf("told %q, which has no %q", lines[0], w)
		}
	}
}

func wantNothing(t *testing.T, lines []string) {
	t.Helper()
	if len(lines) > 0 {
		t.Errorf("told %q, want nothing", lines)
	}
}

// Each kind of loss is told once, when it begins, with its number and what it
// means. What belongs to every capture is not told.
func TestEachLossIsToldOnce(t *testing.T) {
	const alarm = "losing messages: 3 "
	told := map[assemble.Loss][]string{
		assemble.LostGap:       {alarm, "a hole that no retransmission closed", "ethtool -S"},
		assemble.LostTooLarge:  {alarm, "more than 1000 bytes", "raise --copy-buffer-size"},
		assemble.LostMemory:    {alarm, "ceilings of memory", "raise --input-raw-"},
		assemble.LostShed:      {"losing messages, 3 so far", "captured faster", "':80|50%'"},
		assemble.LostMalformed: {"3 messages cannot be read as HTTP/1"},
		assemble.LostClosed:    {"3 messages cut short by the end of the connection"},
		assemble.LostExpired:   {"3 messages begun and not continued for 5m"},
		assemble.LostWithheld:  {"3 messages without body", "Expect: 100-continue"},
		assemble.LostUnpaired:  {"3 responses without a request", "as after the start"},
	}
	untold := []assemble.Loss{assemble.LostJoined, assemble.LostIncomplete}
	for k := assemble.NotLost + 1; k < assemble.LossKinds; k++ {
		t.Run(k.String(), func(t *testing.T) {
			r := newNoticeRig(t, ":80", Config{TrackResponse: true, MaxMessage: 1000})
			wantNothing(t, r.at(0))
			r.s.Lost[k] = 3
			wantNothing(t, r.at(noticeGrain-1))
			lines := r.at(noticeGrain)
			if words := told[k]; words != nil {
				wantLine(t, lines, words...)
			} else if wantNothing(t, lines); !slices.Contains(untold, k) {
				t.Error("no row says how this loss is told")
			}
			calm := !strings.Contains(strings.Join(lines, ""), "losing")
			if want := r.losses.manner(k) != lossAlarm; calm != want {
				t.Errorf("calm %v, want %v: %q", calm, want, lines)
			}
			r.s.Lost[k] = 4
			for i := 2; i < 60; i++ {
				wantNothing(t, r.at(time.Duration(i)*noticeGrain))
			}
		})
	}
}

// Without responses, an upload that its client breaks off is every day's.
func TestClosedIsUntoldWithoutResponses(t *testing.T) {
	r := newNoticeRig(t, ":80", Config{})
	r.at(0)
	r.s.Lost[assemble.LostClosed] = 5
	wantNothing(t, r.at(noticeGrain))
}

// The kernel's drops are told within a second, and then once a minute as long
// as they go on, together with the other losses that have grown.
func TestDropsAreToldAgain(t *testing.T) {
	r := newNoticeRig(t, ":80", Config{})
	r.at(0)
	r.s.Source.Dropped = 7
	wantLine(t, r.at(time.Second), "the kernel dropped 7 ", "raise --input-raw-buffer-size")
	r.s.Source.Dropped = 10
	for i := 2; i <= 60; i++ {
		wantNothing(t, r.at(time.Duration(i)*time.Second))
	}
	wantLine(t, r.at(61*time.Second), "still losing: 10 packets dropped by the kernel (3 more)")

	r.s.Source.Dropped = 11
	wantNothing(t, r.at(120*time.Second))
	wantLine(t, r.at(121*time.Second), "still losing: 11 packets dropped by the kernel (1 more)")

	// They stop; a loss of another kind begins and is told at once.
	wantNothing(t, r.at(230*time.Second))
	r.s.Lost[assemble.LostGap], r.s.Lost[assemble.LostClosed] = 1, 9
	wantLine(t, r.at(231*time.Second), "losing messages: 1 ", "the kernel dropped packets of theirs", "--input-raw-buffer-size")
	r.s.Lost[assemble.LostGap] = 5
	r.s.Source.Dropped = 13
	wantNothing(t, r.at(290*time.Second))
	wantLine(t, r.at(291*time.Second), "still losing: 13 packets dropped by the kernel (2 more), 5 messages: gap (4 more)")
	wantNothing(t, r.at(400*time.Second))
	r.s.Lost[assemble.LostGap] = 6
	wantLine(t, r.at(401*time.Second), "6 messages: gap (1 more)")
}

// A file that spans hours is read in seconds: nothing is told twice.
func TestLossesOfAFileAreToldOnce(t *testing.T) {
	r := newNoticeRig(t, "x.pcap:80", Config{})
	r.at(0)
	r.s.Lost[assemble.LostGap] = 1
	wantLine(t, r.at(time.Second), "the capture file has not got these packets")
	r.s.Lost[assemble.LostGap] = 2
	wantNothing(t, r.at(time.Hour))
	cut := newNoticeRig(t, "x.pcap:80", Config{})
	cut.at(0)
	cut.s.Lost[assemble.LostGap], cut.s.Source.Cut = 1, 1
	wantLine(t, cut.at(time.Second), "tcpdump -s 0")
}

// What the reader is too slow for is told when the first one is lost, and not
// for each.
func TestShedIsToldAtOnce(t *testing.T) {
	r := newNoticeRig(t, ":80", Config{})
	r.at(0)
	r.Shed()
	wantLine(t, r.take(), "losing messages, 1 so far", "captured faster")
	r.Shed()
	r.s.Lost[assemble.LostShed] = 2
	wantNothing(t, r.at(time.Second))
	wantLine(t, r.at(2*time.Minute), "still losing: 2 messages: reader too slow (1 more)")
}

// Losses that an assembler really has are told in its look at the counters.
func TestRealLossesAreTold(t *testing.T) {
	const get, post = firstGet, "POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n0123456789"
	large := "POST / HTTP/1.1\r\nContent-Length: 2000\r\n\r\n" + strings.Repeat("x", 2000)
	const syn, ack, fin = packet.FlagSYN, packet.FlagACK, packet.FlagFIN | packet.FlagACK
	type seg struct {
		port  uint16
		off   uint32
		flags packet.TCPFlags
		data  string
	}
	first := seg{1000, 0, syn, ""}
	for _, tt := range []struct {
		name string
		cfg  Config
		segs []seg
		want string
	}{
		{"gap", Config{}, []seg{first, {1000, 1, ack, post[:20]}, {1000, uint32(len(post)) + 101, ack, get}}, "1 with a hole"},
		{"too large", Config{MaxMessage: 1000}, []seg{first, {1000, 1, ack, large[:500]}, {1000, 501, ack, large[500:]}}, "1 of more than 1000 bytes"},
		{"malformed", Config{}, []seg{first, {1000, 1, ack, "no HTTP\r\nat all\r\n\r\n"}}, "1 message cannot be read"},
		{"closed", Config{TrackResponse: true}, []seg{first, {1000, 1, ack, post[:20]}, {1000, 21, fin, ""}}, "1 message cut short"},
		{"memory", Config{MaxConns: 1}, []seg{first, {1000, 1, ack, post[:20]}, {5, 1, ack, get}}, "1 given up"},
		{"joined", Config{}, []seg{{1000, 1, ack, "middle of a body"}, {1000, 17, ack, get}}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var logs []string
			cfg := tt.cfg
			cfg.Address = mustAddress(t, ":80")
			cfg.Logf = func(f string, args ...any) { logs = append(logs, fmt.Sprintf(f, args...)) }
			cfg = cfg.withDefaults()
			l := newListener(true)
			l.add(cfg, []source.Source{idleSource{}})
			l.notes.toldSilence = true
			asm := l.parts[0].asm
			for _, g := range tt.segs {
				asm.Segment(&packet.Segment{
					Time: noticeEpoch, Src: netip.AddrPortFrom(netip.MustParseAddr("10.0.0.1"), g.port), Dst: netip.MustParseAddrPort("10.0.0.2:80"),
					Seq: g.off, Flags: g.flags, Payload: []byte(g.data),
				})
			}
			for i := range 16 {
				asm.Tick(noticeEpoch + int64(i)*int64(noticeGrain))
			}
			if tt.want == "" {
				wantNothing(t, logs)
			} else {
				wantLine(t, logs, tt.want)
			}
			asm.End()
		})
	}
}

// noticeEpoch is a time for packets, in ns since 1970.
const noticeEpoch = int64(1_700_000_000_000_000_000)

// An idleSource gives nothing and has room.
type idleSource struct{}

func (idleSource) Run(source.Sink) error { return nil }
func (idleSource) Close() error          { return nil }
func (idleSource) NearlyFull() bool      { return false }
func (idleSource) Stats() source.Stats   { return source.Stats{} }
func (idleSource) String() string        { return "idle" }

// A capture that sees no request says so once, with what it did see, and then
// what a survey of all packets shows.
func TestSilence(t *testing.T) {
	r := newNoticeRig(t, ":80", Config{})
	r.toldSilence = false
	surveys := 0
	r.observe = func(context.Context) ([]string, error) {
		surveys++
		return []string{"the interfaces saw, in 1s: eth0 1 packet", "HTTP requests go to port 8080 on eth0: capture them with --input-raw :8080"}, nil
	}
	r.s.Connections, r.s.Starts = 1, 2
	r.s.Source = SourceStats{Received: 7, Faults: []string{"eth0 went down"}}
	r.s.Lost[assemble.LostJoined] = 2
	wantLine(t, r.at(0), "eth0 went down")
	wantNothing(t, r.at(silence-1))
	r.Look(noticeEpoch + int64(silence))
	r.Look(noticeEpoch + int64(2*silence))
	r.surveys.Wait()
	lines := r.take()
	if len(lines) != 3 || surveys != 1 {
		t.Fatalf("told %q after %d surveys, want three lines and one survey", lines, surveys)
	}
	wantLine(t, lines[:1], "no request in 10s from :80: 7 packets, 1 connection (0 TLS, 0 HTTP/2, 0 excluded), 2 messages begun, 2 lost")
	wantLine(t, lines[1:2], "eth0 1 packet")
	wantLine(t, lines[2:], "HTTP requests go to port 8080 on eth0: capture them with --input-raw :8080")
	r.s.Source.Faults = append(r.s.Source.Faults, "eth0 is back")
	r.end()
	wantLine(t, r.take(), "eth0 is back")
}

func TestNoSilence(t *testing.T) {
	for name, r := range map[string]*noticeRig{
		"a request came": newNoticeRig(t, ":80", Config{}),
		"a file":         newNoticeRig(t, "x.pcap:80", Config{}),
	} {
		t.Run(name, func(t *testing.T) {
			r.toldSilence = false
			r.at(0)
			r.s.Requests = 1
			r.at(time.Second)
			r.s.Requests = 0
			wantNothing(t, r.at(time.Hour))
		})
	}
}

// Nothing at all is told apart from something of no use; a survey that cannot
// be made says why.
func TestSilenceWithoutPackets(t *testing.T) {
	r := newNoticeRig(t, "lo:80", Config{})
	r.toldSilence = false
	r.observe = func(context.Context) ([]string, error) { return nil, errors.New("not permitted") }
	r.at(0)
	r.Look(noticeEpoch + int64(silence))
	r.surveys.Wait()
	lines := r.take()
	if len(lines) != 2 || !strings.Contains(lines[0], "no packet for lo:80") || !strings.Contains(lines[1], "cannot be seen: not permitted") {
		t.Errorf("told %q", lines)
	}
}

// The end of the capture ends a survey, waits for it, and begins no other.
func TestEndEndsTheSurvey(t *testing.T) {
	r := newNoticeRig(t, ":80", Config{})
	r.toldSilence = false
	began, ended := make(chan bool), false
	r.observe = func(ctx context.Context) ([]string, error) {
		close(began)
		<-ctx.Done()
		ended = true
		return nil, nil
	}
	r.at(0)
	wantLine(t, r.at(silence), "no request in 10s")
	<-began
	r.end()
	if !ended {
		t.Error("it goes on after the end")
	}
	wantNothing(t, r.take())

	late := newNoticeRig(t, ":80", Config{})
	late.toldSilence = false
	late.at(0)
	late.end()
	wantNothing(t, late.at(silence))
}

// Looking costs no memory while there is nothing to tell.
func TestLookAllocates(t *testing.T) {
	r := newNoticeRig(t, ":80", Config{})
	now := noticeEpoch
	if n := testing.AllocsPerRun(100, func() { now += int64(noticeGrain); r.Look(now) }); n != 0 {
		t.Errorf("look allocates %v times", n)
	}
}
