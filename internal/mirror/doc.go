// Package mirror takes the copies of requests that a proxy sends beside its
// own (nginx calls it mirror, Envoy request mirroring): a small HTTP/1 server
// that answers 204 to every whole request at once, and gives the requests as
// they came, byte for byte.
//
// A request with Upgrade is taken like any other: the answer says that nothing is
// upgraded. CONNECT is refused.
//
// It waits for nobody. A proxy may delay its clients until its mirror has
// answered, so that what cannot be taken is answered just as fast, and counted.
package mirror
