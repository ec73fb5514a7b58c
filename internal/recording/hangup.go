package recording

import (
	"os"
	"os/signal"
	"syscall"
)

// reopenOnHangup has SIGHUP reopen the files, from before the first one is
// open: without that the signal would end Gor. It holds until the run is over,
// so that a signal after Close does not cost the summary.
func (r *Recorder) reopenOnHangup(runOver <-chan struct{}, background func(func())) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	listen := func() {
		defer signal.Stop(hangups)
		ended := r.ended
		for {
			select {
			case <-hangups:
				r.reopen()
			case <-ended:
				if runOver == nil {
					return
				}
				ended = nil
			case <-runOver:
				return
			}
		}
	}
	if background == nil {
		go listen()
		return
	}
	background(listen)
}
