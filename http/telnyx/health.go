package telnyx

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// slack is how long the carrier may fail before it counts as gone: one broken
// connection is no outage.
const slack = 10 * time.Second

// health is what the carrier's last answers say about it.
type health struct {
	mu      sync.Mutex
	since   time.Time // of the first failure after the last answer
	refuses bool      // our key
	why     string
}

// note takes the outcome of an attempt: the status of the answer, 0 if there was
// none. A refusal of one command is an answer as good as any.
func (h *health) note(status int, why string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case status == http.StatusUnauthorized:
		h.refuses, h.why = true, "the carrier refuses the API key (TELNYX_API_KEY)"
	case status == 0, status >= 500:
		if h.since.IsZero() {
			h.since = time.Now()
		}
		h.why = "the carrier cannot be reached: " + why
	default:
		h.since, h.refuses, h.why = time.Time{}, false, ""
	}
}

// Ready says why commands do not get through, as far as anybody has tried: the
// carrier has answered nothing for ten seconds, or refuses the key. Nil: they do.
func (c *Client) Ready() error {
	h := &c.health
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.refuses || !h.since.IsZero() && time.Since(h.since) >= slack {
		return errors.New(h.why)
	}
	return nil
}

// Check asks the carrier something that changes nothing, and is nil if it
// answers as it should. Its result counts for Ready.
func (c *Client) Check(ctx context.Context) error {
	q := numbersRequest{method: http.MethodGet, path: "/phone_numbers", query: url.Values{"page[size]": {"1"}}}
	_, failed := c.askOnce(ctx, q, c.header, questionTimeout)
	if ctx.Err() != nil {
		return fmt.Errorf("carrier: %w", ctx.Err())
	}
	if failed == nil {
		c.health.note(http.StatusOK, "")
		return nil
	}
	c.health.note(failed.Status, failed.Detail)
	return fmt.Errorf("carrier: %w", failed)
}

// noteAttempt has health learn from a command. What our own deadline cut off
// says nothing about the carrier.
func (c *Client) noteAttempt(v verdict) {
	if !v.cut {
		c.health.note(v.reply.Status, v.reply.Result.String()+" "+v.reply.Detail)
	}
}
