package live

import (
	"errors"
)

// How a live verdict ends: what was written before is compared, or given up.

// Settle returns when what was written before was handed over.
func (o *Output) Settle(cancel <-chan struct{}) error {
	for _, q := range o.queues() {
		if err := q.Settle(cancel); err != nil {
			return err
		}
	}
	return nil
}

// Drain makes the verdict and writes the reports. When it is cancelled, the verdict is
// about what was compared until then.
func (o *Output) Drain(cancel <-chan struct{}) error {
	o.draining.Store(true)
	if err := o.Settle(cancel); err != nil {
		o.comparison.GiveUp() // or Close would compare for as long as that takes
		return err
	}
	o.any.Store(true) // a run without a message gets its reports too
	done := make(chan struct{})
	go func() {
		defer close(done)
		o.end()
	}()
	select {
	case <-done:
		return nil
	case <-cancel:
		o.comparison.GiveUp()
		<-done
		return errors.New("not all was compared")
	}
}

// Close makes a verdict of what there is, when Drain was not called. A Drain that is
// under way ends soon: nobody waits for the rest any more.
func (o *Output) Close() error {
	o.closing.Do(func() {
		if o.draining.Load() {
			o.comparison.GiveUp()
		}
		close(o.cancel)
		o.adding.Lock()
		o.relieved.Broadcast()
		o.adding.Unlock()
		o.end()
		o.comparison.Close() // temporary files alone are lost
	})
	return nil
}

// end makes the verdict, once.
func (o *Output) end() {
	o.ending.Do(func() {
		for _, q := range o.queues() {
			q.Close()
		}
		o.taken.Wait()
		for _, q := range o.queues() {
			o.unsent.Add(uint64(q.Discard()))
		}
		if !o.any.Load() {
			return
		}
		verdicts, err := o.comparison.End()
		if err = errors.Join(o.broken, err); err == nil {
			err = o.cfg.Reports.WriteAll(verdicts, o.cfg.Files, o.cfg.FailOn)
		}
		o.mu.Lock()
		o.ended, o.verdicts, o.trouble = true, verdicts, err
		o.mu.Unlock()
	})
}
