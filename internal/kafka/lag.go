package kafka

import (
	"github.com/buger/gor/internal/stats"
)

// What is told of a consumer.

// Counts says what was passed over before it was a message.
func (c *Consumer) Counts() []stats.Count { return c.counts.Rows() }

// Retries is how often something had to be tried again, by reason.
func (c *Consumer) Retries() map[string]uint64 { return c.watch.Retries() }

// Lag is how many values each partition that is read here has still to give.
func (c *Consumer) Lag() map[int32]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ending {
		return c.lastLag
	}
	return c.measureLag()
}

// measureLag is Lag with the lock held.
func (c *Consumer) measureLag() map[int32]int64 {
	lag := make(map[int32]int64, len(c.parts))
	for id, p := range c.parts {
		lag[id] = p.lag()
	}
	return lag
}

// Connected reports whether a broker was ever reached.
func (c *Consumer) Connected() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.client != nil
}
