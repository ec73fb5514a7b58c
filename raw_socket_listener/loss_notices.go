package rawsocket

import (
	"fmt"
	"strings"
	"time"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/raw_socket_listener/assemble"
	"github.com/buger/gor/raw_socket_listener/source"
)

// lossAgain is how often losses that go on are told again.
const lossAgain = time.Minute

// lossNotices tells of each kind of loss once, when it begins, and of those
// that can be helped again while they go on.
type lossNotices struct {
	cfg     Config
	told    [assemble.LossKinds]uint64 // what was said last of each kind
	dropped uint64                     // likewise, of the kernel's drops
	again   int64                      // packet time from which on a loss that goes on may be told
}

// lossManner is how a kind of loss is told.
type lossManner uint8

const (
	lossUntold lossManner = iota // it belongs to every capture; the ledger has it
	lossCalm                     // once: the traffic is like that, nothing can be done about it here
	lossAlarm                    // and again while it goes on: something can
)

func (l *lossNotices) manner(k assemble.Loss) lossManner {
	switch k {
	case assemble.LostGap, assemble.LostTooLarge, assemble.LostMemory, assemble.LostShed:
		return lossAlarm
	case assemble.LostMalformed, assemble.LostExpired, assemble.LostUnpaired, assemble.LostWithheld:
		return lossCalm
	case assemble.LostClosed:
		// Every client that goes away ends an upload or two. Who wants the
		// responses also wants to know that some are cut.
		if l.cfg.TrackResponse {
			return lossCalm
		}
	}
	return lossUntold
}

// look tells what s has that was not told.
func (l *lossNotices) look(now int64, s *Stats, logf func(string, ...any)) {
	first := false
	if s.Source.Dropped > 0 && l.dropped == 0 {
		first, l.dropped = true, s.Source.Dropped
		logf("losing packets: the kernel dropped %d that its ring had no room for, and the messages in them are lost: raise --input-raw-buffer-size", s.Source.Dropped)
	}
	for k := assemble.NotLost + 1; k < assemble.LossKinds; k++ {
		n, manner := s.Lost[k], l.manner(k)
		if n == 0 || l.told[k] > 0 || manner == lossUntold {
			continue
		}
		first = first || manner == lossAlarm
		l.told[k] = n
		logf("%s", l.text(k, n, &s.Source))
	}
	switch {
	case first:
		l.again = now + int64(lossAgain)
	case now >= l.again && l.cfg.Address.Live(): // a file is over too soon for that
		if text := l.more(s); text != "" {
			l.again = now + int64(lossAgain)
			logf("still losing: %s", text)
		}
	}
}

// more lists the losses that have grown since they were told.
func (l *lossNotices) more(s *Stats) string {
	var list []string
	if n := s.Source.Dropped; n > l.dropped {
		list = append(list, fmt.Sprintf("%s dropped by the kernel (%d more)", source.Counted(n, "packet"), n-l.dropped))
		l.dropped = n
	}
	for k := assemble.NotLost + 1; k < assemble.LossKinds; k++ {
		if n := s.Lost[k]; l.manner(k) == lossAlarm && n > l.told[k] {
			list = append(list, fmt.Sprintf("%s: %s (%d more)", source.Counted(n, "message"), k, n-l.told[k]))
			l.told[k] = n
		}
	}
	return strings.Join(list, ", ")
}

// text is what a loss means and what to do about it.
func (l *lossNotices) text(k assemble.Loss, n uint64, src *source.Stats) string {
	switch messages := source.Counted(n, "message"); k {
	case assemble.LostGap:
		return fmt.Sprintf("losing messages: %d with a hole that no retransmission closed: %s", n, l.holes(src))
	case assemble.LostTooLarge:
		return fmt.Sprintf("losing messages: %d of more than %d bytes (raise --copy-buffer-size), or with more than %d header fields", n, l.cfg.MaxMessage, http1.MaxFields)
	case assemble.LostMemory:
		return fmt.Sprintf("losing messages: %d given up to stay below the ceilings of memory: raise --input-raw-max-buffered or --input-raw-max-connections", n)
	case assemble.LostShed:
		return fmt.Sprintf("losing messages, %d so far: they are captured faster than they are passed on: give Gor more CPU, or take a share of them, such as --input-raw '%s|50%%'", n, l.cfg.Address)
	case assemble.LostMalformed:
		return fmt.Sprintf("%s cannot be read as HTTP/1 and will not be passed on: if that goes on, something else than HTTP uses the port", messages)
	case assemble.LostExpired:
		return fmt.Sprintf("%s begun and not continued for %v, as by a client or server that hangs: not passed on", messages, assemble.IdleTimeout)
	case assemble.LostUnpaired:
		return fmt.Sprintf("%s without a request that was seen whole, as after the start or after a loss: not passed on", source.Counted(n, "response"))
	case assemble.LostWithheld:
		return fmt.Sprintf("%s without body, which the server refused to take (Expect: 100-continue): not passed on", messages)
	case assemble.LostClosed:
		return fmt.Sprintf("%s cut short by the end of the connection, as when a client goes away: not passed on", messages)
	}
	return ""
}

// holes says why packets are missing.
func (l *lossNotices) holes(src *source.Stats) string {
	switch {
	case src.Dropped > 0:
		return "the kernel dropped packets of theirs: raise --input-raw-buffer-size"
	case src.Cut > 0 && !l.cfg.Address.Live():
		return "the capture file has not kept whole packets: record it with tcpdump -s 0"
	case src.Cut > 0:
		return "some packets are longer than a block of the ring: raise --input-raw-buffer-size"
	case !l.cfg.Address.Live():
		return "the capture file has not got these packets: record it with a larger buffer (tcpdump -B 65536), close to the server"
	}
	return "these packets never got to this capture: the mirror port or the network card lost them (ethtool -S), or they take another way"
}

// Losses are the names of the ledger's rows of messages that were lost.
func Losses() []string {
	var names []string
	for _, row := range (assemble.Stats{}).Rows() {
		if row.Lost {
			names = append(names, row.Name)
		}
	}
	return names
}
