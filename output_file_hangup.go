package main

import (
	"os"
	"os/signal"
	"syscall"
)

// reopenOnHangup has SIGHUP reopen the files, from before the first one is
// open: without that the signal would end Gor. It holds until the run is over,
// so that a signal after Close does not cost the summary.
func (o *fileOutput) reopenOnHangup(env *pluginEnv) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	listen := func() {
		defer signal.Stop(hangups)
		gone := o.gone
		for {
			select {
			case <-hangups:
				o.reopen()
			case <-gone:
				if env.done == nil {
					return
				}
				gone = nil
			case <-env.done:
				return
			}
		}
	}
	if env.background == nil {
		go listen()
		return
	}
	env.background.Go(listen)
}
