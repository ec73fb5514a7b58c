package rules

import (
	"errors"
	"net/netip"
	"sync/atomic"

	"github.com/buger/gor/internal/http1"
)

// ParseHeaderName reads the name of an HTTP header.
func ParseHeaderName(s string) (string, error) {
	if !http1.ValidHeaderName(s) {
		return "", errors.New("want the name of a header such as X-Real-IP")
	}
	return s, nil
}

// A ClientHeader puts the client's address into a header of each request, in
// place of what the first one of that name says. Set is for one goroutine.
type ClientHeader struct {
	Name string // of the header; "": none

	req    http1.Request
	text   []byte        // scratch
	failed atomic.Uint64 // requests that could not be edited and go as they are
}

// Set appends the request's edited head to head, and returns that and the body,
// which is a part of data. A request that cannot be edited is returned as it is,
// and counted.
func (c *ClientHeader) Set(head, data []byte, client netip.Addr) (edited, body []byte) {
	c.text = client.Unmap().AppendTo(c.text[:0])
	err := c.req.Parse(data)
	if err == nil {
		err = c.req.SetHeaderBytes(c.Name, c.text)
	}
	if err != nil {
		c.failed.Add(1)
		return head, data
	}
	return c.req.AppendHead(head), c.req.Body()
}

// Failed is how many requests could not be edited.
func (c *ClientHeader) Failed() uint64 { return c.failed.Load() }
