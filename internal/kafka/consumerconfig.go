package kafka

import (
	"time"

	"github.com/buger/gor/internal/pace"
)

// A ConsumerConfig says what a Consumer does.
type ConsumerConfig struct {
	Cluster Cluster
	Topic   string // see CheckTopic

	// Group, unless "", shares the partitions with the other members of that group, and
	// commits offsets.
	Group string

	Start Start

	// Timing is the pace. With Max messages come as they are fetched, those that wait in
	// several partitions the oldest first. Otherwise they are merged by time.
	Timing pace.Timing

	// ToEnd ends reading where the partitions ended when their reading began.
	ToEnd bool

	Limit int // bytes of the largest message

	// Settle returns when the messages that Read gave are out of the hands of every
	// output, as far as the Read after them has begun. Nil stands for one that returns
	// at once. It is called by one goroutine at a time.
	Settle func(cancel <-chan struct{}) error

	// CloseSettle is how long the end waits for Settle; zero is two seconds.
	CloseSettle time.Duration

	// RevokeSettle is how long a partition that goes to another member of the group is held
	// for Settle; zero is ten seconds, of the 60 that Kafka allows for all members.
	RevokeSettle time.Duration
}

const (
	defaultCloseSettle  = 2 * time.Second
	defaultRevokeSettle = 10 * time.Second

	// heartbeat is how often a member hears whether its group changes, and session is after
	// how long without a sign of life its partitions go to others: they stand still until
	// then, and a host that is busy must not lose them.
	heartbeat = time.Second
	session   = 10 * time.Second

	// bufferBytes bounds what was fetched and not given; another fetch of each broker is on
	// its way or decompressed beside it.
	bufferBytes = 4 << 20

	// fetchBytes bounds the answer of a broker, fetchPartitionBytes each partition's part of
	// it, both compressed; one batch is given whatever it has. Requests compress to a
	// fifth and less.
	fetchBytes          = 1 << 20
	fetchPartitionBytes = 256 << 10

	// leastBatch is what a batch may have, decompressed, however small messages have to be:
	// one of many small messages.
	leastBatch = 16 << 20

	// fetchWait is how long a broker may hold a request that it has nothing for.
	fetchWait = 500 * time.Millisecond

	// fetchesMost bounds the answers that are buffered at once, of all brokers.
	fetchesMost = 4

	// pollMost bounds the records of one poll.
	pollMost = 1000

	// reorderDepth and reorderBytes bound the window that puts in order by time what a
	// partition has not quite in order: answers, and requests of several hosts.
	reorderDepth = 100
	reorderBytes = 4 << 20

	// starveMost is how long messages wait for those of a partition that has some and gives
	// none: its broker may be away.
	starveMost = 5 * time.Second

	// refreshPeriod is how often the ends of partitions are asked for, and whether there
	// are new ones.
	refreshPeriod = 10 * time.Second

	// commitPeriod is how often offsets are committed at most.
	commitPeriod = time.Second

	// commitTimeout is how long a commit may take at the end and on revocation.
	commitTimeout = 5 * time.Second
)

// What a Consumer counts before a value is a message.
const (
	countForeign = iota
	countDamaged
	countNewer
	countNoRaw
	countTooBig
	countRepeated
)
