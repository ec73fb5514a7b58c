package plugin

// ProgressParts is how finely the progress of several inputs is measured: each
// has a unit of its own.
const ProgressParts = 1_000_000

// Overall is how far inputs have got, in ProgressParts of all: as far as the one
// that has the most before it, and as late as the one that lags most. All is zero
// when one of them has no end.
func Overall(inputs []Input) Progress {
	var least Progress
	for _, in := range inputs {
		p := in.Progress()
		if p.All == 0 {
			return Progress{}
		}
		done := int64(float64(p.Done) / float64(p.All) * ProgressParts)
		if least.All == 0 || done < least.Done {
			least.Done = done
		}
		least.Lag = max(least.Lag, p.Lag)
		least.All = ProgressParts
	}
	return least
}
