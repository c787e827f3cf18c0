package telnyx

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"maskswitch/actors/protocol"
)

// The pauses between attempts: half a second, then twice as long each time, up
// to four seconds. Each is spread by half to both sides, so that calls which
// failed together do not come back together.
const (
	firstPause   = 500 * time.Millisecond
	longestPause = 4 * time.Second
	// longestAsked bounds the pause that the carrier may ask for.
	longestAsked = 30 * time.Second
	// spread is the most that is added to a pause that the carrier asked for.
	spread = 250 * time.Millisecond
)

// maxAnswer is how much of an answer is read, in bytes.
const maxAnswer = 1 << 20

// verdict is what one attempt came to.
type verdict struct {
	reply protocol.Reply
	retry string        // why to send again; empty: the reply is final
	asked time.Duration // the pause that the carrier asked for
	cut   bool          // the command's own deadline ended the attempt
}

// send repeats a request until its reply is final, or until ctx would end
// before the next attempt: then nothing is gained by waiting for that.
func (c *Client) send(ctx context.Context, r *request) protocol.Reply {
	last := protocol.Reply{Result: protocol.CommandTimeout} // nothing is known yet
	var sent time.Time
	for n := 1; ; n++ {
		waited, ok := c.lanes.enter(ctx, r.kind)
		c.observer.CommandWaited(r.kind, waited)
		if !ok {
			return last
		}
		if n == 1 {
			sent = time.Now()
		}
		got := c.attempt(ctx, r, n)
		c.lanes.leave(r.kind)
		if got.cut && n > 1 {
			// What the carrier did say explains more than the attempt that
			// there was no time left for.
			last.Attempts = n
			return last
		}
		// A broken attempt does not wipe out what the carrier said before it.
		if got.reply.Status == 0 {
			got.reply.Status, got.reply.Code = last.Status, last.Code
		}
		last = got.reply
		last.Attempts, last.Sent = n, sent
		if got.retry == "" || got.cut || !pause(ctx, c.pauseAfter(n, got.asked)) {
			return last
		}
		c.observer.CommandRetried(r.kind, got.retry)
	}
}

// pauseAfter says how long to wait after attempt n: what the carrier asked
// for, else our own back-off.
func (c *Client) pauseAfter(n int, asked time.Duration) time.Duration {
	if asked > 0 {
		return asked + time.Duration(c.random()*float64(spread))
	}
	d := min(firstPause<<min(n-1, 8), longestPause)
	return d/2 + time.Duration(c.random()*float64(d))
}

// pause is false, at once, if ctx would end first.
func pause(ctx context.Context, d time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= d {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// attempt sends a request once. The transport is used without an http.Client,
// which would follow redirects with the key in hand.
func (c *Client) attempt(ctx context.Context, r *request, n int) verdict {
	timeout := min(c.attemptTimeout<<min(n-1, 8), max(longestAttempt, c.attemptTimeout))
	once, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	c.observer.InFlight(1)
	defer c.observer.InFlight(-1)
	began := time.Now()
	var v verdict
	if res, err := c.transport.RoundTrip(r.http(once, c.header)); err != nil {
		v = c.broken(ctx, once, err)
	} else {
		v = c.read(r.kind, res)
	}
	c.observer.CommandSent(r.kind, v.reply.Result, time.Since(began))
	c.noteAttempt(v)
	return v
}

// broken judges an attempt that brought no answer.
func (c *Client) broken(ctx, once context.Context, err error) verdict {
	v := verdict{cut: ctx.Err() != nil}
	if once.Err() != nil || timedOut(err) {
		v.reply = protocol.Reply{Result: protocol.CommandTimeout, Detail: "no answer"}
		v.retry = RetryTimeout
		return v
	}
	v.reply = protocol.Reply{Result: protocol.CommandUnavailable, Detail: c.redact(err.Error())}
	v.retry = RetryNetwork
	return v
}

func timedOut(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// read takes the answer in and judges it.
//
// The body of a taken command is not looked at, and may be garbage or broken
// off: the status says that the carrier took the command, its effect arrives
// as a webhook, and sending it again could tell us nothing more.
func (c *Client) read(kind protocol.CommandKind, res *http.Response) verdict {
	defer res.Body.Close()
	limited := io.LimitReader(res.Body, maxAnswer)
	taken := res.StatusCode >= 200 && res.StatusCode < 300
	if taken && kind != protocol.CommandFind {
		io.Copy(io.Discard, limited) // to the end, or the connection is not used again
		return verdict{reply: protocol.Reply{Result: protocol.CommandOK, Status: res.StatusCode}}
	}
	body, _ := io.ReadAll(limited) // what there is of it is judged
	if taken {
		return found(res.StatusCode, body)
	}
	v := judge(kind, res.StatusCode, parseError(body))
	v.reply.Detail = c.redact(v.reply.Detail)
	if v.retry != "" {
		v.asked = asked(res.StatusCode, res.Header)
	}
	return v
}

// asked reads the pause that the carrier wants: retry-after in seconds or as a
// date, else, with 429 only, the seconds until its limit is reset.
func asked(status int, header http.Header) time.Duration {
	d := seconds(header.Get("Retry-After"))
	if d == 0 && status == http.StatusTooManyRequests {
		d = seconds(header.Get("X-Ratelimit-Reset"))
	}
	return min(d, longestAsked)
}

func seconds(s string) time.Duration {
	s = strings.TrimSpace(s)
	if s == "" {
		return 0
	}
	if v, err := strconv.ParseFloat(s, 64); err == nil {
		if !(v > 0) { // NaN is not
			return 0
		}
		return time.Duration(min(v, longestAsked.Seconds()) * float64(time.Second))
	}
	if at, err := http.ParseTime(s); err == nil {
		return max(time.Until(at), 0)
	}
	return 0
}
