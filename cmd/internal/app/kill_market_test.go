package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"maskswitch/loadtest/carrier"
	"maskswitch/loadtest/party"
)

// A lent is a booking as the marketplace knows it. The market's mutex guards
// it from ack on.
type lent struct {
	ref, a, b string
	hours     float64
	own       bool      // its parties are in no other booking, ever
	asked     time.Time // before the first request

	acked   time.Time // zero: not acknowledged yet
	proxy   string    // what A dials
	proxyB  string    // what B dials, if that is another
	expires int64
	ending  time.Time // before the first delete; zero: none
	ended   time.Time // a delete was acknowledged
	sure    bool      // one of its deletes found it, or may have
}

// other is whom a party reaches.
func (b *lent) other(party string) string {
	if party == b.a {
		return b.b
	}
	return b.a
}

// dials is what a party dials.
func (b *lent) dials(party string) string {
	if party == b.b && b.proxyB != "" {
		return b.proxyB
	}
	return b.proxy
}

// dialled is a call, and what must come of it.
type dialled struct {
	*carrier.Call
	kind    string
	booking *lent // nil for a caller who has none
	caller  string
	proxy   string
	script  party.Script
	placed  time.Time
}

// Kinds of calls. The first four are between the parties of a live booking.
const (
	talks     = "talks"
	refuses   = "refuses" // the callee is busy, declines or cannot be reached
	givesUp   = "gives up"
	tooLate   = "too late" // its booking was over before it was placed
	stranger  = "stranger"
	anonymous = "withheld"
)

// Bounds of the load. A party has few bookings at once, so that no two parties
// can use up the pool between them, and many enough to crowd it.
const (
	clients    = 8
	crowd      = 40 // parties with several bookings
	mostOfOne  = 7
	poolSize   = 2*mostOfOne + 2
	mostLive   = 180
	mostCalls  = 80 // at once
	carrierKey = "kill"
)

// market is a marketplace and the people who use it. It keeps what the switch
// has acknowledged.
type market struct {
	t       *testing.T
	url     string
	carrier *carrier.Carrier
	client  *http.Client
	stop    chan struct{} // closed: nothing new is begun

	mu       sync.Mutex
	made     int // bookings, to name them
	lents    []*lent
	load     map[string]int // live bookings of a party, unsure ones among them
	calls    []*dialled
	underWay int // calls not over
	faults   int
	broken   int // of the faults, those of calls
}

func newMarket(t *testing.T, url string, fake *carrier.Carrier) *market {
	return &market{
		t: t, url: url, carrier: fake, stop: make(chan struct{}), load: make(map[string]int),
		client: &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 4 * clients}},
	}
}

func phoneOf(area string, n int) string { return fmt.Sprintf("+1%s%07d", area, n) }
func crowdMember(n int) string          { return phoneOf("312", 5550000+n) }

// work is one client: it books, ends bookings and lets people call, until stop.
func (m *market) work(ctx context.Context, dice *rand.Rand) {
	for {
		switch n := dice.IntN(100); {
		case n < 35:
			m.book(ctx, dice)
		case n < 50:
			m.checkOut(ctx, dice)
		default:
			m.dial(ctx, dice)
		}
		select {
		case <-m.stop:
			return
		case <-ctx.Done():
			return
		case <-time.After(time.Duration(dice.IntN(16)) * time.Millisecond): // people take their time
		}
	}
}

// book asks for a booking until it is acknowledged. Now and then it asks twice
// at once.
func (m *market) book(ctx context.Context, dice *rand.Rand) {
	b := m.newLent(dice)
	if b == nil {
		return
	}
	b.asked = time.Now()
	m.atOnce(dice, func() {
		answer, err := m.ask(ctx, "POST", "/bookings", b.request())
		switch {
		case errors.Is(err, context.Canceled): // the test is over
		case err != nil:
			m.fault(nil, "booking %s is not acknowledged: %v", b.ref, err)
		default:
			m.acknowledge(b, answer)
		}
	})
}

func (b *lent) request() string {
	return fmt.Sprintf(`{"party_a":%q,"party_b":%q,"booking_id":%q,"duration_hours":%g}`, b.a, b.b, b.ref, b.hours)
}

