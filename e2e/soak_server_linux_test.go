package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/testkit"
)

// soakMain is the role "soak PART ...": the programs around a soak. They end
// when their stdin does, as it does however the test ends: a flood must not
// outlive it.
func soakMain(args []string) int {
	if args[0] == "exec" {
		return testkit.RoleFailed("%v", unix.Exec(args[1], args[1:], os.Environ()))
	}
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(testkit.RoleFailed("the test is gone"))
	}()
	switch args[0] {
	case "server":
		return soakServer(args[1], &pacer{rate: soakBytes})
	case "target":
		return soakServer(args[1], nil)
	case "traffic":
		return soakTraffic(args[1], args[2:])
	case "packets":
		return soakPackets(args[1:])
	case "conns":
		return soakConns(args[1:])
	}
	return testkit.RoleFailed("no part %q", args[0])
}

// endlessTarget is what the server of a soak answers without an end.
const endlessTarget = "/abuse/endless"

// soakServer is the parts "server ADDRESS" and "target ADDRESS": it answers
// what is a request, and reads whatever else comes. The answers to
// endlessTarget have no end and share pace; a target has none, so that it
// holds up no drain.
func soakServer(addr string, pace *pacer) int {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return testkit.RoleFailed("%v", err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				answerAll(c, pace)
				c.Close()
			}()
		}
	}()
	interrupted := onInterrupt()
	fmt.Fprintln(os.Stderr, "listening")
	<-interrupted
	return 0
}

// answerAll serves a connection.
func answerAll(c net.Conn, pace *pacer) {
	var p http1.Parser
	p.ResetRequest()
	buf := make([]byte, 64<<10)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		endless := pace != nil && bytes.HasPrefix(buf[:n], []byte("GET "+endlessTarget+" "))
		for b := buf[:n]; len(b) > 0; {
			used, done, err := p.Feed(b)
			if err != nil {
				io.Copy(io.Discard, c)
				return
			}
			b = b[used:]
			if !done {
				continue
			}
			if endless {
				answerWithoutEnd(c, pace)
				return
			}
			if _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"); err != nil {
				return
			}
			p.ResetRequest()
		}
	}
}

// answerWithoutEnd goes on until the client has enough.
func answerWithoutEnd(c net.Conn, pace *pacer) {
	if _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"); err != nil {
		return
	}
	chunk := fmt.Appendf(nil, "%x\r\n%s\r\n", 16<<10, bytes.Repeat([]byte("e"), 16<<10))
	for {
		pace.take(len(chunk))
		if _, err := c.Write(chunk); err != nil {
			return
		}
	}
}

// A soakStream is one client whose requests must all be captured.
type soakStream struct {
	side string // the host on which it is: near or far
	addr string
	name string
	kept bool // on one connection; else each round has its own

	offset time.Duration // after which it begins
}

// soakStreams lists the clients: on loopback and over the link, IPv4 and
// IPv6.
func soakStreams() (all []soakStream) {
	for _, at := range [][2]string{{"near", "127.0.0.1:80"}, {"near", "[::1]:80"}, {"far", "10.77.0.1:80"}, {"far", "[fd77::1]:80"}} {
		for _, kept := range []bool{true, false} {
			all = append(all, soakStream{
				side: at[0], addr: at[1], name: fmt.Sprintf("client%d", len(all)), kept: kept,
				offset: time.Duration(len(all)) * roundTime / 8, // they need not all send their megabyte at once
			})
		}
	}
	return all
}

// A round is soakRound requests, one of them of a megabyte, in roundTime.
const (
	soakRound = 27
	roundTime = 2 * time.Second
)

func (s soakStream) round(n int) [][]byte {
	return testkit.NumberedRequests(soakRound, fmt.Sprintf("%s.round%d", s.name, n))
}

// soakTraffic is the part "traffic SIDE ROUNDS": the clients of one side.
func soakTraffic(side string, args []string) int {
	rounds, err := strconv.Atoi(args[0])
	if err != nil {
		return testkit.RoleFailed("%v", err)
	}
	var wg sync.WaitGroup
	errs := make(chan error, len(soakStreams()))
	for _, s := range soakStreams() {
		if s.side == side {
			wg.Go(func() { errs <- s.send(rounds) })
		}
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return testkit.RoleFailed("%v", err)
		}
	}
	return 0
}

// send sends all rounds, and reads an answer to each request.
func (s soakStream) send(rounds int) error {
	var c net.Conn
	var answers *testkit.AnswerReader
	defer func() { c.Close() }()
	due := time.Now().Add(s.offset)
	for round := range rounds {
		if c == nil || !s.kept {
			next, err := net.Dial("tcp", s.addr)
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			if c != nil {
				c.Close()
			}
			c, answers = next, &testkit.AnswerReader{Conn: next}
		}
		for i, request := range s.round(round) {
			time.Sleep(time.Until(due))
			due = due.Add(roundTime / soakRound)
			if now := time.Now(); due.Before(now) {
				due = now
			}
			c.SetDeadline(time.Now().Add(testkit.Timeout))
			if _, err := c.Write(request); err != nil {
				return fmt.Errorf("%s: round %d: request %d: %w", s.name, round, i, err)
			}
			if err := answers.Next(); err != nil {
				return fmt.Errorf("%s: round %d: answer to request %d: %w", s.name, round, i, err)
			}
		}
	}
	return nil
}
