package http1

// Why framing differs on purpose from llhttp, which guards a server and rejects
// what Gor has to pass on. What is ambiguous is marked in Head.Flags.
const (
	afterClose   = "bytes after a Connection: close are framed as the next message, as after any other"
	anyMethod    = "any token is a method"
	anyTarget    = "the target may hold any byte, spaces flagged"
	bareCR       = "a CR without LF is part of its line, flagged: the head ends at the empty line all the same"
	bareLF       = "LF alone ends a line, flagged"
	chunkFraming = "chunk lines and data end in LF or CR LF, nothing else: the rest cannot be framed"
	chunkLine    = "blanks after the size and extensions of any form do not move the end of the line"
	colon        = "space before the colon of a framing header is flagged and the header counts"
	crEnds       = "a CR without LF ends no line"
	fieldBytes   = "header names and values may hold any byte: the end of the line is what counts"
	fold         = "folding is flagged; a header line that folds the start line is passed over"
	headOpen     = "the head is not finished, so its headers are not looked at yet"
	notChunked   = "a request whose last coding is not chunked has no end (RFC 9112 section 6.3)"
	notHTTP      = "RTSP and ICE are not HTTP"
	skipBody     = "the length of a request does not depend on its receiver"
	spacing      = "odd spacing in the start line is flagged"
	version      = "only HTTP/1 has this framing"
	zeroChunk    = "the body ends at the empty line after the last chunk, not at a second one"
)

