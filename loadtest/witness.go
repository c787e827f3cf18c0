package loadtest

import (
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"maskswitch/loadtest/carrier"
	"maskswitch/loadtest/judge"
	"maskswitch/loadtest/report"
)

// witness hears from the carrier what happens on the wire.
type witness run

// Delivered notes an acknowledgement, or the lack of one.
func (w *witness) Delivered(k *carrier.Call, leg, kind string, d carrier.Delivery) {
	r := (*run)(w)
	if d.Lost {
		r.counts.lost.Add(1)
		return
	}
	if d.Attempt > 1 {
		r.counts.retried.Add(1)
	}
	if d.Status/100 == 2 {
		r.meter.add(k.Number(), ack, d.Sent.Add(d.Took).Sub(d.Due), d.Took)
		return
	}
	r.meter.fail(k.Number(), ack)
	r.counts.fault("webhook", deliveryWord(d), r.planned(d.Sent))
}

// Commanded notes a command and how long it took the switch to send it.
func (w *witness) Commanded(k *carrier.Call, c carrier.Command, after carrier.Reaction) {
	r := (*run)(w)
	what := c.Action
	switch {
	case c.Repeat:
		what += " repeated"
	case c.Faulted:
		what += " under a fault"
	case c.Status != 200:
		what += " refused " + c.Code
	}
	r.counts.add(r.counts.commands, what)
	// That a leg has ended meanwhile (90018) is no error: somebody hung up.
	if c.Status != 200 && !c.Repeat && c.Code != "90018" {
		r.counts.fault("command "+c.Action, commandWord(c), c.Faulted)
	}
	if s, ok := stepOf[after.Step]; ok {
		r.meter.add(k.Number(), s, after.Corrected, after.Uncorrected)
		r.meter.add(k.Number(), reaction, after.Corrected, after.Uncorrected)
	}
}

// Ended judges a call.
func (w *witness) Ended(k *carrier.Call) {
	r := (*run)(w)
	d, ok := k.Tag().(*dialled)
	if !ok {
		r.forget.later(r.fake, k) // the probe
		return
	}
	r.judgeCall(k, d)
}

// dialled is a call of the plan, as the carrier carries it around.
type dialled struct {
	judge.Expected
	judged atomic.Bool
}

// judgeCall holds a call, over or not, against what was promised; once.
func (r *run) judgeCall(k *carrier.Call, d *dialled) {
	if d.judged.Swap(true) {
		return
	}
	l := k.Ledger()
	v := r.judge.Judge(d.Expected, l, r.trouble.now())
	r.ladders.Add(d.Habit, v, l)
	r.counts.active.Add(-1)
	r.counts.ended.Add(1)
	if v.Failed {
		r.counts.failed.Add(1)
	}
	r.counts.add(r.counts.outcomes, v.Outcome)
	if len(l.Connections) > 0 && !l.Connections[0].Rang.IsZero() {
		d := l.Connections[0].Rang.Sub(l.Placed)
		r.meter.add(l.Number, postDial, d, d)
	}
	r.report(v.Findings)
	r.forget.later(r.fake, k)
}

// evidence is how many findings of a kind are told in full.
const evidence = 10

// report notes findings.
func (r *run) report(found []judge.Finding) {
	if len(found) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range found {
		r.found[f.Kind]++
		if r.found[f.Kind] == 1 {
			r.Note("WRONG: " + f.Kind.Title() + ": " + f.Text)
		}
		if r.found[f.Kind] <= evidence {
			r.findings = append(r.findings, report.Finding{Kind: string(f.Kind), Call: f.Call, Booking: f.Booking,
				At: f.At.Sub(r.began).Seconds(), Text: f.Text, Ladder: f.Ladder})
		}
	}
}

// deliveryWord says in short how a delivery failed, for counting.
func deliveryWord(d carrier.Delivery) string {
	switch {
	case d.Status != 0:
		return strconv.Itoa(d.Status)
	case strings.Contains(d.Err, "timeout"), strings.Contains(d.Err, "deadline"):
		return "timeout"
	case strings.Contains(d.Err, "refused"):
		return "connection refused"
	}
	return "connection broken"
}

func commandWord(c carrier.Command) string {
	switch {
	case c.Status == 0:
		return "cut"
	case c.Code != "":
		return strconv.Itoa(c.Status) + " " + c.Code
	}
	return strconv.Itoa(c.Status)
}

// forgetting drops calls some time after their end: until then the switch may
// still ask about them, and late commands must be known for what they are.
type forgetting struct {
	mu    sync.Mutex
	calls []ended
	done  bool
}

type ended struct {
	fake *carrier.Carrier
	call *carrier.Call
	at   time.Time
}

// remembered is how long an ended call stays known to the carrier.
const remembered = 3 * time.Second

func (f *forgetting) later(fake *carrier.Carrier, k *carrier.Call) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.done {
		f.calls = append(f.calls, ended{fake, k, time.Now()})
	}
}

// due forgets those whose time has come.
func (f *forgetting) due(now time.Time) {
	f.mu.Lock()
	n := 0
	for n < len(f.calls) && now.Sub(f.calls[n].at) >= remembered {
		n++
	}
	old := f.calls[:n]
	f.calls = append([]ended(nil), f.calls[n:]...)
	f.mu.Unlock()
	for _, e := range old {
		e.fake.Forget(e.call)
	}
}

func (f *forgetting) stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.done, f.calls = true, nil
}
