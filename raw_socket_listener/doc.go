// Package rawsocket captures HTTP/1 messages from network interfaces or from
// capture files: packets in, messages out, and a ledger of what was lost on
// the way.
//
// It wires the rooms below it: filter says which packets are wanted, source gives
// the TCP segments in them, which packet decodes, and assemble makes messages of
// those, in the source's goroutine. What is captured, what is lost and why, is
// said in the documentation of assemble.
package rawsocket
