package signals

import (
	"os"

	"golang.org/x/sys/unix"
)

// A terminal is the one that the process was started from; nil when there is none,
// as for a service.
type terminal struct{ f *os.File }

// openTerminal opens the controlling terminal.
func openTerminal() *terminal {
	f, err := os.OpenFile("/dev/tty", os.O_RDONLY|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil
	}
	return &terminal{f}
}

// hungUp reports whether the terminal was closed, or its line broke: all that is
// asked of it fails from then on (tty_ioctl(4)). The system says so before it
// sends SIGHUP.
func (t *terminal) hungUp() bool {
	_, err := unix.IoctlGetTermios(int(t.f.Fd()), unix.TCGETS)
	return err != nil
}

func (t *terminal) close() { t.f.Close() }
