package loadtest

import (
	"encoding/json"
	"time"

	"maskswitch/loadtest/judge"
	"maskswitch/loadtest/market"
)

// lent is a booking with something under way: what comes meanwhile waits for
// its turn, as a marketplace would not end a booking that it is still opening.
type lent struct{ waiting []errand }

type errand struct {
	op  market.Op
	due time.Time
}

// errand starts a request, or queues it behind what the booking is busy with.
func (r *run) errand(op market.Op, due time.Time) {
	select {
	case r.clients <- struct{}{}:
	default:
		r.counts.add(r.counts.bookings, word(op)+" dropped")
		r.notes.add("Requests of the marketplace were dropped: all of its clients were busy (bookings.clients).")
		return
	}
	r.errands.Add(1)
	run := func() {
		defer r.errands.Done()
		defer func() { <-r.clients }()
		r.carryOut(op, due)
	}
	if op.Kind == market.Repeat { // a repeat does not wait for the first answer
		go run()
		return
	}
	r.mu.Lock()
	if b := r.lent[op.Booking.N]; b != nil {
		b.waiting = append(b.waiting, errand{op, due})
		r.mu.Unlock()
		<-r.clients // it holds no place while it waits
		r.errands.Done()
		return
	}
	r.lent[op.Booking.N] = &lent{}
	r.mu.Unlock()
	go func() {
		run()
		r.turn(op.Booking.N)
	}()
}

// turn lets the next request of a booking go, in this goroutine.
func (r *run) turn(n int) {
	for {
		r.mu.Lock()
		b := r.lent[n]
		if len(b.waiting) == 0 {
			delete(r.lent, n)
			r.mu.Unlock()
			return
		}
		next := b.waiting[0]
		b.waiting = b.waiting[1:]
		r.errands.Add(1)
		r.mu.Unlock()
		r.clients <- struct{}{}
		r.carryOut(next.op, next.due)
		<-r.clients
		r.errands.Done()
	}
}

func (r *run) carryOut(op market.Op, due time.Time) {
	switch op.Kind {
	case market.Open, market.Repeat:
		r.openBooking(op, due)
	case market.Read:
		r.readBooking(op, due)
	case market.Extend:
		r.extendBooking(op, due)
	case market.Close:
		r.closeBooking(op, due)
	}
}

// insist repeats a request until its fate is certain, as a marketplace must: a
// request that got no answer may have been carried out. It reports false if
// that stayed open.
func (r *run) insist(op market.Op, method, path string, body any) (last reply, repeats int, ok bool) {
	deadline := time.Now().Add(30 * time.Second)
	pause := 25 * time.Millisecond
	for {
		last = r.desk.ask(method, path, body)
		if last.err == nil && (last.status < 400 || last.certainRefusal() || last.exhausted()) {
			return last, repeats, true
		}
		r.counts.fault(method+" "+route(op.Kind), last.word(), r.planned(time.Now()))
		r.counts.add(r.counts.bookings, word(op)+" repeated after "+last.word())
		pause = max(min(2*pause, 2*time.Second), last.after)
		if time.Now().Add(pause).After(deadline) {
			return last, repeats, false
		}
		repeats++
		if !sleepUntil(r.ctx, time.Now().Add(pause)) {
			return last, repeats, false
		}
	}
}

// planned says whether the tester itself makes things fail now.
func (r *run) planned(at time.Time) bool {
	for _, s := range r.trouble.now().Down {
		if !at.Before(s.From) && !at.After(s.To.Add(time.Second)) {
			return true
		}
	}
	return false
}

func route(k market.Kind) string {
	if k == market.Open || k == market.Repeat {
		return "/bookings"
	}
	return "/bookings/{id}"
}

func (r *run) openBooking(op market.Op, due time.Time) {
	b := op.Booking
	id := r.bookingID(b)
	began := time.Now()
	hours := r.hours(b)
	s := create
	if op.Kind == market.Repeat {
		s = repeated
	}
	r.judge.Opening(id, b.Guest, b.Host, judge.Terms{Pair: b.Pair, Cut: b.Cut, Grace: b.Grace, Idle: b.Idle,
		Lasts: time.Duration(hours * float64(time.Hour)), Recording: b.Recording, Summary: b.Summary}, began)
	answer, repeats, certain := r.insist(op, "POST", "/bookings", asking(b, id, hours))
	now := time.Now()
	switch {
	case !certain:
		r.failed(op, s, "gave up")
	case answer.exhausted():
		r.failed(op, s, "exhausted")
		r.judge.Refused(id, now)
	case answer.status != 200 && answer.status != 201:
		r.failed(op, s, "refused "+answer.word())
		r.counts.fault("POST /bookings", answer.word()+" "+code(answer.body), false)
		if op.Kind == market.Open && repeats == 0 {
			r.judge.Refused(id, now)
		}
	default:
		shown, err := readBooking(answer.body)
		if err != nil || shown.guestDials() == "" {
			r.failed(op, s, "not understood")
			r.counts.fault("POST /bookings", "answer without a number", false)
			return
		}
		r.succeeded(op, s, due, began)
		r.report(r.judge.Opened(id, judge.Answer{ID: shown.ID, Proxy: shown.guestDials(), ProxyGuest: shown.guestDials(),
			ProxyHost: shown.hostDials(), Expires: shown.expires()}, now))
	}
}

