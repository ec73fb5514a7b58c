package buffers

// QueuesTotal is the memory of all outputs' queues together, in bytes. With
// 16 MB of rings, 12 for reassembly and 9 of the program itself it leaves the
// collector enough room below the 64 MB that Gor promises.
const QueuesTotal = 12 << 20

// QueueShare is what one of n queues gets of QueuesTotal, in bytes.
func QueueShare(n int) int { return QueuesTotal / max(1, n) }

// LargeTotal bounds, in bytes, what all queues hold of large messages, where
// each admits one that is larger than its share: two of the largest that are
// let through.
func LargeTotal(messageLimit int) int { return max(QueuesTotal, 2*messageLimit) }
