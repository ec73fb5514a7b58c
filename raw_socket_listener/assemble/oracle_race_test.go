//go:build race

package assemble

// oracleMutations is fewer than without the race detector, which finds nothing in
// one goroutine and takes ten times as long.
const oracleMutations = 1_000
