//go:build !race

package rawsocket

// oracleMutations is how many mutations TestOracleMutations makes by default.
const oracleMutations = 10_000
