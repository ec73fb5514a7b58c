// Package loadgen sends numbered HTTP/1.1 requests, answers them, and finds in
// a recording what became of each.
//
// A Number names a request by its connection and its place there. It stands in
// the request's target, and with the Traffic it is all that is needed to make
// the request's bytes again: nothing that was sent is remembered, so that a
// recording of any length can be verified in little memory.
//
// Requests and answers are bytes on a net.Conn. Neither side allocates in
// steady state or knows HTTP beyond where a message ends, so that on one
// machine with what is measured little of the CPU is theirs.
package loadgen
