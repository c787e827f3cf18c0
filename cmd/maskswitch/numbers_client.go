package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// A client asks the REST API of a switch.
type client struct {
	base *url.URL
	key  string // sent, never shown
	web  *http.Client
}

// newClient checks what the operator gave.
func newClient(address, key string) (client, error) {
	base, err := url.Parse(address)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" || base.RawQuery != "" || base.Fragment != "" {
		return client{}, misuse("the address of the switch is written like " + defaultURL + "; set -url or MASKSWITCH_URL")
	}
	return client{base, strings.TrimSpace(key), &http.Client{
		// Longer than the switch itself waits for the slowest request.
		Timeout: time.Minute,
		// The API redirects nobody, and the key is for this switch only.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// refused is an answer that is no success.
type refused struct {
	status              int
	Code, Detail, Field string
}

func (r *refused) Error() string {
	s := fmt.Sprintf("%d %s", r.status, http.StatusText(r.status))
	if r.Code != "" {
		s += ", " + r.Code
	}
	if s += ": " + r.Detail; r.Field != "" {
		s += " (" + r.Field + ")"
	}
	if r.Code == "key_missing" || r.Code == "key_unknown" {
		s += "; MASKSWITCH_KEY takes the secret alone, without its name"
	}
	return s
}

// unreached is a request without an answer: nobody knows what became of it.
type unreached struct {
	address string
	err     error
}

func (u *unreached) Error() string {
	return fmt.Sprintf("no answer from %s: %v; does the switch run there? -url or MASKSWITCH_URL names another", u.address, u.err)
}

func (u *unreached) Unwrap() error { return u.err }

// passing says that the same request may succeed in a while.
func passing(err error) bool {
	var r *refused
	if errors.As(err, &r) {
		return r.status == http.StatusServiceUnavailable || r.status == http.StatusBadGateway || r.status == http.StatusGatewayTimeout
	}
	var u *unreached
	return errors.As(err, &u)
}

// maxAnswer is far above the largest page.
const maxAnswer = 64 << 20

// ask sends a request and reads the answer into a document. It returns the
// answer as it came, also with a refusal that is the switch's own.
func (c client) ask(ctx context.Context, method, path string, query url.Values, body, into any) (raw []byte, err error) {
	to := *c.base
	to.Path = strings.TrimSuffix(to.Path, "/") + path
	to.RawQuery = query.Encode()
	var text io.Reader
	if body != nil {
		document, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		text = bytes.NewReader(document)
	}
	r, err := http.NewRequestWithContext(ctx, method, to.String(), text)
	if err != nil {
		return nil, err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.key != "" {
		r.Header.Set("Authorization", "Bearer "+c.key)
	}
	answer, err := c.web.Do(r)
	if err != nil {
		return nil, c.unreached(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if raw, err = io.ReadAll(io.LimitReader(answer.Body, maxAnswer)); err != nil {
		return nil, c.unreached(err)
	}
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return refusal(answer.StatusCode, raw)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return nil, fmt.Errorf("the answer is not one of the switch's: %w; is %s its REST API?", err, c.base.Redacted())
	}
	return raw, nil
}

// unreached keeps of an error what net/http does not say twice.
func (c client) unreached(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return &unreached{c.base.Redacted(), err}
}

// refusal reads a problem. Whatever stands between us and the switch, a proxy
// for instance, refuses in words of its own.
func refusal(status int, raw []byte) ([]byte, error) {
	r := &refused{status: status}
	if err := json.Unmarshal(raw, r); err == nil && r.Code != "" {
		return raw, r
	}
	r.Detail = strings.Join(strings.Fields(string(raw)), " ")
	if runes := []rune(r.Detail); len(runes) > 200 {
		r.Detail = string(runes[:200]) + "…"
	}
	r.Code, r.Field = "", ""
	if r.Detail == "" {
		r.Detail = "the answer is empty"
	}
	return nil, r
}
