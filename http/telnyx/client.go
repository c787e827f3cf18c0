// Package telnyx sends commands to Telnyx Call Control, buys numbers, and
// fetches recordings.
//
// One Do is one command, sent to the end: repeated with the same command id
// until the carrier has taken or refused it, or until the caller's deadline. The
// repeats are safe because the carrier ignores a command id that it has seen on
// the same leg, for 60 s; therefore Do ends by itself before that window does,
// whatever deadline it was given.
//
// A Client holds no state of any call. Kinds of commands do not wait for each
// other: each has its own bounded number of requests in flight, so a carrier
// that hangs on transfers still gets our hangups. Nobody is blocked but the
// goroutine that calls Do.
//
// The numbers API is asked beside the calls and a few requests at a time.
// Questions are repeated; an order of numbers is sent once, because the carrier
// has no way to tell a repeat from a second order.
//
// Recordings are asked for in the same way, on a lane of their own. They are
// downloaded from wherever a link leads, so each link is held against the hosts
// that the carrier keeps recordings on, and each address against those of the
// internet, before a packet leaves.
//
// The API key goes to the configured origin, to the carrier's own hosts
// (*.telnyx.com) when a link leads there, and nowhere else: redirects take it no
// further, plain http is taken to this machine only, and no error, reply or log
// line holds the key, or a link.
package telnyx

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"maskswitch/actors/protocol"
)

// What a Config means that says nothing.
const (
	DefaultBaseURL     = "https://api.telnyx.com/v2"
	DefaultVoice       = "AWS.Polly.Joanna" // pinned: voice names differ between the carrier's commands
	DefaultConcurrency = 256
	// DefaultAttemptTimeout is longer than the 500 ms after which the carrier
	// advises to send again. Who gives up on an attempt loses its answer, and
	// the answer to an ignored repeat is not documented: a transfer that was
	// refused after 600 ms would come back as "ok".
	DefaultAttemptTimeout = 2 * time.Second
)

const (
	longestAttempt = 5 * time.Second
	// repeatWindow is how long Do goes on at the most. The carrier ignores a
	// repeated command id for 60 s; a transfer that is sent again after that
	// dials again.
	repeatWindow = 55 * time.Second
)

// Config says where the carrier is and who we are.
type Config struct {
	BaseURL string // default DefaultBaseURL; http only to a loopback address
	APIKey  string // required
	Voice   string // for spoken lines, "Provider.Model.Id"
	// Concurrency bounds the requests in flight, for each kind of command.
	Concurrency int
	// AttemptTimeout is for the first attempt; it doubles up to 5 s.
	AttemptTimeout time.Duration
	// Proxy chooses a proxy, as in http.Transport. Nil means none: a process
	// that carries calls does not change its way out because of a variable in
	// its environment, unless it is told to.
	Proxy     func(*http.Request) (*url.URL, error)
	Observer  Observer          // nil: nobody
	Transport http.RoundTripper // nil: one of our own; Proxy is then unused
}

// Client sends commands. It is safe for concurrent use.
type Client struct {
	base           url.URL
	header         http.Header // of every request: nobody writes to it
	key            string
	voice          []byte // as JSON
	attemptTimeout time.Duration
	transport      http.RoundTripper
	lanes          lanes
	questions      chan struct{} // requests about numbers, in flight
	observer       Observer
	health         health
	random         func() float64 // in [0,1), for jitter
}

// New checks the configuration and sends nothing. The error names every fault.
func New(config Config) (*Client, error) {
	config = config.withDefaults()
	base, err := parseBase(config.BaseURL)
	err = errors.Join(err, checkKey(config.APIKey))
	if config.Concurrency < 1 {
		err = errors.Join(err, fmt.Errorf("concurrency %d: at least 1 is expected", config.Concurrency))
	}
	if config.AttemptTimeout < 0 {
		err = errors.Join(err, fmt.Errorf("attempt timeout %s: it must be positive", config.AttemptTimeout))
	}
	if err != nil {
		return nil, fmt.Errorf("carrier: %w", err)
	}
	if config.Transport == nil {
		config.Transport = newTransport(config)
	}
	return &Client{
		base: base,
		header: http.Header{
			"Authorization": {"Bearer " + config.APIKey},
			"Content-Type":  {"application/json"},
			"Accept":        {"application/json"},
			"User-Agent":    {"maskswitch"},
			// Present without a value it is not sent, and tells the transport
			// that a request may be repeated on a new connection when the
			// carrier has just closed the old one.
			"Idempotency-Key": nil,
		},
		key:            config.APIKey,
		voice:          quote(config.Voice),
		attemptTimeout: config.AttemptTimeout,
		transport:      config.Transport,
		lanes:          newLanes(config.Concurrency),
		questions:      make(chan struct{}, mostQuestions),
		observer:       config.Observer,
		random:         rand.Float64,
	}, nil
}

