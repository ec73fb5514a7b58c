package spill

import (
	"fmt"

	"github.com/buger/gor/internal/queue"
)

// Settle returns when what came before is on disk or was acknowledged.
func (p *Spiller) Settle(cancel <-chan struct{}) error {
	if err := p.in.Settle(cancel); err != nil {
		return err
	}
	p.mu.Lock()
	until := p.given
	p.mu.Unlock()
	for {
		changed := p.changed.Next()
		p.mu.Lock()
		done := p.given-uint64(p.directs) >= until
		p.mu.Unlock()
		switch {
		case done:
			return nil
		case queue.IsClosed(cancel):
			return queue.ErrCancelled
		case !p.live():
			// Nobody knows when the receiver is back.
			err := p.secure()
			if err == nil {
				break
			}
			p.tell(err)
			queue.Sleep(cancel, retryAfter)
			continue
		}
		select {
		case <-changed:
		case <-cancel:
		}
	}
}

// secure puts on disk what the link was given directly and has not delivered.
func (p *Spiller) secure() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.directs == 0 || p.ended {
		return nil
	}
	direct := p.src.Oldest(p.directs)
	if len(direct) < p.directs {
		return nil // some are on their way to the link: again when it has them
	}
	if err := p.store.Secure(direct); err != nil {
		return err
	}
	p.directs = 0
	p.changed.Ring()
	return nil
}

// Stop puts what is in the queue on disk and lets the link have no more.
func (p *Spiller) Stop() {
	p.in.Close()
	close(p.closing)
	p.urgent.Ring()
	p.taking.Wait()
	p.store.Stop()
	p.feeding.Wait()
}

// Keep ends the spiller, after stop and when the link has ended: what that did
// not deliver is on disk then. mark is what its successor will need.
func (p *Spiller) Keep(mark *Mark) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	direct := p.src.Oldest(p.directs)
	waiting, held, _ := p.store.Level()
	n, err := p.store.Close(direct, mark)
	if err != nil {
		p.logf("keep what was not sent: %v", err)
	}
	if n == waiting+held {
		p.lost += uint64(len(direct))
	}
	p.kept = uint64(n)
	if n > 0 {
		p.logf("%s kept on disk, to be sent at the next start", messageCount(n))
	}
}

func messageCount(n int) string {
	if n == 1 {
		return "1 message"
	}
	return fmt.Sprintf("%d messages", n)
}

// Kept returns how many messages are on disk since Keep.
func (p *Spiller) Kept() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.kept
}

// Lost returns how many messages could be put nowhere at the end.
func (p *Spiller) Lost() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return int(p.lost)
}
