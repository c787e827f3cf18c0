package archive

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"maskswitch/actors/protocol"
)

// stall is how long a connection may go without a byte either way.
const stall = time.Minute

// errDoor says that a request was not sent, since it would have shown a key.
var errDoor = errors.New("the request would have shown a key to somebody whom it does not concern")

// door is the one way out to the storage: it lets nothing pass that shows a key to
// anybody else, whatever the client in front of it or an answer has asked for.
type door struct {
	next   http.RoundTripper
	to     *url.URL // nil: Telnyx Storage, in any region
	keys   []string
	apiKey string // may be empty
}

func newDoor(config S3Config, to *url.URL) *door {
	d := &door{next: config.transport, to: to, apiKey: string(config.APIKey)}
	if d.next == nil {
		d.next = newTransport(stall)
	}
	for _, key := range [...]protocol.Secret{config.AccessKey, config.SecretKey, config.APIKey} {
		if key != "" {
			d.keys = append(d.keys, string(key))
		}
	}
	return d
}

// RoundTrip implements http.RoundTripper.
func (d *door) RoundTrip(r *http.Request) (*http.Response, error) {
	if !d.lets(r) {
		if r.Body != nil {
			r.Body.Close()
		}
		return nil, errDoor
	}
	if r.ContentLength > 0 {
		// A refusal then comes before the audio goes, and is not lost in it.
		r = r.Clone(r.Context())
		r.Header.Set("Expect", "100-continue")
	}
	return d.next.RoundTrip(r)
}

func (d *door) lets(r *http.Request) bool {
	if d.to == nil && !atTelnyx(r.URL) || d.to != nil && !sameDoor(d.to, r.URL) || r.Host != "" && r.Host != r.URL.Host {
		return false
	}
	for param := range r.URL.Query() {
		if strings.HasPrefix(strings.ToLower(param), "x-amz-") {
			return false // presigned
		}
	}
	if d.apiKey != "" && strings.Contains(r.URL.String(), d.apiKey) {
		return false
	}
	// Other keys may be words, which hosts and buckets have in their names.
	return d.hide(r.URL.RawQuery) == r.URL.RawQuery
}

// sameDoor says whether a request for to may go to at. Amazon has a host for every
// region, and another for each network.
func sameDoor(to, at *url.URL) bool {
	const amazon = ".amazonaws.com"
	if to.Scheme != at.Scheme {
		return false
	}
	if strings.HasSuffix(to.Hostname(), amazon) && strings.HasSuffix(at.Hostname(), amazon) {
		return to.Port() == at.Port()
	}
	return to.Hostname() == at.Hostname() && port(to) == port(at)
}

func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "http":
		return "80"
	}
	return "443"
}

// hide takes the keys out of a text.
func (d *door) hide(text string) string {
	for _, key := range d.keys {
		text = strings.ReplaceAll(text, key, "…")
	}
	return text
}

// newTransport makes the way to the storage. It goes through no proxy, whatever the
// environment says: recordings go where the configuration says. HTTP/2 is left out
// since there one slow object could hold up the others on its connection.
func newTransport(stall time.Duration) *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}
	return &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &moving{c, stall}, nil
		},
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    10 * time.Second,
		ExpectContinueTimeout:  2 * time.Second,
		IdleConnTimeout:        stall / 2,
		MaxIdleConnsPerHost:    8,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true, // what comes is what was put
	}
}

// moving is a connection that breaks when no byte moves on it. An upload of hours
// has no deadline that fits it, and one that has stopped would never end. To write
// is a sign of life for the answer too, which waits behind it.
type moving struct {
	net.Conn
	stall time.Duration
}

func (m *moving) Read(p []byte) (int, error) {
	if err := m.Conn.SetReadDeadline(time.Now().Add(m.stall)); err != nil {
		return 0, err
	}
	return m.Conn.Read(p)
}

func (m *moving) Write(p []byte) (int, error) {
	if err := m.Conn.SetDeadline(time.Now().Add(m.stall)); err != nil {
		return 0, err
	}
	return m.Conn.Write(p)
}
