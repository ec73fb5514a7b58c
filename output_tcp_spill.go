package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/buger/gor/internal/disk"
	"github.com/buger/gor/internal/dispatch"
	"github.com/buger/gor/internal/link"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/spill"
	"github.com/buger/gor/internal/stats"
)

// keptRow names the row of what an output has kept for its next start.
const keptRow = "kept on disk"

// linkSpill is what an --output-tcp with --output-tcp-spill has more.
type linkSpill struct {
	*spiller
	dir string
}

// startSpill starts the link behind a spiller. Each receiver has a folder of
// its own in the one that was named: what was meant for one goes to no other.
func (o *tcpOutput) startSpill(s *Settings, env *pluginEnv, config func(i int) link.SenderConfig) error {
	dir := filepath.Join(s.TCP.Spill, string(disk.AppendSafe(nil, []byte(o.addr))))
	store, mark, err := spill.Open(dir, int64(s.TCP.SpillSize), s.MessageLimit+maxHeaderLine)
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
	p := &spiller{
		in: o.q, out: queue.New(linkQueue, cfg.WindowBytes), store: store,
		check:   func() error { return keepFree(s.MinFree, dir) },
		logf:    cfg.Logf,
		closing: make(chan struct{}),
	}
	p.src = &spillSource{Source: dispatch.NewSource(p.out), p: p}
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
	sender := link.NewSender(cfg, p.src)
	p.live = sender.Connected
	o.workers = &linkWorkers{senders: []*link.Sender{sender}}
	o.spill = &linkSpill{p, dir}
	p.start()
	return nil
}

// drain returns when all is sent, or safe on disk while there is no receiver.
func (s *linkSpill) drain(cancel <-chan struct{}) error {
	for {
		if err := s.settle(cancel); err != nil {
			return err
		}
		waiting, held, _ := s.store.Level()
		if waiting+held == 0 || !s.live() {
			return nil // all is sent, or kept for the next start
		}
		if halted(cancel) {
			return queue.ErrCancelled
		}
		sleep(cancel, spillGrain)
	}
}

// close ends the link and keeps what it has not delivered.
func (s *linkSpill) close(w *linkWorkers) (unsent int) {
	s.stop()
	at := w.senders[0].Stop()
	s.keep(&spill.Mark{Identity: at.Identity.String(), Number: at.Number, Secret: at.Secret})
	w.close()
	s.out.Close()
	s.out.Discard()
	s.mu.Lock()
	defer s.mu.Unlock()
	return int(s.lost)
}

// fates takes what was found on disk at the start out of the rows, which are
// about what was written in this run: it was the first to be delivered.
func (s *linkSpill) fates(rows []stats.Count) []stats.Count {
	s.mu.Lock()
	defer s.mu.Unlock()
	rows = append(rows, stats.Count{Name: "spill damaged", Kind: stats.Failed, N: uint64(s.store.Damaged())})
	early := uint64(s.store.Found())
	for i := range rows {
		n := min(early, rows[i].N)
		rows[i].N -= n
		early -= n
	}
	return append(rows, stats.Count{Name: keptRow, Kind: stats.Kept, N: s.kept - min(early, s.kept)})
}

func (s *linkSpill) report(r *report) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := s.store.Found(); found > 0 {
		r.Line("spill: %s of an earlier run", plural(found, "message"))
		r.Value("spill_found", found)
	}
	if s.kept > 0 {
		r.Line("spill: %s in %s for the next start", plural(int(s.kept), "message"), s.dir)
		r.Value("spill_kept", s.kept)
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
