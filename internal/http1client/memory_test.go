package http1client

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/answers"
	"github.com/buger/gor/internal/buffers"
	"github.com/buger/gor/internal/evloop"
	"github.com/buger/gor/internal/outbound"
	"github.com/buger/gor/internal/testkit"
)

// TestAnswersShareTheirMemory: what does not fit is counted, its connection is
// closed, and everything is given back.
func TestAnswersShareTheirMemory(t *testing.T) { clients(t, testAnswersShareTheirMemory) }

func testAnswersShareTheirMemory(t *testing.T, loops *evloop.Loops) {
	const room = 64 << 10
	taken := buffers.NewPlaces(1)
	taken.Take(nil, time.Time{})
	free := buffers.NewPlaces(1)
	long := "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 100_000) + "\r\nContent-Length: 0\r\n\r\n"
	body := "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("x", 100_000)
	for _, tt := range []struct {
		name   string
		answer string
		track  bool
		places buffers.Places
		counts string
	}{
		{"a head", long, false, taken, "1 delivered, 1 no memory for the answer"},
		{"a head, tracked", long, true, taken, "1 delivered, 1 no memory for the answer"},
		{"a head that has a place", long, false, free, "2 delivered"},
		{"a tracked head that has a place", long, true, free, "2 delivered"},
		{"a body that nobody wants", body, false, taken, "2 delivered"},
		{"a body, tracked", body, true, taken, "2 delivered"}, // it is not passed on, counted
	} {
		t.Run(tt.name, func(t *testing.T) {
			target := testkit.StartTarget(t, func(c net.Conn, _ int) {
				for {
					q, err := testkit.ReadRequest(c)
					if err != nil {
						return
					}
					answer := testkit.OK200
					if strings.HasPrefix(string(q), "POST") {
						answer = tt.answer
					}
					if _, err := io.WriteString(c, answer); err != nil {
						return
					}
				}
			})
			memory := buffers.NewBudget(room)
			passedOn := answers.New(answers.Config{Limit: 1 << 20})
			rig := newRig(t, loops, target.Address(), func(c *Config) {
				c.Memory, c.Places, c.HeadMost = memory, tt.places, 1<<20
				if tt.track {
					c.Keeper = passedOn
				}
				if strings.Contains(tt.counts, "no memory") {
					c.Timeout = 500 * time.Millisecond // for which the answer waits for memory
				}
			})
			recorder := passedOn.Recorder(memory)
			if tt.track {
				rig.also = func(r Result) {
					if r.Outcome == outbound.Delivered {
						recorder.Add([]byte("1 a 1\nGET / HTTP/1.1\r\n\r\n"), answers.Answer{Bytes: r.Answer, Cut: r.Cut})
					}
				}
			}
			rig.each(httpPost, httpGet)
			rig.want(tt.counts)
			if tt.track && tt.answer == body && passedOn.Counts()[0].N != 1 {
				t.Errorf("%d answers were too large to be passed on, want 1", passedOn.Counts()[0].N)
			}
			recorder.Release()
			rig.Close()
			if free := memory.Free(); free != room {
				t.Errorf("%d bytes are still taken", room-free)
			}
			if n := len(free); n != 0 {
				t.Errorf("%d places are still taken", n)
			}
		})
	}
}
