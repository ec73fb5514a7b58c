package http1

// HasToken reports whether word is an element of a comma-separated list, such
// as the value of a Connection header, whatever its case (RFC 9110 section
// 5.6.1).
func HasToken(list []byte, word string) bool {
	for elem, rest := element(list); elem != nil; elem, rest = element(rest) {
		if equalFold(elem, word) {
			return true
		}
	}
	return false
}
