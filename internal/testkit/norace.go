//go:build !race

package testkit

// RaceEnabled says that the race detector is compiled in, which multiplies
// memory and time.
const RaceEnabled = false
