package carrier

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// courier carries webhooks to the switch over connections that it keeps, with
// no goroutine besides the one that asks. It sends each one at most once: a
// connection that the switch closed while it was idle is found out before
// anything is written, and another is taken. Redirects are not followed: the
// official pages disagree about them, and a switch has no business redirecting.
type courier struct {
	ctx     context.Context // dials end with it
	timeout time.Duration   // from dialling to the last header of the answer
	trust   *tls.Config     // nil: the system's certificates
	fresh   time.Duration   // a connection that was idle for less is not looked at

	mu    sync.Mutex
	lines map[*line]struct{} // all open connections; nil after close
}

func newCourier(ctx context.Context, timeout time.Duration) *courier {
	// No server gives a connection up within a tenth of a second, unless it dies.
	return &courier{ctx: ctx, timeout: timeout, fresh: 100 * time.Millisecond, lines: map[*line]struct{}{}}
}

// address is where webhooks go, prepared for sending.
type address struct {
	json  []byte // the URL in JSON
	wrong string // why nothing can be sent there; empty: something can
	head  []byte // a request up to the timestamp
	place        // where to dial

	mu   sync.Mutex
	idle []*line // the last one used at the end
	left bool    // nothing is kept any more
}

type place struct {
	host, port string
	https      bool
}

// newAddress reads a URL.
func newAddress(text string) *address {
	a := &address{json: mustJSON(text)}
	u, err := url.Parse(text)
	switch {
	case text == "":
		a.wrong = "no webhook address"
		return a
	case err != nil:
		a.wrong = err.Error()
		return a
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		a.wrong = fmt.Sprintf("webhook address %q: write http://host:port/path", text)
		return a
	}
	a.place = place{host: u.Hostname(), port: u.Port(), https: u.Scheme == "https"}
	set(&a.port, map[bool]string{false: "80", true: "443"}[a.https])
	a.head = fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: telnyx-webhooks\r\nContent-Type: application/json\r\n", u.RequestURI(), u.Host)
	if u.User != nil {
		password, _ := u.User.Password()
		a.head = fmt.Appendf(a.head, "Authorization: Basic %s\r\n", base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+password)))
	}
	a.head = append(a.head, "Telnyx-Timestamp: "...)
	return a
}

// appendRequest adds a whole request to b.
func (a *address) appendRequest(b []byte, stamp string, signature, body []byte) []byte {
	b = append(append(b, a.head...), stamp...)
	b = append(append(b, "\r\nTelnyx-Signature-Ed25519: "...), signature...)
	b = strconv.AppendInt(append(b, "\r\nContent-Length: "...), int64(len(body)), 10)
	return append(append(b, "\r\n\r\n"...), body...)
}

// post sends a request once: status 0 and a reason if no answer came in time.
// The status counts as soon as its headers are there, whatever becomes of the
// body behind them.
func (c *courier) post(a *address, request []byte) (int, string) {
	deadline := time.Now().Add(c.timeout)
	l, err := c.line(a, deadline)
	if err != nil {
		return 0, c.reason(err)
	}
	l.SetDeadline(deadline)
	if _, err = l.Write(request); err == nil {
		err = l.listen()
	}
	if err != nil {
		c.drop(l)
		return 0, c.reason(err)
	}
	status := l.answer.StatusCode()
	if l.rest() {
		c.keep(a, l)
	} else {
		c.drop(l)
	}
	return status, ""
}

// line is a connection to the switch.
type line struct {
	net.Conn
	probe
	in     *bufio.Reader
	answer fasthttp.Response
	since  time.Time // idle since
}

// idleTime is how long a connection is kept for the next webhook.
const idleTime = 30 * time.Second

