package wrongswitch

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// booking is two parties, the number that each dials, and an end.
type booking struct {
	id, a, b         string
	numberA, numberB string // the same unless masks is "pair"
	cut              bool
	grace, idle      time.Duration
	created, expires time.Time
	used             time.Time // the last call ended then; before the first: created
	calls            int       // under way
	closed           time.Time // by request; zero: not
	undead           bool      // shown as live although it is not
	recording        string    // "off", "dual-wav", ...; empty: dual-mp3
	summary          bool
}

// key is what a call is looked up by.
type key struct{ number, party string }

func (k *booking) keys() [2]key { return [2]key{{k.numberA, k.a}, {k.numberB, k.b}} }

// ends is when the booking ends, as things stand.
func (k *booking) ends() time.Time {
	end := k.expires
	if idle := k.used.Add(k.idle); k.idle > 0 && k.calls == 0 && idle.Before(end) {
		end = idle
	}
	if !k.closed.IsZero() && k.closed.Before(end) {
		end = k.closed
	}
	return end
}

func (k *booking) live(now time.Time) bool { return now.Before(k.ends()) }

// other is the other party, and the number that they dial.
func (k *booking) other(party string) (callee, own string) {
	if party == k.a {
		return k.b, k.numberB
	}
	return k.a, k.numberA
}

func (k *booking) shown() map[string]any {
	return map[string]any{"proxy": k.numberA, "proxy_numbers": map[string]string{"party_a": k.numberA, "party_b": k.numberB},
		"party_a": k.a, "party_b": k.b, "booking_id": k.id,
		"expires_at": k.expires.Unix(), "created": k.created.Unix(), "status": "live"}
}

func (s *Switch) addNumbers(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Numbers []string `json:"numbers"`
	}
	if json.NewDecoder(r.Body).Decode(&in) != nil || len(in.Numbers) == 0 {
		refuse(w, http.StatusBadRequest, "numbers array required", "invalid")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range in.Numbers {
		if !slices.Contains(s.numbers, n) {
			s.numbers = append(s.numbers, n)
		}
	}
	reply(w, http.StatusOK, map[string]any{"status": "added", "pool_size": len(s.numbers)})
}

