package message

// Conn returns a number that names a connection by what little is known of it,
// such as the client's address and agent: FNV-1a of the parts with a zero byte
// between. The same parts give the same number in every run.
func Conn(parts ...[]byte) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211
	h := uint64(offset)
	for _, part := range parts {
		for _, c := range part {
			h = (h ^ uint64(c)) * prime
		}
		h *= prime
	}
	return h
}
