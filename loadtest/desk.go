package loadtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"

	"maskswitch/loadtest/market"
)

// desk is the marketplace's side of the REST interface: one request at a time,
// each answer read strictly.
type desk struct {
	origin string // http://127.0.0.1:5000
	key    string // bearer; empty: none
	client *fasthttp.Client
}

func newDesk(origin, key string, clients int) *desk {
	return &desk{origin: strings.TrimRight(origin, "/"), key: key, client: &fasthttp.Client{
		Name:                          "maskswitch-loadtest",
		NoDefaultUserAgentHeader:      true,
		MaxConnsPerHost:               clients + 8,
		MaxIdleConnDuration:           time.Minute,
		MaxResponseBodySize:           64 << 20,
		DisableHeaderNamesNormalizing: true,
		DisablePathNormalizing:        true,
		// A marketplace repeats a request itself, knowingly, and is counted.
		MaxIdemponentCallAttempts: 1,
		RetryIfErr:                func(*fasthttp.Request, int, error) (bool, bool) { return false, false },
	}}
}

// reply is what came back: a status, or an error of the wire.
type reply struct {
	status int
	body   []byte
	err    error
	after  time.Duration // Retry-After
}

// deskTimeout is how long a marketplace waits for one answer.
const deskTimeout = 10 * time.Second

func (d *desk) ask(method, path string, body any) reply {
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	req.Header.SetMethod(method)
	req.SetRequestURI(d.origin + path)
	if d.key != "" {
		req.Header.Set("Authorization", "Bearer "+d.key)
	}
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return reply{err: err}
		}
		req.Header.SetContentType("application/json")
		req.SetBodyRaw(text)
	}
	if err := d.client.DoTimeout(req, resp, deskTimeout); err != nil {
		return reply{err: err}
	}
	seconds, _ := strconv.Atoi(string(resp.Header.Peek("Retry-After")))
	return reply{status: resp.StatusCode(), body: bytes.Clone(resp.Body()), after: time.Duration(min(max(seconds, 0), 30)) * time.Second}
}

// word says in short how a request ended, for counting.
func (r reply) word() string {
	switch {
	case r.err == nil:
		return strconv.Itoa(r.status)
	case errors.Is(r.err, fasthttp.ErrTimeout), errors.Is(r.err, fasthttp.ErrDialTimeout):
		return "timeout"
	case errors.Is(r.err, syscall.ECONNREFUSED):
		return "connection refused"
	}
	return "connection broken"
}

// certainRefusal says that the switch did not do what was asked, and will not.
func (r reply) certainRefusal() bool {
	return r.err == nil && r.status >= 400 && r.status < 500 && r.status != 408 && r.status != 429
}

// exhausted says that no number was free, in the words of the original's
// interface or by the code.
func (r reply) exhausted() bool {
	return r.status == 503 && (bytes.Contains(r.body, []byte("No proxy numbers available")) || bytes.Contains(r.body, []byte(`"exhausted"`)))
}

// bookingPath is the resource of a booking.
func bookingPath(id string) string { return "/bookings/" + url.PathEscape(id) }

type bookingAsked struct {
	PartyA string  `json:"party_a"`
	PartyB string  `json:"party_b"`
	ID     string  `json:"booking_id"`
	Hours  float64 `json:"duration_hours"`

	Masks      string  `json:"masks,omitempty"`
	OnCheckout string  `json:"on_checkout,omitempty"`
	Grace      *int    `json:"grace_seconds,omitempty"` // with "cut" only
	IdleHours  float64 `json:"idle_hours,omitempty"`
	Region     string  `json:"region,omitempty"`
	Recording  string  `json:"recording,omitempty"`
	Summary    bool    `json:"summary,omitempty"`
}

// asking is the request for a booking. What it leaves out has the default, so
// that a plan without terms can be played to a switch that knows none.
func asking(b *market.Booking, id string, hours float64) bookingAsked {
	asked := bookingAsked{PartyA: b.Guest, PartyB: b.Host, ID: id, Hours: hours, IdleHours: b.Idle.Hours(), Region: b.Region,
		Recording: b.Recording, Summary: b.Summary}
	if b.Pair {
		asked.Masks = "pair"
	}
	if b.Cut {
		grace := int(b.Grace.Seconds())
		asked.OnCheckout, asked.Grace = "cut", &grace
	}
	return asked
}

// bookingShown has the members of every answer about a booking; the list calls
// the number proxy.
type bookingShown struct {
	ID      string  `json:"booking_id"`
	Proxy   string  `json:"proxy"`
	Number  string  `json:"proxy_number"`
	NumberB string  `json:"proxy_number_b"`
	Sides   sides   `json:"proxy_numbers"`
	PartyA  string  `json:"party_a"`
	PartyB  string  `json:"party_b"`
	Status  string  `json:"status"`
	Expires float64 `json:"expires_at"`
}

// sides are the numbers that each party dials.
type sides struct {
	A string `json:"party_a"`
	B string `json:"party_b"`
}

func (b bookingShown) guestDials() string { return first(b.Sides.A, b.Number, b.Proxy) }
func (b bookingShown) hostDials() string  { return first(b.hostOwn(), b.Number, b.Proxy) }

// hostOwn is what the host dials, where that was told; a row need not.
func (b bookingShown) hostOwn() string { return first(b.Sides.B, b.NumberB) }
func (b bookingShown) expires() time.Time {
	whole := int64(b.Expires)
	return time.Unix(whole, int64((b.Expires-float64(whole))*1e9))
}

func first(all ...string) string {
	for _, s := range all {
		if s != "" {
			return s
		}
	}
	return ""
}

func readBooking(body []byte) (bookingShown, error) {
	var b bookingShown
	if err := json.Unmarshal(body, &b); err != nil {
		return b, fmt.Errorf("the answer is no booking: %w", err)
	}
	return b, nil
}

type bookingList struct {
	Bookings []bookingShown `json:"bookings"`
	Cursor   string         `json:"next_cursor"`
}

// listAll reads every live booking of the switch, page by page.
func (d *desk) listAll(stop <-chan struct{}) ([]bookingShown, error) {
	var all []bookingShown
	query := "?limit=1000"
	for {
		select {
		case <-stop:
			return all, errors.New("interrupted")
		default:
		}
		r := d.ask("GET", "/bookings"+query, nil)
		if r.status == 400 && query == "?limit=1000" {
			query = "" // an older interface, which knows no pages
			continue
		}
		if r.err != nil || r.status != 200 {
			return all, fmt.Errorf("GET /bookings: %s", r.word())
		}
		var page bookingList
		if err := json.Unmarshal(r.body, &page); err != nil {
			return all, fmt.Errorf("GET /bookings: the answer is no list of bookings: %w", err)
		}
		all = append(all, page.Bookings...)
		if page.Cursor == "" {
			return all, nil
		}
		query = "?limit=1000&cursor=" + url.QueryEscape(page.Cursor)
	}
}

// addNumbers puts proxy numbers into the pool.
func (d *desk) addNumbers(numbers []string) error {
	for len(numbers) > 0 {
		part := numbers[:min(len(numbers), 500)]
		numbers = numbers[len(part):]
		if r := d.ask("POST", "/pool", map[string]any{"numbers": part}); r.err != nil || r.status != 200 {
			return fmt.Errorf("POST /pool: %s %s", r.word(), clip(r.body))
		}
	}
	return nil
}

// clip is the begin of an answer, for an error.
func clip(body []byte) string {
	text := strings.TrimSpace(string(body))
	if len(text) > 200 {
		text = text[:200] + "…"
	}
	return text
}
