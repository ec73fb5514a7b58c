package turnclient

import (
	"bytes"
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/answers"
	"github.com/buger/gor/internal/outbound"
	"github.com/buger/gor/internal/testkit"
)

func testClient(t *testing.T, ctx context.Context, addr string, timeout time.Duration, keeper outbound.Keeper) *Client {
	t.Helper()
	target, err := Parse(addr)
	testkit.Must(t, err)
	return New(ctx, Config{
		Target: target, Dial: (&net.Dialer{}).DialContext, Timeout: timeout, Keeper: keeper,
		Tell:        func(err error) { t.Logf("told: %v", err) },
		TellCeiling: func(err error) { t.Logf("told: no more: %v", err) }, MakeRoom: func() {},
	})
}

func never() bool { return false }

// TestExchange: each message is answered, over one connection as long as the
// target keeps it, and answers are kept and given back.
func TestExchange(t *testing.T) {
	server := testkit.StartTurns(t, "127.0.0.1:0")
	keeper := answers.New(answers.Config{Limit: 1 << 20})
	client := testClient(t, context.Background(), server.Addr().String(), 10*time.Second, keeper)
	c := client.NewConn()
	for i, kind := range []byte("aalcxa") { // l answers long, c closes after its answer, x without
		msg := testkit.Turn(kind, i)
		want := outbound.Delivered
		if kind == 'x' {
			want = outbound.Closed
		}
		if got := c.Exchange(msg); got != want {
			t.Fatalf("message %d is %q, want %q", i, got, want)
		}
		if kind == 'x' {
			continue
		}
		c.Await(never)
		a := c.Answer()
		if want := testkit.TurnAnswer(msg[4:]); !bytes.Equal(a.Bytes, want) || a.Cut || a.Took <= 0 || a.Took >= answerQuietLong {
			t.Errorf("message %d is answered %d bytes in %s, want %d bytes", i, len(a.Bytes), a.Took, len(want))
		}
		c.Forget()
		if kind == 'c' {
			testkit.Eventually(t, "the connection's end", c.hasEnded)
		}
	}
	c.Close()
	if client.Sent() != 6 || client.Connections() != 3 || keeper.Kept() != 0 {
		t.Errorf("%d sent over %d connections, %d bytes are kept; want 6, 3 and 0", client.Sent(), client.Connections(), keeper.Kept())
	}
}

// TestSilentTarget: a message that is not answered costs its time, and the
// connection goes on; the end of the context ends the wait at once.
func TestSilentTarget(t *testing.T) {
	server := testkit.StartTurns(t, "127.0.0.1:0")
	client := testClient(t, context.Background(), server.Addr().String(), 50*time.Millisecond, nil)
	c := client.NewConn()
	defer c.Close()
	if got := c.Exchange(testkit.Turn('s', 1)); got != outbound.Timeout {
		t.Errorf("got %q", got)
	}
	if got := c.Exchange(testkit.Turn('a', 2)); got != outbound.Delivered || client.Connections() != 1 {
		t.Errorf("got %q over %d connections", got, client.Connections())
	}

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	cut := testClient(t, ctx, server.Addr().String(), time.Hour, nil).NewConn()
	defer cut.Close()
	ended := make(chan outbound.Outcome, 1)
	go func() { ended <- cut.Exchange(testkit.Turn('s', 3)) }()
	testkit.Eventually(t, "the message is there", func() bool { return len(server.Seen()) == 2 && len(server.Seen()[1]) == 1 })
	cancel()
	if got := <-ended; got != outbound.Closed {
		t.Errorf("got %q", got)
	}
}

func TestParse(t *testing.T) {
	for addr, ok := range map[string]bool{"staging.com:9000": true, "[::1]:1": true, "staging.com": false, ":9000": false, "a:0": false, "a:b": false, "http://a:1": false, "": false} {
		if _, err := Parse(addr); (err == nil) != ok || err != nil && !strings.Contains(err.Error(), "staging.com:9000") {
			t.Errorf("%q: %v", addr, err)
		}
	}
}
