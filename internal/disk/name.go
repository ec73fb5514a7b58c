package disk

// AppendSafe appends a name that may come from another host, such as an id, so
// that it cannot name a place elsewhere: it keeps letters, digits, - and _, and
// has _ for anything else.
func AppendSafe(dst, name []byte) []byte {
	for _, c := range name {
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '_' {
			dst = append(dst, c)
		} else {
			dst = append(dst, '_')
		}
	}
	return dst
}
