// Package kafka carries messages over a topic of Apache Kafka: a [Producer] on the
// hosts that capture, a [Consumer] on those that replay.
//
// A value is a message in one of two forms, both of which GoReplay 1.x reads and
// writes: text, the header line, LF and the HTTP bytes as they are; or JSON, an
// object of its seven fields, to which Req_Raw is added, the exact message in
// base64. A reader tells them apart by their first byte.
//
// The key of a value is the connection part of the message's id, and Kafka's own
// partitioning (murmur2 of the key) is used: what was one connection is in one
// partition, in order. The timestamp of a value is the message's time.
//
// What is acknowledged is written by all in-sync replicas. What is committed was
// settled by every output. Between the two a fault can repeat messages, which
// their ids tell, and loses none.
package kafka