// hours is what a booking asks for: the same each time, or a repeat would be
// another request.
func (r *run) hours(b *market.Booking) float64 {
	if h, ok := r.first[b.N]; ok {
		return h
	}
	return b.Lasts.Hours()
}

func (r *run) readBooking(op market.Op, due time.Time) {
	id := r.bookingID(op.Booking)
	began := time.Now()
	answer, _, certain := r.insist(op, "GET", bookingPath(id), nil)
	switch {
	case !certain:
		r.failed(op, read, "gave up")
	case answer.status == 404:
		r.succeeded(op, read, due, began)
		r.report(r.judge.Read(id, judge.Listed{}, false, began, time.Now()))
	case answer.status != 200:
		r.failed(op, read, "refused "+answer.word())
	default:
		shown, err := readBooking(answer.body)
		if err != nil {
			r.failed(op, read, "not understood")
			return
		}
		r.succeeded(op, read, due, began)
		live := shown.Status == "" || shown.Status == "live" || shown.Status == "open" || shown.Status == "active"
		r.report(r.judge.Read(id, listed(shown), live, began, time.Now()))
	}
}

func listed(b bookingShown) judge.Listed {
	return judge.Listed{ID: b.ID, Proxy: b.guestDials(), ProxyHost: b.hostOwn(), Guest: b.PartyA, Host: b.PartyB, Expires: b.expires()}
}

func (r *run) extendBooking(op market.Op, due time.Time) {
	if r.noExtend.Load() {
		r.counts.add(r.counts.bookings, word(op)+" not offered")
		return
	}
	b := op.Booking
	id := r.bookingID(b)
	began := time.Now()
	until := r.began.Add(b.Opens + b.Lasts + b.Extends).Truncate(time.Second) // as it is told
	r.judge.Extending(id, until, began)
	answer, _, certain := r.insist(op, "PATCH", bookingPath(id), map[string]any{"expires_at": until.Unix()})
	switch {
	case !certain:
		r.failed(op, extend, "gave up")
	case answer.status == 405 || answer.status == 501:
		r.noExtend.Store(true)
		r.counts.add(r.counts.bookings, word(op)+" not offered")
		r.notes.add("The switch does not offer PATCH /bookings/{id}: no booking was extended or shortened.")
	case answer.status == 404: // it may have ended meanwhile, by itself
		r.succeeded(op, extend, due, began)
		r.report(r.judge.Read(id, judge.Listed{}, false, began, time.Now()))
	case answer.status != 200:
		r.failed(op, extend, "refused "+answer.word())
	default:
		shown, err := readBooking(answer.body)
		if err != nil || shown.Expires == 0 {
			r.failed(op, extend, "not understood")
			return
		}
		r.succeeded(op, extend, due, began)
		r.judge.Extended(id, shown.expires(), time.Now())
	}
}

func (r *run) closeBooking(op market.Op, due time.Time) {
	id := r.bookingID(op.Booking)
	began := time.Now()
	r.judge.Closing(id, began)
	answer, repeats, certain := r.insist(op, "DELETE", bookingPath(id), nil)
	now := time.Now()
	switch {
	case !certain:
		r.failed(op, checkout, "gave up")
	case answer.status == 404 && repeats > 0: // an earlier request did it
		r.succeeded(op, checkout, due, began)
		r.judge.Closed(id, now)
	case answer.status == 404:
		r.succeeded(op, checkout, due, began)
		r.report(r.judge.Read(id, judge.Listed{}, false, began, now))
		r.judge.Closed(id, now)
	case answer.status >= 300:
		r.failed(op, checkout, "refused "+answer.word())
	default:
		r.succeeded(op, checkout, due, began)
		r.judge.Closed(id, now)
	}
}

func (r *run) succeeded(op market.Op, s step, due, began time.Time) {
	now := time.Now()
	r.meter.add(uint64(op.Booking.N), s, now.Sub(due), now.Sub(began))
	r.counts.add(r.counts.bookings, word(op)+" ok")
}

func (r *run) failed(op market.Op, s step, how string) {
	r.meter.fail(uint64(op.Booking.N), s)
	r.counts.add(r.counts.bookings, word(op)+" "+how)
}

// word names a request for counting.
func word(op market.Op) string {
	if op.Kind == market.Extend && op.Booking.Extends < 0 {
		return "shorten"
	}
	return op.Kind.String()
}

// code is the stable code of an error answer, if it has one.
func code(body []byte) string {
	var problem struct {
		Code string `json:"code"`
	}
	_ = json.Unmarshal(body, &problem)
	return problem.Code
}
