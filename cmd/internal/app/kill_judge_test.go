package app_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"maskswitch/actors/journal/sqlite"
	"maskswitch/actors/protocol"
	"maskswitch/loadtest/carrier"
)

// listed is a booking as the switch shows it.
type listed struct {
	Booking string `json:"booking_id"`
	Status  string `json:"status"`
	Reason  string `json:"reason"`
	Proxy   string `json:"proxy"`
	ProxyB  string `json:"proxy_number_b"` // empty: the same
	PartyA  string `json:"party_a"`
	PartyB  string `json:"party_b"`
	Expires int64  `json:"expires_at"`
}

// list reads all live bookings, page by page. One page is one instant.
func (m *market) list(ctx context.Context, page int) []listed {
	var all []listed
	for cursor := ""; ; {
		path := "/bookings?limit=" + strconv.Itoa(page)
		if cursor != "" {
			path += "&cursor=" + cursor
		}
		a, err := m.ask(ctx, "GET", path, "")
		var rows struct {
			Bookings []listed `json:"bookings"`
			Next     string   `json:"next_cursor"`
		}
		if err != nil || a.status != http.StatusOK || json.Unmarshal(a.body, &rows) != nil {
			m.t.Fatalf("GET %s: %d %s %v", path, a.status, a.body, err)
		}
		all = append(all, rows.Bookings...)
		if cursor = rows.Next; cursor == "" {
			return all
		}
	}
}

// census compares what the switch holds with what it has acknowledged: nothing
// lost, nothing back from the dead, no (number, party) held twice. It returns
// how many bookings are live.
func (m *market) census(ctx context.Context, page int) int {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var held, gone []*lent
	m.mu.Lock()
	for _, b := range m.lents {
		switch {
		case !b.ended.IsZero():
			gone = append(gone, b)
		case !b.acked.IsZero():
			held = append(held, b)
		}
	}
	m.mu.Unlock()
	rows := m.list(ctx, page)
	m.mu.Lock()
	held = slices.DeleteFunc(held, func(b *lent) bool { return !b.ending.IsZero() }) // by now, perhaps
	m.mu.Unlock()

	type holding struct{ number, party string }
	holders := make(map[holding]string)
	found := make(map[string]listed)
	for _, row := range rows {
		if _, ok := found[row.Booking]; ok {
			m.fault(nil, "booking %s is there twice", row.Booking)
		}
		found[row.Booking] = row
		for _, at := range [...]holding{{row.Proxy, row.PartyA}, {cmp.Or(row.ProxyB, row.Proxy), row.PartyB}} {
			if other, ok := holders[at]; ok {
				m.fault(nil, "%s and %s both hold number %s for party %s", other, row.Booking, at.number, at.party)
			}
			holders[at] = row.Booking
		}
	}
	for _, b := range held {
		want := listed{b.ref, "live", "", b.proxy, b.proxyB, b.a, b.b, b.expires}
		if got := found[b.ref]; got != want {
			m.fault(nil, "booking acknowledged as\n%+v\nis now\n%+v", want, got)
		}
	}
	for _, b := range gone {
		if row, ok := found[b.ref]; ok {
			m.fault(nil, "booking %s was ended %s ago, and lives: %+v", b.ref, time.Since(b.ended), row)
		}
	}
	return len(rows)
}

// hold checks each booking by itself, in quiet: repeated creates are answered as
// the first was, what has ended stays ended, and nothing lives that nobody asked
// for.
func (m *market) hold(ctx context.Context, live int) {
	for _, b := range m.lents {
		read, err1 := m.ask(ctx, "GET", "/bookings/"+b.ref, "")
		again, err2 := m.ask(ctx, "POST", "/bookings", b.request())
		if err := errors.Join(err1, err2); err != nil {
			m.t.Fatal(err)
		}
		var row listed
		if err := json.Unmarshal(read.body, &row); err != nil || read.status != http.StatusOK {
			m.fault(nil, "booking %s was acknowledged: %d %s", b.ref, read.status, read.body)
			continue
		}
		if b.ended.IsZero() {
			live--
			m.acknowledge(b, again)
			continue
		}
		if row.Status != "quarantine" || row.Reason != "deleted" {
			m.fault(nil, "booking %s was ended: %s", b.ref, read.body)
		}
		if again.status != http.StatusConflict {
			m.fault(nil, "booking %s was ended, and its create is answered %d %s", b.ref, again.status, again.body)
		}
	}
	if live != 0 {
		m.fault(nil, "%d more bookings live than were asked for", live)
	}
}

// accepted is when an event was first acknowledged.
func accepted(ev carrier.Event) (at time.Time, ok bool) {
	for _, d := range ev.Deliveries {
		if end := d.Sent.Add(d.Took); d.Status/100 == 2 && (!ok || end.Before(at)) {
			at, ok = end, true
		}
	}
	return at, ok
}

// once are the commands that take effect once on a leg, if at all.
var once = [...]string{"answer", "reject", "transfer", "record_start", "speak", "hangup"}

