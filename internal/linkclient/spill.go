package linkclient

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/buger/gor/internal/disk"
	"github.com/buger/gor/internal/link"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/spill"
	"github.com/buger/gor/internal/stats"
)

// keptRow names the row of what an output has kept for its next start.
const keptRow = "kept on disk"

// A Spill says where messages wait on disk for their receiver. All of it is
// required.
type Spill struct {
	// Folder is where each receiver has a folder of its own, which is called
	// like its Address: what was meant for one goes to no other.
	Folder, Address string

	Size        int64 // bytes that the receiver's folder may have
	MessageMost int   // bytes of one message, with its header line

	// Check returns why nothing more may be written to dir now.
	Check func(dir string) error

	// FullText is what is said when the folder has Size bytes.
	FullText string
}

// A spiller is what a Client has in addition when it has a Spill.
type spiller struct {
	*spill.Spiller
	in, out *queue.Queue
	store   *spill.Store
	away    func() bool // there is no receiver, as far as is known
	dir     string
}

// openSpill starts the link behind a spiller, which empties q.
func openSpill(cfg Config, q *queue.Queue) (*spiller, *senders, error) {
	dir := filepath.Join(cfg.Spill.Folder, string(disk.AppendSafe(nil, []byte(cfg.Spill.Address))))
	store, mark, err := spill.Open(dir, cfg.Spill.Size, cfg.Spill.MessageMost)
	if err != nil {
		return nil, nil, err
	}
	sender := cfg.sender(0)
	sender.WindowBytes = max(1, cfg.QueueBytes/2)
	out := queue.New(0, sender.WindowBytes)
	p := spill.New(spill.Config{
		In: q, Out: out, Store: store,
		Check:    func() error { return cfg.Spill.Check(dir) },
		Logf:     sender.Logf,
		FullText: cfg.Spill.FullText,
	})
	if err := store.Full(); err != nil {
		sender.Logf("%v; what the receiver cannot take stays in memory until there is room on the disk", err)
	}
	if sender.Plain == link.PlainAuto {
		// Silence may be a balancer's whose receiver is away, and what is on
		// disk can wait.
		sender.Plain = link.PlainNever
	}
	sender.Peer = link.NewPeer(store.Acknowledges(), func() {
		if err := store.Remember(); err != nil {
			sender.Logf("remember that the receiver acknowledges messages: %v", err)
		}
	})
	waiting, _, _ := store.Level()
	if mark != nil {
		if id, err := link.ParseIdentity(mark.Identity); err == nil && waiting > 0 {
			sender.Resume, sender.ResumeCount = link.Mark{Identity: id, Number: mark.Number, Secret: mark.Secret}, waiting
		}
	}
	if waiting > 0 {
		sender.Logf("%s of an earlier run in %s, to be sent first", messages(waiting), dir)
	}
	sender.Changed = p.Changed
	one := link.NewSender(sender, p.Source())
	p.Start(one.Connected)
	return &spiller{
		Spiller: p, in: q, out: out, store: store, dir: dir,
		away: func() bool { return one.Tried() && !one.Connected() },
	}, &senders{list: []*link.Sender{one}}, nil
}

// drain returns when all is sent, or safe on disk while there is no receiver.
func (s *spiller) drain(cancel <-chan struct{}) error {
	for {
		changed := s.Next()
		if err := s.Settle(cancel); err != nil {
			return err
		}
		waiting, held, _ := s.store.Level()
		if waiting+held == 0 || s.away() {
			return nil // all is sent, or kept for the next start
		}
		select {
		case <-changed:
		case <-cancel:
			return queue.ErrCancelled
		}
	}
}

// close ends the link and keeps what it has not delivered.
func (s *spiller) close(to *senders) (unsent int) {
	s.Stop()
	at := to.list[0].Stop()
	s.Keep(&spill.Mark{Identity: at.Identity.String(), Number: at.Number, Secret: at.Secret})
	to.close()
	s.out.Close()
	s.out.Discard()
	return s.Lost()
}

// fates takes what was found on disk at the start out of the rows, which are
// about what was written in this run: it was the first to be delivered.
func (s *spiller) fates(rows []stats.Count) []stats.Count {
	rows = append(rows, stats.Count{Name: "spill damaged", Kind: stats.Failed, N: uint64(s.store.Damaged())})
	early, kept := uint64(s.store.Found()), s.Kept()
	for i := range rows {
		n := min(early, rows[i].N)
		rows[i].N -= n
		early -= n
	}
	return append(rows, stats.Count{Name: keptRow, Kind: stats.Kept, N: kept - min(early, kept)})
}

func (s *spiller) report(r *plugin.Report) {
	if found := s.store.Found(); found > 0 {
		r.Line("spill: %s of an earlier run", messages(found))
		r.Value("spill_found", found)
	}
	if kept := s.Kept(); kept > 0 {
		r.Line("spill: %s in %s for the next start", messages(int(kept)), s.dir)
		r.Value("spill_kept", kept)
	}
}

// lastProgress is when the receiver last acknowledged something, or the disk
// took something.
func (s *spiller) lastProgress() time.Time {
	a, b := s.in.LastProgress(), s.out.LastProgress()
	if a.After(b) {
		return a
	}
	return b
}

func messages(n int) string {
	if n == 1 {
		return "1 message"
	}
	return fmt.Sprintf("%d messages", n)
}
