package pace

// FNV32a is the FNV-1a hash of 32 bits, which Gor's header limits are defined
// by since 0.9.
func FNV32a(b []byte) uint32 {
	const offset, prime = 2166136261, 16777619
	h := uint32(offset)
	for _, c := range b {
		h = (h ^ uint32(c)) * prime
	}
	return h
}

// HashFraction reports whether value is among the n/d of all values that are
// kept. All are when n >= d > 0, and none when d is 0. d is at most 2^32.
func HashFraction(value []byte, n, d uint64) bool {
	if d == 0 || n >= d {
		return d > 0
	}
	return uint64(FNV32a(value)) < n<<32/d
}

// HashPercent reports whether value is among the p percent of all values that
// are kept.
func HashPercent(value []byte, p uint32) bool {
	return FNV32a(value)%100 < p
}

// KeepID reports whether the message with this id is among the percentage that
// is kept. A request and its responses have one id, so they agree.
func KeepID(id []byte, percent int) bool { return KeepIDOf(id, percent, 0) }

// KeepIDOf is KeepID with a salt. Under different salts the choices have
// nothing to do with each other: a tenth of a tenth is a hundredth, which it
// would not be where both tenths are the same.
func KeepIDOf(id []byte, percent int, salt uint32) bool {
	// The upper half of the product spreads all of the hash over 0..99; a
	// remainder would prefer the low ones.
	return uint64(mix(FNV32a(id)^salt))*100>>32 < uint64(max(percent, 0))
}

// mix lets every bit of h change half of the result's bits (the finaliser of
// MurmurHash3). FNV-1a alone does not spread its last bytes, where ids that
// were counted up differ, into the bits that KeepID looks at.
func mix(h uint32) uint32 {
	h ^= h >> 16
	h *= 0x85ebca6b
	h ^= h >> 13
	h *= 0xc2b2ae35
	h ^= h >> 16
	return h
}
