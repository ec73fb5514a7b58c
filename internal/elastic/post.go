package elastic

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/buger/gor/internal/address"
)

const (
	timeout    = 10 * time.Second // of one request
	tries      = 4
	firstPause = 250 * time.Millisecond // between tries; doubles

	// answerMost bounds what is read of an answer, which has a few hundred
	// bytes for each document.
	answerMost = 4 << 20
)

// stayThere follows no redirection: the documents hold what users sent, and go
// to the host that was named and to no other.
func stayThere(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// errBusy is an answer after which it is worth to try again.
var errBusy = errors.New("busy")

// post sends a batch of n documents, again when that may help, and returns how
// many were taken.
func (e *Reporter) post(body []byte, n int) (good int, err error) {
	wait := firstPause
	for try := 1; ; try++ {
		good, err = e.postOnce(body, n)
		var uerr *url.Error
		again := errors.Is(err, errBusy) || errors.As(err, &uerr)
		if !again || e.down || try == tries || !e.sleep(wait) {
			return good, err
		}
		wait *= 2
	}
}

// sleep waits, and returns false when the Reporter was closed before.
func (e *Reporter) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-e.ctx.Done():
		return false
	}
}

func (e *Reporter) postOnce(body []byte, n int) (good int, err error) {
	req, err := http.NewRequestWithContext(e.ctx, http.MethodPost, e.bulk, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	if e.user != nil {
		password, _ := e.user.Password()
		req.SetBasicAuth(e.user.Username(), password)
	}
	resp, err := e.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	limited := io.LimitReader(resp.Body, answerMost)
	switch {
	case resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500:
		return 0, fmt.Errorf("it answers %s: %w", resp.Status, errBusy)
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		return 0, fmt.Errorf("it answers %s, to %q, which is not followed: the documents would go elsewhere; if that is right, name it yourself", resp.Status, address.Redact(resp.Header.Get("Location")))
	case resp.StatusCode != http.StatusOK:
		begin, _ := io.ReadAll(io.LimitReader(limited, 300))
		return 0, fmt.Errorf("it answers %s: %s", resp.Status, strings.TrimSpace(string(begin)))
	}
	var answer struct {
		Errors bool `json:"errors"`
		Items  []map[string]struct {
			Status int             `json:"status"`
			Error  json.RawMessage `json:"error"`
		} `json:"items"`
	}
	if err := json.NewDecoder(limited).Decode(&answer); err != nil {
		return 0, fmt.Errorf("its answer is no JSON: %w", err)
	}
	_, _ = io.Copy(io.Discard, limited) // so that the connection can be kept
	for _, item := range answer.Items {
		for _, result := range item {
			if result.Status < 300 && good < n {
				good++
			} else if err == nil {
				err = fmt.Errorf("it refuses documents: status %d: %s", result.Status, result.Error)
			}
		}
	}
	return good, err
}
