package payload

const (
	connDigits = 16 // hexadecimal digits of an id that name the connection
	idDigits   = 24 // hexadecimal digits of an id that is made here
)

// AppendID appends an id of 24 hexadecimal digits: 16 of conn, which names a connection, and 8 of ordinal,
// which counts the exchanges in it.
func AppendID(dst []byte, conn uint64, ordinal uint32) []byte {
	const digits = "0123456789abcdef"
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, digits[conn>>shift&0xF])
	}
	for shift := 28; shift >= 0; shift -= 4 {
		dst = append(dst, digits[ordinal>>shift&0xF])
	}
	return dst
}

// ConnPart returns the part of id that names its connection: the first 16 digits of an id of 24, and the
// whole of any other. The result refers to id.
func ConnPart(id []byte) []byte {
	if len(id) == idDigits {
		return id[:connDigits:connDigits]
	}
	return id
}