// line takes an idle connection that still lives, or dials.
func (c *courier) line(a *address, deadline time.Time) (*line, error) {
	for {
		a.mu.Lock()
		n := len(a.idle) - 1
		if n < 0 {
			a.mu.Unlock()
			return c.dial(a.place, deadline)
		}
		l := a.idle[n]
		a.idle[n] = nil
		a.idle = a.idle[:n]
		a.mu.Unlock()
		if time.Since(l.since) < c.fresh || !l.stale() {
			return l, nil
		}
		c.drop(l)
	}
}

// keep puts a connection back, and ends those that nobody has wanted for long.
func (c *courier) keep(a *address, l *line) {
	l.since = time.Now()
	a.mu.Lock()
	if a.left {
		a.mu.Unlock()
		c.drop(l)
		return
	}
	a.idle = append(a.idle, l)
	n := 0
	for n < len(a.idle) && l.since.Sub(a.idle[n].since) > idleTime {
		n++
	}
	var old []*line
	if n > 0 {
		old = slices.Clone(a.idle[:n])
		a.idle = slices.Delete(a.idle, 0, n)
	}
	a.mu.Unlock()
	for _, l := range old {
		c.drop(l)
	}
}

func (c *courier) dial(to place, deadline time.Time) (*line, error) {
	d := net.Dialer{Deadline: deadline}
	conn, err := d.DialContext(c.ctx, "tcp", net.JoinHostPort(to.host, to.port))
	if err != nil {
		return nil, err
	}
	l := &line{Conn: conn, probe: newProbe(conn)}
	c.mu.Lock()
	if c.lines == nil {
		c.mu.Unlock()
		conn.Close()
		return nil, ErrClosed
	}
	c.lines[l] = struct{}{}
	c.mu.Unlock()
	if to.https {
		config := &tls.Config{}
		if c.trust != nil {
			config = c.trust.Clone()
		}
		config.ServerName = to.host
		secure := tls.Client(conn, config)
		conn.SetDeadline(deadline)
		if err := secure.HandshakeContext(c.ctx); err != nil {
			c.drop(l)
			return nil, err
		}
		c.mu.Lock()
		l.Conn = secure
		c.mu.Unlock()
	}
	l.in = bufio.NewReaderSize(l.Conn, 16<<10) // the longest header of an answer
	return l, nil
}

// listen reads the header of the answer, past those that only announce it.
func (l *line) listen() error {
	l.answer.Reset()
	for range 6 {
		if err := l.answer.Header.Read(l.in); err != nil {
			return err
		}
		if l.answer.StatusCode() >= 200 {
			return nil
		}
	}
	return errors.New("too many interim answers")
}

// longestBody is what is read of an answer for the sake of the connection.
const longestBody = 64 << 10

// rest reads the body, which nobody wants, and says whether the connection can
// be used again.
func (l *line) rest() bool {
	h := &l.answer.Header
	switch status := h.StatusCode(); {
	case status == 204 || status == 304:
	case l.answer.ReadBody(l.in, longestBody) != nil:
		return false
	case h.ContentLength() == -1 && h.ReadTrailer(l.in) != nil:
		return false
	}
	return !h.ConnectionClose() && l.in.Buffered() == 0
}

// reason says in short why there was no answer.
func (c *courier) reason(err error) string {
	var late interface{ Timeout() bool }
	switch {
	case errors.As(err, &late) && late.Timeout():
		return fmt.Sprintf("timeout: no answer within %v", c.timeout)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection broke before the answer"
	}
	return err.Error()
}

func (c *courier) drop(l *line) {
	c.mu.Lock()
	delete(c.lines, l)
	c.mu.Unlock()
	l.Close()
}

// leave ends the idle connections of an address that is not used any more.
func (c *courier) leave(a *address) {
	a.mu.Lock()
	idle := a.idle
	a.idle, a.left = nil, true
	a.mu.Unlock()
	for _, l := range idle {
		c.drop(l)
	}
}

// close cuts every connection, those with a request under way among them.
func (c *courier) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for l := range c.lines {
		l.Close()
	}
	c.lines = nil
}
