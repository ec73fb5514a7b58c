package dispatch

import "time"

// prepareEvery is how often a worker is started ahead of its message when those
// before it are not ready yet, since their target is far away. From a near one
// each is waited for: many at once would hold up what is due meanwhile.
const prepareEvery = time.Millisecond

// Prepare is called when Wanted may have changed. It starts workers one after the
// other in the background until as many run as are wanted, at most Most.
func (w *Workers) Prepare() {
	if w.preparing.Load() || !w.behind() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || w.preparing.Swap(true) {
		return
	}
	ended := make(chan struct{})
	w.prepared = ended
	w.wg.Go(func() {
		defer close(ended)
		w.prepare()
	})
}

// Ready returns a channel that is closed when all that was begun or prepared so
// far is ready, or is known not to become so.
func (w *Workers) Ready() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.prepared != nil {
		return w.prepared
	}
	return w.stood
}

// behind reports whether more workers are wanted than there are, and may be started.
func (w *Workers) behind() bool {
	running := int(w.running.Load())
	return running < w.cfg.Most && running < w.cfg.Wanted() && (w.cfg.Stands() || w.starting.Load() > 0)
}

// prepare starts workers until there are as many as are wanted, and returns when
// they are ready.
func (w *Workers) prepare() {
	late := time.NewTimer(prepareEvery)
	defer late.Stop()
	defer w.preparing.Store(false)
	for {
		switch behind := w.behind(); {
		case behind && w.mayGoOn(late):
			if !w.ahead() {
				return
			}
			late.Reset(prepareEvery)
		case behind: // look again
		case w.starting.Load() <= 0:
			return
		default:
			<-w.ready
		}
	}
}

// mayGoOn waits until a worker is ready, and reports whether another may be
// started.
func (w *Workers) mayGoOn(late *time.Timer) bool {
	if w.starting.Load() <= 0 {
		return true
	}
	var passed <-chan time.Time
	if w.cfg.Stands() {
		passed = late.C
	}
	select {
	case <-w.ready:
		return false
	case <-passed:
		return true
	}
}

// ahead starts a worker for which there is no message yet, unless the target is
// known to take only so many.
func (w *Workers) ahead() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if allowed, _ := w.cfg.Allow(w.cfg.Most); w.closed || allowed < w.cfg.Most {
		return false
	}
	if int(w.running.Load()) < w.cfg.Most { // Grow may have started the last one meanwhile
		w.start(1)
	}
	return true
}
