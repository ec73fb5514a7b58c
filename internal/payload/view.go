package payload

import (
	"bytes"
	"fmt"
)

// The views below look at one field of a message without reading the rest of
// its header. They refer to msg, and are empty when msg is not a message.

// IsRequest reports whether msg is a captured request.
func IsRequest(msg []byte) bool { return len(msg) > 0 && msg[0] == Request }

// IsOriginal reports whether msg is what the original server answered.
func IsOriginal(msg []byte) bool { return len(msg) > 0 && msg[0] == Response }

// ID returns the id in the header of msg.
func ID(msg []byte) []byte {
	if len(msg) < 2 {
		return nil
	}
	id := msg[2:min(len(msg), maxHeader)]
	if i := bytes.IndexAny(id, " \n"); i >= 0 {
		return id[:i:i]
	}
	return nil
}

// Header returns the header line of msg with its LF.
func Header(msg []byte) []byte { return msg[:len(msg)-len(Body(msg))] }

// describeAtMost bounds the part of a start line that Describe shows, in bytes.
const describeAtMost = 200

// Describe is a line for people: the id and the start line of msg.
func Describe(msg []byte) string {
	line := Body(msg)
	line = line[:min(len(line), describeAtMost)]
	if i := bytes.IndexAny(line, "\r\n"); i >= 0 {
		line = line[:i]
	}
	return fmt.Sprintf("%s %q", ID(msg), line)
}
