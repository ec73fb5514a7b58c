//go:build race

package main

// raceEnabled says that the race detector is compiled in, which multiplies
// memory and time.
const raceEnabled = true