// newLent chooses two parties; nil if there are bookings enough.
func (m *market) newLent(dice *rand.Rand) *lent {
	own, first, second := dice.IntN(3) == 0, dice.IntN(crowd), dice.IntN(crowd-1)
	if second >= first {
		second++
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	live := 0
	for _, b := range m.lents {
		if b.ended.IsZero() {
			live++
		}
	}
	m.made++
	b := &lent{ref: fmt.Sprintf("stay-%d", m.made), own: own, hours: 1 + float64(dice.IntN(400))/10}
	b.a, b.b = crowdMember(first), crowdMember(second)
	if own {
		b.a, b.b = phoneOf("415", 2*m.made), phoneOf("415", 2*m.made+1)
	}
	if live >= mostLive || m.load[b.a] >= mostOfOne || m.load[b.b] >= mostOfOne {
		return nil
	}
	m.load[b.a]++
	m.load[b.b]++
	m.lents = append(m.lents, b)
	return b
}

// created is the answer to a create.
type created struct {
	Booking string `json:"booking_id"`
	Proxy   string `json:"proxy_number"`
	ProxyB  string `json:"proxy_number_b"`
	Expires int64  `json:"expires_at"`
	Again   bool   `json:"repeated"`
}

// acknowledge notes the answer to a create, or compares it with the first.
func (m *market) acknowledge(b *lent, a answer) {
	var c created
	m.mu.Lock()
	ending := !b.ending.IsZero()
	m.mu.Unlock()
	if ending && a.status == http.StatusConflict && strings.Contains(string(a.body), `"booking_ended"`) {
		return // of two requests side by side, one got through only after a checkout
	}
	if a.status != http.StatusOK || json.Unmarshal(a.body, &c) != nil || c.Booking != b.ref {
		m.fault(nil, "create of %s: %d %s", b.ref, a.status, a.body)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if b.acked.IsZero() {
		b.acked, b.proxy, b.proxyB, b.expires = time.Now(), c.Proxy, c.ProxyB, c.Expires
		return
	}
	if c.Proxy != b.proxy || c.ProxyB != b.proxyB || c.Expires != b.expires {
		m.t.Errorf("booking %s: acknowledged on %s until %d, and again on %s until %d", b.ref, b.proxy, b.expires, c.Proxy, c.Expires)
	}
}

// checkOut deletes a live booking, until that is acknowledged.
func (m *market) checkOut(ctx context.Context, dice *rand.Rand) {
	m.mu.Lock()
	b := m.pick(dice, func(b *lent) bool { return !b.acked.IsZero() && b.ending.IsZero() })
	if b == nil {
		m.mu.Unlock()
		return
	}
	b.ending = time.Now()
	m.mu.Unlock()
	twice := m.atOnce(dice, func() {
		answer, err := m.ask(ctx, "DELETE", "/bookings/"+b.ref, "")
		switch {
		case errors.Is(err, context.Canceled):
			b.sure = true
			return
		case err != nil:
			m.fault(nil, "the end of booking %s is not acknowledged: %v", b.ref, err)
			return
		case answer.status == http.StatusOK, answer.status == http.StatusNotFound:
		default:
			m.fault(nil, "delete of %s: %d %s", b.ref, answer.status, answer.body)
			return
		}
		// Not found says as well that it has ended.
		m.mu.Lock()
		defer m.mu.Unlock()
		if b.ended.IsZero() {
			b.ended = time.Now()
			m.load[b.a]--
			m.load[b.b]--
		}
		b.sure = b.sure || answer.status == http.StatusOK || answer.unsure
	})
	if !twice && !b.sure {
		m.fault(nil, "booking %s was acknowledged, and is not found by its first delete", b.ref)
	}
}

// pick draws one of the bookings that fit. The mutex is held.
func (m *market) pick(dice *rand.Rand, fits func(*lent) bool) *lent {
	if len(m.lents) == 0 {
		return nil
	}
	from := dice.IntN(len(m.lents))
	for i := range m.lents {
		if b := m.lents[(from+i)%len(m.lents)]; fits(b) {
			return b
		}
	}
	return nil
}

// atOnce does something, and one time in four twice side by side: people press
// buttons again, and so do proxies.
func (m *market) atOnce(dice *rand.Rand, do func()) (twice bool) {
	var second sync.WaitGroup
	if twice = dice.IntN(4) == 0; twice {
		second.Go(do)
	}
	do()
	second.Wait()
	return twice
}

// dial lets somebody call.
func (m *market) dial(ctx context.Context, dice *rand.Rand) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.underWay >= mostCalls {
		return
	}
	span := func(least, most int) time.Duration {
		return time.Duration(least+dice.IntN(most-least)) * time.Millisecond
	}
	d := &dialled{}
	live := func(b *lent) bool { return !b.acked.IsZero() && b.ending.IsZero() }
	switch n := dice.IntN(100); {
	case n < 60:
		d.kind, d.booking = talks, m.pick(dice, live)
		d.script = party.Script{After: span(10, 150), Talk: span(30, 400), Leaves: party.Side(dice.IntN(2))}
	case n < 72:
		d.kind, d.booking = refuses, m.pick(dice, live)
		how := [...]party.Reaction{party.Busy, party.Decline, party.Unreachable, party.NoAnswer}
		d.script = party.Script{Callee: how[dice.IntN(len(how))], After: span(10, 150)}
	case n < 80:
		d.kind, d.booking = givesUp, m.pick(dice, live)
		d.script = party.GivesUp(span(10, 400))
	case n < 90:
		d.kind, d.booking = tooLate, m.pick(dice, func(b *lent) bool { return b.own && !b.ended.IsZero() })
	case n < 95:
		d.kind, d.caller = stranger, phoneOf("646", dice.IntN(1000))
	default:
		d.kind, d.caller = anonymous, "anonymous"
	}
	if d.booking != nil {
		d.caller = d.booking.a
		if dice.IntN(2) == 0 {
			d.caller = d.booking.b
		}
		d.proxy = d.booking.dials(d.caller)
	} else if d.caller == "" {
		return // nobody is there who could
	} else {
		d.proxy = phoneOf("773", 5550000+dice.IntN(poolSize))
	}
	m.place(ctx, d)
}

// place begins a call. The mutex is held.
func (m *market) place(ctx context.Context, d *dialled) {
	d.placed = time.Now()
	d.Call = m.carrier.PlaceCall(d.caller, d.proxy, d.script)
	m.calls = append(m.calls, d)
	m.underWay++
	go func() {
		select {
		case <-d.Done():
		case <-ctx.Done():
			return
		}
		m.mu.Lock()
		m.underWay--
		m.mu.Unlock()
	}()
}

// answer is what the switch said in the end.
type answer struct {
	status int
	body   []byte
	unsure bool // an earlier try may have taken effect unheard
}

// ask makes a request until the switch answers it for good.
func (m *market) ask(ctx context.Context, method, path, body string) (answer, error) {
	var a answer
	for {
		err := m.try(ctx, &a, method, path, body)
		if err == nil && (a.status != http.StatusServiceUnavailable || strings.Contains(string(a.body), "pool_")) {
			return a, nil
		}
		a.unsure = true
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return a, fmt.Errorf("%s %s: %w; last answer %d %s", method, path, errors.Join(err, ctx.Err()), a.status, a.body)
		}
	}
}

func (m *market) try(ctx context.Context, a *answer, method, path, body string) error {
	r, err := http.NewRequestWithContext(ctx, method, m.url+path, bytes.NewReader([]byte(body)))
	if err != nil {
		return err
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	res, err := m.client.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 4<<20))
	if err != nil {
		return err // the answer broke off: nothing was heard
	}
	a.status, a.body = res.StatusCode, text
	return nil
}

// Of what goes wrong so much is told, and of calls so many in full.
const (
	mostFaults  = 30
	mostLadders = 5
)

// fault fails the test, with the history of the call that went wrong.
func (m *market) fault(d *dialled, format string, args ...any) {
	m.t.Helper()
	m.mu.Lock()
	m.faults++
	n := m.faults
	if d != nil {
		m.broken++
	}
	full := m.broken <= mostLadders
	m.mu.Unlock()
	text := fmt.Sprintf(format, args...)
	if d != nil {
		text = fmt.Sprintf("call %d (%s): %s", d.Number(), d.kind, text)
		if full {
			text += "\n" + d.Ladder()
		}
	}
	switch {
	case n < mostFaults:
		m.t.Error(text)
	case n == mostFaults:
		m.t.Error(text, "(the rest is not told)")
	}
}
