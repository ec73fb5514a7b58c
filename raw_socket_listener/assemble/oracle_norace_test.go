//go:build !race

package assemble

// oracleMutations is how many mutations TestOracleMutations makes by default.
const oracleMutations = 10_000