func (s *Switch) openBooking(w http.ResponseWriter, r *http.Request) {
	in := asked{Hours: 24}
	if json.NewDecoder(r.Body).Decode(&in) != nil || !dialable(in.A) || !dialable(in.B) || in.A == in.B {
		refuse(w, http.StatusBadRequest, "party_a and party_b required", "invalid")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if in.ID == "" {
		in.ID = fmt.Sprintf("bk-%d", len(s.order)+1)
	}
	if old := s.bookings[in.ID]; old != nil {
		if old.a != in.A || old.b != in.B {
			refuse(w, http.StatusConflict, "booking_id belongs to another pair", "conflict")
			return
		}
		again := *old
		if s.wrong.strikes(RepeatsDifferently) {
			again.numberA = s.another(old.numberA)
			again.numberB = again.numberA
		}
		created(w, &again)
		return
	}
	k := s.made(in, now)
	if k.numberA == "" || k.numberB == "" {
		refuse(w, http.StatusServiceUnavailable, "No proxy numbers available", "exhausted")
		return
	}
	if !s.wrong.strikes(ForgetsBooking) {
		s.bookings[k.id] = k
		s.order = append(s.order, k)
		for _, at := range k.keys() {
			s.held[at] = k
			delete(s.past, at)
		}
	}
	created(w, k)
}

// asked is the body of POST /bookings.
type asked struct {
	A         string  `json:"party_a"`
	B         string  `json:"party_b"`
	ID        string  `json:"booking_id"`
	Hours     float64 `json:"duration_hours"`
	Masks     string  `json:"masks"`
	Checkout  string  `json:"on_checkout"`
	Grace     int     `json:"grace_seconds"`
	IdleHours float64 `json:"idle_hours"`
	Recording string  `json:"recording"`
	Summary   bool    `json:"summary"`
}

// made is a booking that was asked for, with empty numbers if none is free.
func (s *Switch) made(in asked, now time.Time) *booking {
	k := &booking{id: in.ID, a: in.A, b: in.B, created: now, used: now,
		cut: in.Checkout == "cut", grace: time.Duration(in.Grace) * time.Second,
		idle: time.Duration(in.IdleHours * float64(time.Hour)), recording: in.Recording, summary: in.Summary,
		expires: now.Add(time.Duration(in.Hours * float64(time.Hour))).Truncate(time.Second)}
	if k.idle > 0 && s.wrong.strikes(EndsIdleEarly) {
		k.idle /= 50
	}
	if k.idle > 0 && s.wrong.strikes(IgnoresIdle) {
		k.idle = 0
	}
	if in.Masks == "pair" && !s.wrong.strikes(IgnoresMasks) {
		k.numberA = s.choose(now, "", in.A)
		k.numberB = s.choose(now, k.numberA, in.B)
		return k
	}
	k.numberA = s.choose(now, "", in.A, in.B)
	k.numberB = k.numberA
	return k
}

func created(w http.ResponseWriter, k *booking) {
	shown := k.shown()
	shown["status"], shown["proxy_number"] = "created", k.numberA
	reply(w, http.StatusOK, shown)
}

// choose finds a number, but not that one, that none of the parties holds, best
// one that none held lately. The search begins after the last choice, which
// spreads the load.
func (s *Switch) choose(now time.Time, not string, parties ...string) string {
	holds := func(n, party string) bool { return s.holder(key{n, party}, now) != nil }
	held := func(n, party string) bool { return s.past[key{n, party}] != nil }
	some := func(n string, is func(n, party string) bool) bool {
		return slices.ContainsFunc(parties, func(p string) bool { return is(n, p) })
	}
	for _, n := range s.numbers {
		if n != not && some(n, holds) && s.wrong.strikes(GivesNumberTwice) {
			return n
		}
	}
	second := ""
	for i := range s.numbers {
		n := s.numbers[(s.next+i)%len(s.numbers)]
		if n == not || some(n, holds) {
			continue
		}
		if !some(n, held) {
			s.next += i + 1
			return n
		}
		if second == "" {
			second = n
		}
	}
	return second
}

// another is a number of the pool that is not this one.
func (s *Switch) another(number string) string {
	for _, n := range s.numbers {
		if n != number {
			return n
		}
	}
	return number
}

// holder is the live booking under a key. One that is over is moved to the
// quarantine.
func (s *Switch) holder(at key, now time.Time) *booking {
	k := s.held[at]
	if k == nil || k.live(now) {
		return k
	}
	s.release(k)
	return nil
}

func (s *Switch) release(k *booking) {
	for _, at := range k.keys() {
		if s.held[at] == k {
			delete(s.held, at)
			s.past[at] = k
		}
	}
}

// find is a live booking, or one that pretends to be.
func (s *Switch) find(id string) *booking {
	k := s.bookings[id]
	if k == nil || !k.live(time.Now()) && !k.undead {
		return nil
	}
	return k
}

func (s *Switch) listBookings(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	all := []map[string]any{}
	busy := map[string]bool{}
	for _, k := range s.order {
		if k.live(now) || k.undead {
			all = append(all, k.shown())
			busy[k.numberA], busy[k.numberB] = true, true
		}
	}
	reply(w, http.StatusOK, map[string]any{"bookings": all, "pool_available": len(s.numbers) - len(busy)})
}

func (s *Switch) showBooking(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.find(r.PathValue("id"))
	if k == nil {
		refuse(w, http.StatusNotFound, "Not found", "not_found")
		return
	}
	reply(w, http.StatusOK, k.shown())
}

func (s *Switch) changeBooking(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Expires int64 `json:"expires_at"`
	}
	if json.NewDecoder(r.Body).Decode(&in) != nil || in.Expires <= 0 {
		refuse(w, http.StatusBadRequest, "expires_at required", "invalid")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.find(r.PathValue("id"))
	if k == nil {
		refuse(w, http.StatusNotFound, "Not found", "not_found")
		return
	}
	old := k.expires
	k.expires = time.Unix(in.Expires, 0)
	reply(w, http.StatusOK, k.shown())
	if s.wrong.strikes(ForgetsChange) {
		k.expires = old
	}
}

func (s *Switch) closeBooking(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.find(r.PathValue("id"))
	if k == nil {
		refuse(w, http.StatusNotFound, "Not found", "not_found")
		return
	}
	k.closed, k.undead = time.Now(), s.wrong.strikes(UndeadBooking)
	s.release(k)
	reply(w, http.StatusOK, map[string]any{"status": "expired", "booking_id": k.id, "proxy_returned": k.numberA})
}

func (s *Switch) health(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	active := 0
	for _, k := range s.order {
		if k.live(time.Now()) {
			active++
		}
	}
	reply(w, http.StatusOK, map[string]any{"status": "ok", "service": "wrong-switch", "pool": len(s.numbers), "active": active})
}

// dialable is strict E.164: the carrier would take digits after a comma.
func dialable(n string) bool {
	return len(n) >= 8 && len(n) <= 16 && n[0] == '+' && n[1] != '0' && strings.Trim(n[1:], "0123456789") == ""
}
