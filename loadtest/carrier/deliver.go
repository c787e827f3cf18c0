package carrier

import (
	"strconv"
	"sync"
	"time"
)

// sender makes deliveries in order, a bounded number at once. Its goroutines are
// kept for the next delivery: a fresh one would first have to grow its stack.
type sender struct {
	carrier *Carrier
	most    int

	mu      sync.Mutex
	jobs    []job // that no worker was free for
	head    int
	idle    []chan job // workers, the last one used at the end
	working int        // workers in all
}

// job is an event to dispatch, or one delivery of a parcel.
type job struct {
	event   *event
	parcel  *parcel
	attempt int
	due     time.Time
}

func (s *sender) push(j job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.idle) - 1; n >= 0 {
		s.idle[n] <- j // it has room for one
		s.idle = s.idle[:n]
		return
	}
	if s.working < s.most && s.carrier.gate.enter() {
		s.working++
		go s.work(j)
		return
	}
	s.jobs = append(s.jobs, j)
}

func (s *sender) work(j job) {
	defer s.carrier.gate.leave()
	inbox := make(chan job, 1)
	for {
		if j.parcel == nil {
			s.carrier.dispatch(j.event)
		} else {
			s.carrier.deliver(j.parcel, j.attempt, j.due)
		}
		var ok bool
		if j, ok = s.next(inbox); ok {
			continue
		}
		select {
		case j = <-inbox:
		case <-s.carrier.ctx.Done():
			return
		}
	}
}

// next takes what waits, or else puts the worker among the idle ones.
func (s *sender) next(inbox chan job) (job, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.head == len(s.jobs) {
		s.jobs, s.head = s.jobs[:0], 0
		s.idle = append(s.idle, inbox)
		return job{}, false
	}
	j := s.jobs[s.head]
	s.jobs[s.head] = job{}
	s.head++
	return j, true
}

// parcel is one copy of an event.
type parcel struct {
	*event
	copy int // from 1
	lose int // first deliveries that vanish
}

// dispatch asks how an event travels and sets its copies on their way.
func (c *Carrier) dispatch(ev *event) {
	plan := c.plan(ev)
	if *plan != noPlan {
		ev.call.mu.Lock()
		ev.Faulted = true
		ev.call.mu.Unlock()
	}
	if plan.Drop {
		ev.call.settleEvent(ev, func() { ev.GivenUp = true })
		return
	}
	copies := max(plan.Copies, 1)
	ev.call.mu.Lock()
	ev.open = copies
	ev.call.mu.Unlock()
	start := func(due time.Time) {
		for i := range copies {
			c.send.push(job{parcel: &parcel{event: ev, copy: i + 1, lose: plan.Lose}, attempt: 1, due: due})
		}
	}
	hold := func(due time.Time) {
		c.clock.after(time.Until(due), func() { start(due) })
	}
	switch {
	case plan.Until != nil:
		if !c.gate.enter() {
			return
		}
		go func() {
			defer c.gate.leave()
			select {
			case <-plan.Until:
				hold(time.Now().Add(plan.Hold))
			case <-c.ctx.Done():
			}
		}()
	case plan.Hold > 0:
		hold(time.Now().Add(plan.Hold))
	case copies == 1:
		c.deliver(&parcel{event: ev, copy: 1, lose: plan.Lose}, 1, ev.due)
	default:
		start(ev.due)
	}
}

// deliver makes one attempt, and arranges for the next where the carrier would.
func (c *Carrier) deliver(p *parcel, attempt int, due time.Time) {
	d := Delivery{Copy: p.copy, Attempt: attempt, Due: due, Sent: time.Now()}
	if d.Lost = attempt <= p.lose; !d.Lost {
		p.call.leaves(p.event, &d)
		d.Status, d.Err = c.post(p.event, attempt)
		d.Took = time.Since(d.Sent)
	}
	if c.ctx.Err() != nil {
		return
	}
	if o := c.cfg.Observer; o != nil {
		o.Delivered(p.call, p.Leg, p.Kind, d)
	}
	c.totals.count(&d)
	switch again := retried(d.Status); {
	case d.Status/100 == 2:
		p.call.delivered(p.event, d, true, func() { p.Accepted = true })
	case again && attempt <= len(p.gaps):
		p.call.delivered(p.event, d, false, nil)
		gap := p.gaps[attempt-1]
		due := time.Now().Add(gap)
		c.clock.after(gap, func() { c.send.push(job{parcel: p, attempt: attempt + 1, due: due}) })
	case again:
		c.totals.givenUp.Add(1)
		c.cfg.Logf("call %d: %s of leg %s given up after %d deliveries: status %d %s", p.call.number, p.Kind, p.Leg, attempt, d.Status, d.Err)
		p.call.delivered(p.event, d, true, func() { p.GivenUp = true })
	default:
		c.cfg.Logf("call %d: %s of leg %s refused with %d: it will not come again", p.call.number, p.Kind, p.Leg, d.Status)
		p.call.delivered(p.event, d, true, func() { p.Refused = true })
	}
}

// retried says whether the carrier delivers again: after 408, 429, 5xx and no
// answer in time. A redirect counts as a failure of that kind, any other 4xx
// loses the event.
func retried(status int) bool {
	return status < 400 || status == 408 || status == 429 || status >= 500
}

// post sends an event once, signed anew: status 0 and a reason if there was no
// answer.
func (c *Carrier) post(ev *event, attempt int) (int, string) {
	to := c.webhook.Load()
	if to.wrong != "" {
		return 0, to.wrong
	}
	s := sheets.Get().(*sheet)
	defer sheets.Put(s)
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	s.body = ev.appendBody(s.body[:0], attempt, to.json)
	s.signature = c.signer.sign(s.signature[:0], stamp, s.body)
	s.request = to.appendRequest(s.request[:0], stamp, s.signature, s.body)
	return c.courier.post(to, s.request)
}

// sheet is the paper that a delivery is written on.
type sheet struct{ body, signature, request []byte }

var sheets = sync.Pool{New: func() any { return new(sheet) }}

// gaps are the pauses between the deliveries of an event: those of the
// configuration, else of the leg's policy, else the usual ones.
func (c *Carrier) gaps(l *leg, kind string) []time.Duration {
	if c.cfg.RetryDelays != nil {
		return c.cfg.RetryDelays
	}
	if p, ok := l.policies[kind]; ok {
		return p
	}
	return defaultRetries
}

// delivered notes an attempt; the last of a copy settles it.
func (k *Call) delivered(ev *event, d Delivery, last bool, outcome func()) {
	k.mu.Lock()
	defer k.unlock()
	ev.Deliveries = append(ev.Deliveries, d)
	if outcome != nil {
		outcome()
	}
	k.note()
	if !last {
		return
	}
	if ev.open--; ev.open == 0 {
		k.settle()
	}
}

func (k *Call) settleEvent(ev *event, outcome func()) {
	k.mu.Lock()
	defer k.unlock()
	outcome()
	k.settle()
}
