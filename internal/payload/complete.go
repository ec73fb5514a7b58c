package payload

import "github.com/buger/gor/internal/http1"

// complete reports whether msg is exactly one whole HTTP message by its framing.
func complete(msg []byte) bool { return http1.Complete(msg) }
