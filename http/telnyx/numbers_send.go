package telnyx

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"maskswitch/actors/protocol"
)

const (
	// mostQuestions is how many requests about numbers are with the carrier at
	// once. Its limits are for the account, and calls come first.
	mostQuestions = 4
	// questionTimeout is for one attempt: a search takes seconds.
	questionTimeout = 15 * time.Second
	// mostAttempts bounds the repeats of a question; whoever asks comes again
	// later, and says so to people meanwhile.
	mostAttempts = 4
	// buyTimeout is for an order, which is sent once: waiting for its answer is
	// better than searching for it.
	buyTimeout = 45 * time.Second
	// maxNumbersAnswer is how much of an answer is read, in bytes: a page of 250
	// numbers has 300,000.
	maxNumbersAnswer = 8 << 20
)

// The carrier's codes for numbers that a new search replaces.
const (
	codeNotSearched = "85000" // not in the answer to a recent search
	codeSold        = "85001"
	codeReserved    = "85006"
)

// numbersRequest is a request of the numbers API.
type numbersRequest struct {
	method string
	path   string // below the base
	query  url.Values
	body   []byte
	lane   chan struct{} // bounds the requests in flight; nil: c.questions
}

func (c *Client) numbersHTTP(ctx context.Context, r numbersRequest, header http.Header) *http.Request {
	u := c.base
	u.Path += r.path // no path of ours needs escaping
	u.RawQuery = r.query.Encode()
	one := request{method: r.method, url: &u, body: r.body}
	return one.http(ctx, header)
}

// ask sends a question, or a change that may be made twice, until it is
// answered or mostAttempts are made. An answer that read refuses is not asked
// for again.
func ask[T any](ctx context.Context, c *Client, r numbersRequest, read func([]byte) (T, error)) (T, error) {
	var none T
	for n := 1; ; n++ {
		raw, failed := c.askOnce(ctx, r, c.header, questionTimeout)
		if failed == nil {
			got, err := read(raw)
			if err != nil {
				return none, &protocol.NumbersError{Remedy: protocol.RemedyLater, Status: http.StatusOK, Detail: c.redact(err.Error())}
			}
			return got, nil
		}
		failed.Unsure = false // made twice, it is made once
		if failed.Remedy != protocol.RemedyLater || n == mostAttempts || !pause(ctx, c.pauseAfter(n, failed.After)) {
			return none, failed
		}
	}
}

// sendOnce sends what must not be sent twice. The transport is not told that
// it may repeat the request, so it does so only if not a byte of it has left.
func (c *Client) sendOnce(ctx context.Context, r numbersRequest) ([]byte, error) {
	header := c.header.Clone()
	header.Del("Idempotency-Key")
	raw, failed := c.askOnce(ctx, r, header, buyTimeout)
	if failed != nil {
		return nil, failed
	}
	return raw, nil
}

func (c *Client) askOnce(ctx context.Context, r numbersRequest, header http.Header, timeout time.Duration) ([]byte, *protocol.NumbersError) {
	lane := r.lane
	if lane == nil {
		lane = c.questions
	}
	select {
	case lane <- struct{}{}:
		defer func() { <-lane }()
	case <-ctx.Done():
		return nil, &protocol.NumbersError{Remedy: protocol.RemedyLater, Detail: "no time was left to ask"}
	}
	once, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	res, err := c.transport.RoundTrip(c.numbersHTTP(once, r, header))
	if err != nil {
		return nil, c.unanswered(once, err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxNumbersAnswer))
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return nil, c.judgeNumbers(res, raw)
	}
	if err != nil {
		return nil, c.unanswered(once, err)
	}
	return raw, nil
}

// unanswered is the error of a request whose answer did not come, or not whole.
func (c *Client) unanswered(once context.Context, err error) *protocol.NumbersError {
	failed := &protocol.NumbersError{Remedy: protocol.RemedyLater, Unsure: true, Detail: "no answer from the carrier"}
	if once.Err() == nil && !timedOut(err) && !errors.Is(err, io.ErrUnexpectedEOF) {
		failed.Detail = c.redact("no connection to the carrier: " + err.Error())
	}
	return failed
}

// judgeNumbers says what an answer other than 2xx means.
func (c *Client) judgeNumbers(res *http.Response, raw []byte) *protocol.NumbersError {
	e := parseError(bytes.TrimSpace(raw))
	failed := &protocol.NumbersError{Status: res.StatusCode, Code: e.code, Detail: c.redact(e.detail)}
	if failed.Detail == "" {
		failed.Detail = http.StatusText(res.StatusCode)
	}
	switch {
	case res.StatusCode == http.StatusTooManyRequests:
		failed.Remedy = protocol.RemedyLater
	case res.StatusCode >= 500, res.StatusCode == http.StatusRequestTimeout, res.StatusCode == http.StatusTooEarly,
		e.code == codeUnexpected, e.code == codeTimeout, e.code == codeUnavailable:
		failed.Remedy, failed.Unsure = protocol.RemedyLater, true
	case res.StatusCode < 400:
		failed.Detail = "the carrier redirects, which is not followed: is the base URL right?"
	case e.code == codeNotSearched, e.code == codeSold, e.code == codeReserved:
		failed.Remedy = protocol.RemedySearch
	}
	if failed.Remedy == protocol.RemedyLater {
		failed.After = asked(res.StatusCode, res.Header)
	}
	return failed
}
