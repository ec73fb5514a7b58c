package outbound

// TellHealth returns what tells logf about a target, under that name: why there is
// no connection to it, or, with a nil error, that there is one again.
func TellHealth(name string, logf func(format string, args ...any)) func(error) {
	return func(err error) {
		if err != nil {
			logf("%s: %v", name, err)
		} else {
			logf("%s: takes connections again", name)
		}
	}
}
