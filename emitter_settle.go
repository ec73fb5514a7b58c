package main

import "github.com/buger/gor/internal/queue"

// newOutlet makes an outlet that says when the link's acknowledgments go on
// without it.
func newOutlet(out Output, logf func(format string, args ...any)) *outlet {
	return &outlet{Output: out, patience: queue.Patience{Limit: linkPatience, Changed: func(stuck bool) {
		if stuck {
			logf("%s: no progress for %s: messages of the link are acknowledged without it; what it cannot take is counted as shed, and what it still has at the end as unsent", out, linkPatience)
		} else {
			logf("%s: makes progress again: messages of the link are acknowledged when it has them", out)
		}
	}}}
}

// settle returns when what was written to the outputs so far is out of the
// process's hands. Of several outputs, one that hangs is waited for only so
// long: the link's senders would otherwise stop for all. A single one is waited
// for, so that the messages stay with their senders.
func (e *emitter) settle(cancel <-chan struct{}) error {
	if e.gate != nil {
		if err := e.gate.Settle(cancel); err != nil {
			return err
		}
	}
	for _, out := range e.outputs {
		if len(e.outputs) == 1 || e.waits {
			if err := out.Settle(cancel); err != nil {
				return err
			}
			continue
		}
		if _, err := out.patience.Settle(out.Output, cancel); err != nil {
			return err
		}
	}
	return nil
}
