package recording

import "time"

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