// llhttpDifferences is the reviewed list, by file and heading. "(lenient)" in a
// heading is a mode of llhttp that accepts more.
var llhttpDifferences = map[string]string{
	"request/connection.md: `keep-alive` / No restart when keep-alive is off (1.0)":            afterClose,
	"request/connection.md: `close` / CRLF between requests, explicit `close`":                 afterClose,
	"request/connection.md: `close` / CRLF between requests, explicit `close` followed by tab": afterClose,
	"response/connection.md: HTTP/1.1 with keep-alive disabled and 204 status":                 afterClose,
	"response/connection.md: HTTP/1.1 with keep-alive disabled, content-length (lenient)":      afterClose,

	"request/invalid.md: ICE protocol and GET method / HTTP protocol and ANNOUNCE method": anyMethod,
	"request/invalid.md: ICE protocol and GET method / Invalid method":                    anyMethod,

	"request/uri.md: Disallow UTF-8 in URI path in strict mode": anyTarget,
	"request/uri.md: Space in URI":                              anyTarget,

	"request/connection.md: `keep-alive` / Not treating `\\r` as `-`":                                                  bareCR,
	"request/content-length.md: `Content-Length` with CR instead of dash":                                              bareCR,
	"request/content-length.md: Missing CRLF-CRLF before body":                                                         bareCR,
	"request/invalid.md: ICE protocol and GET method / Headers separated by CR":                                        bareCR,
	"request/invalid.md: ICE protocol and GET method / Headers separated by dummy characters":                          bareCR,
	"request/invalid.md: ICE protocol and GET method / Empty headers separated by CR":                                  bareCR,
	"request/lenient-header-value-relaxed.md: CR without LF in header value should be rejected even with relaxed flag": bareCR,
	"response/invalid.md: Incomplete HTTP protocol / Headers separated by CR":                                          bareCR,
	"response/invalid.md: Incomplete HTTP protocol / Bare CR after response line":                                      bareCR,
	"response/invalid.md: Incomplete HTTP protocol / Bare CR followed by CR after response line":                       bareCR,

	"request/invalid.md: ICE protocol and GET method / Headers separated by LF":                             bareLF,
	"request/invalid.md: ICE protocol and GET method / Empty headers separated by LF":                       bareLF,
	"request/invalid.md: ICE protocol and GET method / Missing CR between headers":                          bareLF,
	"request/invalid.md: Invalid space after start line / Only LFs present":                                 bareLF,
	"request/lenient-header-value-relaxed.md: LF in header value should be rejected even with relaxed flag": bareLF,
	"request/sample.md: Line folding in header value with LF":                                               bareLF,
	"response/invalid.md: Invalid space after start line / Only LFs present and no body":                    bareLF,
	"response/invalid.md: Invalid space after start line / Only LFs present":                                bareLF,
	"response/sample.md: No carriage ret":                                                                   bareLF,

	"request/transfer-encoding.md: Invalid OBS fold after chunked value / Chunk header not terminated by CRLF (lenient)": chunkFraming,
	"request/transfer-encoding.md: Invalid OBS fold after chunked value / Chunk data not terminated by CRLF (lenient)":   chunkFraming,

	"request/transfer-encoding.md: `chunked` / No extension after semicolon":        chunkLine,
	"request/transfer-encoding.md: `chunked` / Unbalanced chunk extensions quoting": chunkLine,
	"request/transfer-encoding.md: Space after chunk header":                        chunkLine,
	"response/transfer-encoding.md: Trailing space on chunked body":                 chunkLine,
	"response/transfer-encoding.md: No extension after semicolon":                   chunkLine,
	"response/transfer-encoding.md: Unbalanced chunk extensions quoting":            chunkLine,

	"request/connection.md: Parsing multiple tokens / Invalid whitespace token with `Connection` header field": colon,
	"request/content-length.md: Invalid whitespace token with `Content-Length` header field":                   colon,

	"request/content-length.md: Missing CRLF-CRLF before body (lenient)":                                crEnds,
	"request/invalid.md: ICE protocol and GET method / Headers separated by dummy characters (lenient)": crEnds,
	"request/lenient-headers.md: Header value / Empty headers separated by CR (lenient)":                crEnds,
	"request/sample.md: No LF after CR (lenient)":                                                       crEnds,
	"response/invalid.md: Incomplete HTTP protocol / Bare CR after response line (lenient)":             crEnds,

	"request/invalid.md: ICE protocol and GET method / Invalid header token #1":      fieldBytes,
	"request/invalid.md: ICE protocol and GET method / Invalid header token #2":      fieldBytes,
	"request/invalid.md: ICE protocol and GET method / Invalid header token #3":      fieldBytes,
	"request/invalid.md: ICE protocol and GET method / Corrupted Connection header":  fieldBytes,
	"request/invalid.md: ICE protocol and GET method / Corrupted header name":        fieldBytes,
	"request/lenient-header-value-relaxed.md: Control char in header value (strict)": fieldBytes,
	"request/lenient-headers.md: Header value":                                       fieldBytes,
	"response/sample.md: Spaces in header name":                                      fieldBytes,

	"request/invalid.md: ICE protocol and GET method / Illegal header field name line folding": fold,
	"request/invalid.md: Invalid space after start line":                                       fold,
	"request/invalid.md: Invalid space after start line / Spaces before headers":               fold,
	"request/lenient-header-value-relaxed.md: Space after start line must still fail":          fold,
	"response/invalid.md: Invalid space after start line":                                      fold,

	"request/content-length.md: Error on `Content-Length` overflow":          headOpen,
	"request/content-length.md: Error on duplicate `Content-Length`":         headOpen,
	"request/invalid.md: ICE protocol and GET method / Invalid HTTP version": headOpen,

	"request/content-length.md: No error on simultaneous `Content-Length` and `Transfer-Encoding: identity` (lenient)": notChunked,
	"request/transfer-encoding.md: POST with `Transfer-Encoding` and `Content-Length` (lenient)":                       notChunked,
	"request/transfer-encoding.md: POST with `chunked` before other transfer-coding (lenient)":                         notChunked,
	"request/transfer-encoding.md: POST with `chunked` and duplicate transfer-encoding (lenient)":                      notChunked,

	"request/method.md: REPORT request / SOURCE request with ICE":    notHTTP,
	"request/method.md: REPORT request / OPTIONS request with RTSP":  notHTTP,
	"request/method.md: REPORT request / ANNOUNCE request with RTSP": notHTTP,
	"response/sample.md: RTSP response":                              notHTTP,
	"response/sample.md: ICE response":                               notHTTP,

	"request/content-length.md: Content-Length reset when no body is received": skipBody,

	"response/invalid.md: Incomplete HTTP protocol / Tab after HTTP version":                                 spacing,
	"response/invalid.md: Incomplete HTTP protocol / CR before response and tab after HTTP version":          spacing,
	"response/invalid.md: Invalid space after start line / Extra space between HTTP version and status code": spacing,

	"request/lenient-version.md: Invalid HTTP version (lenient)":  version,
	"request/method.md: REPORT request / PRI request HTTP2":       version,
	"request/sample.md: No HTTP version":                          version,
	"response/lenient-version.md: Invalid HTTP version (lenient)": version,
	"response/sample.md: HTTP version 0.9":                        version,

	"request/invalid.md: Invalid space after start line / Only LFs present (lenient)": zeroChunk,
}
