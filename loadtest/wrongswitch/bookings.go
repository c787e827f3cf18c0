package wrongswitch

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// booking is two parties on one number until an instant.
type booking struct {
	id, number, a, b string
	created, expires time.Time
	closed           bool
	undead           bool // shown as live although it is not
}

// key is what a call is looked up by.
type key struct{ number, party string }

func (k *booking) keys() [2]key { return [2]key{{k.number, k.a}, {k.number, k.b}} }

func (k *booking) live(now time.Time) bool { return !k.closed && now.Before(k.expires) }

func (k *booking) other(party string) string {
	if party == k.a {
		return k.b
	}
	return k.a
}

func (k *booking) shown() map[string]any {
	return map[string]any{"proxy": k.number, "party_a": k.a, "party_b": k.b, "booking_id": k.id,
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
	in := struct {
		A     string  `json:"party_a"`
		B     string  `json:"party_b"`
		ID    string  `json:"booking_id"`
		Hours float64 `json:"duration_hours"`
	}{Hours: 24}
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
			again.number = s.another(old.number)
		}
		created(w, &again)
		return
	}
	number := s.choose(in.A, in.B, now)
	if number == "" {
		refuse(w, http.StatusServiceUnavailable, "No proxy numbers available", "exhausted")
		return
	}
	k := &booking{id: in.ID, number: number, a: in.A, b: in.B, created: now,
		expires: now.Add(time.Duration(in.Hours * float64(time.Hour))).Truncate(time.Second)}
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

func created(w http.ResponseWriter, k *booking) {
	reply(w, http.StatusOK, map[string]any{"status": "created", "booking_id": k.id, "proxy_number": k.number, "expires_at": k.expires.Unix()})
}

// choose finds a number that neither party holds, best one that neither held
// lately. The search begins after the last choice, which spreads the load.
func (s *Switch) choose(a, b string, now time.Time) string {
	for _, k := range []string{a, b} {
		for _, n := range s.numbers {
			if at := (key{n, k}); s.holder(at, now) != nil && s.wrong.strikes(GivesNumberTwice) {
				return n
			}
		}
	}
	second := ""
	for i := range s.numbers {
		n := s.numbers[(s.next+i)%len(s.numbers)]
		if s.holder(key{n, a}, now) != nil || s.holder(key{n, b}, now) != nil {
			continue
		}
		if s.past[key{n, a}] == nil && s.past[key{n, b}] == nil {
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
			busy[k.number] = true
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
	k.expires = time.Unix(in.Expires, 0)
	reply(w, http.StatusOK, k.shown())
}

func (s *Switch) closeBooking(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.find(r.PathValue("id"))
	if k == nil {
		refuse(w, http.StatusNotFound, "Not found", "not_found")
		return
	}
	k.closed, k.undead = true, s.wrong.strikes(UndeadBooking)
	s.release(k)
	reply(w, http.StatusOK, map[string]any{"status": "expired", "booking_id": k.id, "proxy_returned": k.number})
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
