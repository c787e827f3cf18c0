package carrier

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// sender runs jobs in order, a bounded number at once. A goroutine lives only
// while there is work for it.
type sender struct {
	gate *gate
	most int

	mu      sync.Mutex
	jobs    []func()
	head    int
	working int
}

func (s *sender) push(job func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jobs = append(s.jobs, job)
	if s.working < s.most && s.gate.enter() {
		s.working++
		go s.work()
	}
}

func (s *sender) work() {
	defer s.gate.leave()
	for job := s.next(); job != nil; job = s.next() {
		job()
	}
}

func (s *sender) next() func() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.head == len(s.jobs) {
		s.jobs, s.head = s.jobs[:0], 0
		s.working--
		return nil
	}
	job := s.jobs[s.head]
	s.jobs[s.head] = nil
	s.head++
	return job
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
	if plan.Drop {
		ev.call.settleEvent(ev, func() { ev.GivenUp = true })
		return
	}
	copies := max(plan.Copies, 1)
	ev.call.mu.Lock()
	ev.open = copies
	ev.call.mu.Unlock()
	start := func() {
		due := time.Now()
		for i := range copies {
			p := &parcel{event: ev, copy: i + 1, lose: plan.Lose}
			c.send.push(func() { c.deliver(p, 1, due) })
		}
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
				c.clock.after(plan.Hold, start)
			case <-c.ctx.Done():
			}
		}()
	case plan.Hold > 0:
		c.clock.after(plan.Hold, start)
	case copies == 1:
		c.deliver(&parcel{event: ev, copy: 1, lose: plan.Lose}, 1, time.Now())
	default:
		start()
	}
}

// deliver makes one attempt, and arranges for the next where the carrier would.
func (c *Carrier) deliver(p *parcel, attempt int, due time.Time) {
	d := Delivery{Copy: p.copy, Attempt: attempt, Due: due, Sent: time.Now()}
	if d.Lost = attempt <= p.lose; !d.Lost {
		d.Status, d.Err = c.post(p.event, attempt)
		d.Took = time.Since(d.Sent)
	}
	if c.ctx.Err() != nil {
		return
	}
	c.totals.count(&d)
	switch again := retried(d.Status); {
	case d.Status/100 == 2:
		p.call.delivered(p.event, d, true, func() { p.Accepted = true })
	case again && attempt <= len(p.gaps):
		p.call.delivered(p.event, d, false, nil)
		gap := p.gaps[attempt-1]
		c.clock.after(gap, func() {
			due := time.Now()
			c.send.push(func() { c.deliver(p, attempt+1, due) })
		})
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
	url := *c.webhook.Load()
	if url == "" {
		return 0, "no webhook address"
	}
	ctx, cancel := context.WithTimeout(c.ctx, c.cfg.WebhookTimeout)
	defer cancel()
	body := ev.body(attempt, url)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	req.Header["User-Agent"] = []string{"telnyx-webhooks"}
	req.Header["Content-Type"] = []string{"application/json"}
	req.Header.Set("telnyx-timestamp", stamp)
	req.Header.Set("telnyx-signature-ed25519", c.sign(stamp, body))
	resp, err := c.client.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection lives on
	resp.Body.Close()
	return resp.StatusCode, ""
}

// sign covers the timestamp, a bar and the raw body, and nothing else of the
// request.
func (c *Carrier) sign(stamp string, body []byte) string {
	m := make([]byte, 0, len(stamp)+1+len(body))
	m = append(append(append(m, stamp...), '|'), body...)
	return base64.StdEncoding.EncodeToString(ed25519.Sign(c.key, m))
}

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
	defer k.mu.Unlock()
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
	defer k.mu.Unlock()
	outcome()
	k.settle()
}
