package judge

import (
	"fmt"
	"time"

	"maskswitch/actors/phone"
)

// Read holds one look at a booking, asked for and answered at these instants,
// against what is certain. found says that the switch showed it as live. A
// DELETE that was answered "not found" at once is such a look too: give its
// Closing's instant as asked.
func (r *Register) Read(id string, l Listed, found bool, asked, at time.Time) []Finding {
	k := r.known(id)
	if k == nil {
		return nil
	}
	if found && k.deadAt(asked, r.cfg.Fuzz) {
		return []Finding{k.undead(at)}
	}
	if !k.mustBeKnown(asked, at, r.cfg.Fuzz) {
		return nil
	}
	f := Finding{Kind: BookingForgotten, Booking: id, At: at}
	switch {
	case !found:
		f.Text = fmt.Sprintf("the booking was acknowledged and ends at %s, and the switch does not know it", k.end())
	default:
		if f.Text = k.differs(l, r.cfg.Fuzz); f.Text == "" {
			return nil
		}
	}
	return []Finding{f}
}

// mustBeKnown is liveThrough, but for a look that was itself the request to end
// it.
func (k *booking) mustBeKnown(asked, at time.Time, fuzz time.Duration) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.lives(asked, at, fuzz) && (k.closing.IsZero() || k.closing.After(at) || k.closing.Equal(asked))
}

func (k *booking) undead(at time.Time) Finding {
	k.mu.Lock()
	defer k.mu.Unlock()
	why := "its end was at " + stamp(k.latestEnd())
	if !k.closed.IsZero() {
		why = "its end was acknowledged at " + stamp(k.closed)
	}
	return Finding{Kind: BookingUndead, Booking: k.id, At: at, Text: why + ", and the switch shows it as live"}
}

func (k *booking) end() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return stamp(k.soonestEnd())
}

func stamp(t time.Time) string { return t.UTC().Format("15:04:05.000Z") }

// differs says how a booking that is shown is not the one that was
// acknowledged; empty if it is.
func (k *booking) differs(l Listed, fuzz time.Duration) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	guest, host, proxy, proxyHost := phone.FromCarrier(l.Guest), phone.FromCarrier(l.Host), phone.FromCarrier(l.Proxy), phone.FromCarrier(l.ProxyHost)
	switch {
	case l.Guest != "" && guest != k.guest, l.Host != "" && host != k.host:
		return fmt.Sprintf("the booking is of %s and %s; the switch shows it with %s and %s", k.guest, k.host, guest, host)
	case l.Proxy != "" && proxy != k.guestNum, l.ProxyHost != "" && proxyHost != k.hostNum:
		return fmt.Sprintf("the booking was given %s for the guest and %s for the host; the switch shows it with %s and %s", k.guestNum, k.hostNum, proxy, proxyHost)
	case l.Expires.Unix() > 0 && (l.Expires.Before(k.soonestEnd().Add(-fuzz-time.Second)) || l.Expires.After(k.latest.Add(fuzz+time.Second))):
		return fmt.Sprintf("the booking ends at %s; the switch shows it with an end at %s", stamp(k.soonestEnd()), stamp(l.Expires))
	}
	return ""
}

// Audit holds a list of the live bookings against what is certain: all of ours
// are there, none that has ended, and no number is given twice. at is when the
// listing began; complete says that it is the whole list. Bookings that are
// not ours only count for numbers given twice.
func (r *Register) Audit(listed []Listed, complete bool, at time.Time) []Finding {
	now := r.now()
	if now.Before(at) {
		now = at
	}
	var found []Finding
	shown := make(map[string]bool, len(listed))
	held := make(map[key]string, 2*len(listed))
	for _, l := range listed {
		if shown[l.ID] {
			found = append(found, Finding{Kind: NumberGivenTwice, Booking: l.ID, At: at, Text: "the list of live bookings has this booking twice"})
			continue
		}
		shown[l.ID] = true
		k := r.known(l.ID)
		switch {
		case k == nil:
		case k.deadAt(at, r.cfg.Fuzz):
			found = append(found, k.undead(at))
			continue
		case k.liveThrough(at, now, r.cfg.Fuzz):
			if text := k.differs(l, r.cfg.Fuzz); text != "" {
				found = append(found, Finding{Kind: BookingForgotten, Booking: l.ID, At: at, Text: text})
			}
		default:
			continue // it may be ending while the list is read
		}
		found = append(found, r.heldTwice(held, l, k, at)...)
	}
	if !complete {
		return found
	}
	for i := range r.byID {
		s := &r.byID[i]
		s.mu.Lock()
		for id, k := range s.bookings {
			if !shown[id] && k.liveThrough(at, now, r.cfg.Fuzz) {
				found = append(found, Finding{Kind: BookingForgotten, Booking: id, At: at,
					Text: fmt.Sprintf("the booking was acknowledged and ends at %s, and the list of live bookings does not have it", k.end())})
			}
		}
		s.mu.Unlock()
	}
	return found
}

// heldTwice enters a listed booking under its keys. Two of ours that clash were
// found when the second was opened.
func (r *Register) heldTwice(held map[key]string, l Listed, k *booking, at time.Time) []Finding {
	// Without ProxyHost the list may show the guest's number only.
	keys := [2]key{{phone.FromCarrier(l.Proxy), phone.FromCarrier(l.Guest)}}
	if l.ProxyHost != "" {
		keys[1] = key{phone.FromCarrier(l.ProxyHost), phone.FromCarrier(l.Host)}
	}
	if k != nil {
		keys = k.keys()
	}
	for _, at1 := range keys {
		if !at1.party.Known() {
			continue
		}
		other, taken := held[at1]
		held[at1] = l.ID
		if taken && other != l.ID && (k == nil || r.known(other) == nil) {
			return []Finding{{Kind: NumberGivenTwice, Booking: l.ID, At: at,
				Text: fmt.Sprintf("%s dials %s for both booking %s and booking %s", at1.party, at1.number, other, l.ID)}}
		}
	}
	return nil
}