// mostSaid is how often the sentence was said to a leg that was said most often. A
// call that a process took to its death is decided anew, and its booking may have
// ended since: then the caller hears that, too.
func mostSaid(l carrier.Ledger, leg string) (most int) {
	said := make(map[string]int)
	for _, c := range l.Commands {
		if c.Leg != leg || c.Action != "speak" || !c.Effective {
			continue
		}
		var body struct{ Payload string }
		if json.Unmarshal(c.Body, &body) != nil || body.Payload == "" {
			return len(l.Commands) // what was said cannot be told apart
		}
		said[body.Payload]++
		most = max(most, said[body.Payload])
	}
	return most
}

// judge holds a call that is over against what must come of it. It says whether
// the call was acknowledged at all.
func (m *market) judge(d *dialled) bool {
	l := d.Ledger()
	wrong := func(format string, args ...any) { m.fault(d, format, args...) }
	for _, leak := range l.Leaks {
		wrong("a party's own number was shown in %s of %s", leak.Member, leak.Action)
	}
	for _, leg := range l.Legs {
		for _, action := range once {
			n := l.EffectsOn(leg.Name, action)
			if action == "speak" {
				n = mostSaid(l, leg.Name)
			}
			if n > 1 {
				wrong("%s took effect %d times on leg %s", action, n, leg.Name)
			}
		}
	}
	if len(l.Connections) > 1 {
		wrong("%d phones rang", len(l.Connections))
	}
	for _, c := range l.Connections {
		if !m.mayReach(d, c) {
			wrong("the wrong phone rang, or saw a number that it cannot dial: %s saw %s", c.Callee.E164(), c.Shown.E164())
		}
	}
	ring, _ := l.Event("A", "call.initiated")
	at, ok := accepted(ring)
	if !ok {
		return false
	}
	if alive := l.Alive(); len(alive) > 0 {
		wrong("acknowledged, and legs %v are still up", alive)
		return true
	}
	switch {
	case d.kind == stranger, d.kind == anonymous, d.kind == tooLate:
		if len(l.Connections) > 0 {
			wrong("a phone rang")
		}
	// A booking that ended while the call was on its way in may have been too
	// early or too late for it.
	case !d.booking.ending.IsZero() && d.booking.ending.Before(at):
	case d.kind == talks && !l.Talked():
		wrong("the two did not talk")
	case d.kind == refuses && (len(l.Connections) == 0 || l.Talked() || l.EffectsOn("A", "speak") != 1):
		wrong("the callee did not refuse, or the caller was not told")
	}
	return true
}

// mayReach says whether somebody may have rung whom they did, who saw the number
// that he can dial himself: by a booking that lived, as far as anybody knew, between the dialling and that ring.
func (m *market) mayReach(d *dialled, c carrier.Connection) bool {
	if c.Caller.E164() != d.caller {
		return false
	}
	return slices.ContainsFunc(m.lents, func(b *lent) bool {
		return (b.a == d.caller || b.b == d.caller) && b.other(d.caller) == c.Callee.E164() &&
			b.dials(d.caller) == d.proxy && b.dials(c.Callee.E164()) == c.Shown.E164() && b.asked.Before(c.Rang) && (b.ended.IsZero() || b.ended.After(d.placed))
	})
}

// outcomes are those of callers who reach nobody.
var outcomes = map[string]protocol.Outcome{
	stranger: protocol.OutcomeStranger, anonymous: protocol.OutcomeWithheld, tooLate: protocol.OutcomeNoBooking,
}

// audit reads the store that the last life has left: each acknowledged call has
// its row, closed, and each acknowledged recording is known.
func (m *market) audit(ctx context.Context, t *testing.T, dir string) (recordings int) {
	store, err := sqlite.Open(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for _, d := range m.calls {
		l := d.Ledger()
		if ring, _ := l.Event("A", "call.initiated"); !ring.Accepted {
			continue
		}
		row, err := store.CallOfSession(ctx, protocol.SessionID(l.Session))
		if err != nil {
			m.fault(d, "acknowledged, and not in the store: %v", err)
			continue
		}
		if row.State != "" || row.Outcome == protocol.OutcomeNone {
			m.fault(d, "over, and its row is in stage %s with outcome %q", row.Stage, row.Outcome)
		}
		if want, ok := outcomes[d.kind]; ok && row.Outcome != want {
			m.fault(d, "the outcome is %s, not %s", row.Outcome, want)
		}
		if row.Outcome == protocol.OutcomeTalked && !l.Talked() {
			m.fault(d, "they never talked, and the row says so")
		}
		kept, err := store.Recordings(ctx, row.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, ev := range l.Events {
			if ev.Kind != "call.recording.saved" || !ev.Accepted {
				continue
			}
			recordings++
			if !slices.ContainsFunc(kept, func(r protocol.Recording) bool { return string(r.ID) == ev.Recording }) {
				m.fault(d, "its recording was acknowledged, and is not in the store")
			}
		}
	}
	return recordings
}
