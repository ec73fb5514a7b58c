package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/buger/gor/internal/disk"
	"github.com/buger/gor/internal/link"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/spill"
	"github.com/buger/gor/internal/stats"
)

// keptRow names the row of what an output has kept for its next start.
const keptRow = "kept on disk"

// linkSpill is what an --output-tcp with --output-tcp-spill has more.
type linkSpill struct {
	*spill.Spiller
	in, out *queue.Queue
	store   *spill.Store
	away    func() bool // there is no receiver, as far as is known
	dir     string
}

// startSpill starts the link behind a spiller. Each receiver has a folder of
// its own in the one that was named: what was meant for one goes to no other.
func (o *tcpOutput) startSpill(s *Settings, env *pluginEnv, config func(i int) link.SenderConfig) error {
	dir := filepath.Join(s.tcpOutput.Spill, string(disk.AppendSafe(nil, []byte(o.addr))))
	store, mark, err := spill.Open(dir, int64(s.tcpOutput.SpillSize), s.MessageLimit+maxHeaderLine)
	switch {
	case errors.Is(err, disk.ErrLocked):
		return fmt.Errorf("--output-tcp-spill: %w; give each Gor a folder of its own", err)
	case err != nil:
		return fmt.Errorf("--output-tcp-spill: %w", err)
	}
	cfg := config(0)
	// The queue in front of the spill and the one behind it share what one
	// output may take of memory.
	cfg.WindowBytes = max(1, env.queueBytes/2)
	out := queue.New(0, cfg.WindowBytes)
	p := spill.New(spill.Config{
		In: o.q, Out: out, Store: store,
		Check:    func() error { return keepFree(s.fileOutput.MinFree, dir) },
		Logf:     cfg.Logf,
		FullText: "the spill holds what --output-tcp-spill-size allows; what the receiver cannot take is lost from now on",
	})
	if err := store.Full(); err != nil {
		cfg.Logf("%v; what the receiver cannot take stays in memory until there is room on the disk", err)
	}
	if cfg.Plain == link.PlainAuto {
		// Silence may be a balancer's whose receiver is away, and what is on
		// disk can wait.
		cfg.Plain = link.PlainNever
	}
	cfg.Peer = link.NewPeer(store.Acknowledges(), func() {
		if err := store.Remember(); err != nil {
			cfg.Logf("remember that the receiver acknowledges messages: %v", err)
		}
	})
	waiting, _, _ := store.Level()
	if mark != nil {
		if id, err := link.ParseIdentity(mark.Identity); err == nil && waiting > 0 {
			cfg.Resume, cfg.ResumeCount = link.Mark{Identity: id, Number: mark.Number, Secret: mark.Secret}, waiting
		}
	}
	if waiting > 0 {
		cfg.Logf("%s of an earlier run in %s, to be sent first", plural(waiting, "message"), dir)
	}
	cfg.Changed = p.Changed
	sender := link.NewSender(cfg, p.Source())
	o.workers = &linkWorkers{senders: []*link.Sender{sender}}
	o.spill = &linkSpill{Spiller: p, in: o.q, out: out, store: store, dir: dir, away: func() bool { return sender.Tried() && !sender.Connected() }}
	p.Start(sender.Connected)
	return nil
}

// drain returns when all is sent, or safe on disk while there is no receiver.
func (s *linkSpill) drain(cancel <-chan struct{}) error {
	for {
		changed := s.Next()
		if err := s.Settle(cancel); err != nil {
			return err
		}
		waiting, held, _ := s.store.Level()
		if waiting+held == 0 || s.away() {
			return nil // all is sent, or kept for the next start
		}
		if halted(cancel) {
			return queue.ErrCancelled
		}
		select {
		case <-changed:
		case <-cancel:
		}
	}
}

// close ends the link and keeps what it has not delivered.
func (s *linkSpill) close(w *linkWorkers) (unsent int) {
	s.Stop()
	at := w.senders[0].Stop()
	s.Keep(&spill.Mark{Identity: at.Identity.String(), Number: at.Number, Secret: at.Secret})
	w.close()
	s.out.Close()
	s.out.Discard()
	return s.Lost()
}

// fates takes what was found on disk at the start out of the rows, which are
// about what was written in this run: it was the first to be delivered.
func (s *linkSpill) fates(rows []stats.Count) []stats.Count {
	rows = append(rows, stats.Count{Name: "spill damaged", Kind: stats.Failed, N: uint64(s.store.Damaged())})
	early, kept := uint64(s.store.Found()), s.Kept()
	for i := range rows {
		n := min(early, rows[i].N)
		rows[i].N -= n
		early -= n
	}
	return append(rows, stats.Count{Name: keptRow, Kind: stats.Kept, N: kept - min(early, kept)})
}

func (s *linkSpill) report(r *report) {
	if found := s.store.Found(); found > 0 {
		r.Line("spill: %s of an earlier run", plural(found, "message"))
		r.Value("spill_found", found)
	}
	if kept := s.Kept(); kept > 0 {
		r.Line("spill: %s in %s for the next start", plural(int(kept), "message"), s.dir)
		r.Value("spill_kept", kept)
	}
}

// lastProgress is when the receiver last acknowledged something, or the disk
// took something.
func (s *linkSpill) lastProgress() time.Time {
	a, b := s.in.LastProgress(), s.out.LastProgress()
	if a.After(b) {
		return a
	}
	return b
}

func plural(n int, what string) string {
	if n == 1 {
		return fmt.Sprintf("%d %s", n, what)
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// sleep waits, and returns false when cancel was closed before.
func sleep(cancel <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-cancel:
		return false
	}
}
