//go:build !linux

package signals

type terminal struct{}

func openTerminal() *terminal    { return nil }
func (t *terminal) hungUp() bool { return false }
func (t *terminal) close()       {}