func (c Config) withDefaults() Config {
	if c.BaseURL == "" {
		c.BaseURL = DefaultBaseURL
	}
	if c.Voice == "" {
		c.Voice = DefaultVoice
	}
	if c.Concurrency == 0 {
		c.Concurrency = DefaultConcurrency
	}
	if c.AttemptTimeout == 0 {
		c.AttemptTimeout = DefaultAttemptTimeout
	}
	if c.Observer == nil {
		c.Observer = nobody{}
	}
	return c
}

// parseBase takes https anywhere and http on this machine. Its errors do not
// repeat the text, in which a key may have been pasted.
func parseBase(s string) (url.URL, error) {
	u, err := url.Parse(s)
	if err != nil {
		return url.URL{}, errors.New("base URL is not a URL: " + DefaultBaseURL + " is the usual one")
	}
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawPath = ""
	switch {
	case u.Host == "" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "":
		return url.URL{}, errors.New("base URL: scheme, host and path are expected and nothing else, such as " + DefaultBaseURL)
	case u.Scheme == "https":
	case u.Scheme == "http" && loopback(u.Hostname()):
	case u.Scheme == "http":
		return url.URL{}, fmt.Errorf("base URL: http to %s would show the API key to the network; only https, or http to a loopback address, is taken", u.Host)
	default:
		return url.URL{}, fmt.Errorf("base URL: scheme %q is neither https nor http", u.Scheme)
	}
	return *u, nil
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// checkKey finds keys that could not travel in a header, a pasted line break
// for instance, before net/http does with each command.
func checkKey(key string) error {
	if key == "" {
		return errors.New("API key is missing")
	}
	for i := range len(key) {
		if key[i] <= ' ' || key[i] > '~' {
			return fmt.Errorf("API key: byte %d is not a printable character; was a space or a line break pasted with it?", i+1)
		}
	}
	return nil
}

// newTransport has one pool of connections for all commands. Its size is never
// what commands wait for: the lanes are.
func newTransport(config Config) *http.Transport {
	idle := config.Concurrency * len(protocol.CommandKinds())
	dialer := &net.Dialer{Timeout: 3 * time.Second, KeepAlive: 15 * time.Second}
	return &http.Transport{
		Proxy:                  config.Proxy,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    3 * time.Second,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConns:           idle,
		MaxIdleConnsPerHost:    idle,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true, // answers are tens of bytes
		ForceAttemptHTTP2:      true,
		// With HTTP/2 one dead connection holds every command, so it is asked.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 5 * time.Second, PingTimeout: 2 * time.Second},
	}
}

// Do sends one command to the end and says what became of it. ctx carries the
// deadline of the stage that the command belongs to. Do blocks until then at
// the most, and not longer than 55 s.
//
// A reply has the status, code and words of the carrier's last answer, if one
// came; the words hold no run of seven or more digits. CommandRefused without
// an attempt means that the command could not be put into words at all.
func (c *Client) Do(ctx context.Context, cmd protocol.Command) protocol.Reply {
	began := time.Now()
	if d, ok := ctx.Deadline(); !ok || d.After(began.Add(repeatWindow)) {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, began.Add(repeatWindow))
		defer cancel()
	}
	var reply protocol.Reply
	if r, err := c.request(cmd); err != nil {
		reply = protocol.Reply{Result: protocol.CommandRefused, Detail: err.Error()}
	} else {
		reply = c.send(ctx, &r)
	}
	c.observer.CommandDone(cmd.Kind(), reply, time.Since(began))
	return reply
}

// Close lets go of idle connections; commands in flight go on.
func (c *Client) Close() {
	if t, ok := c.transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}
