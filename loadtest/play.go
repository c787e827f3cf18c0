package loadtest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"maskswitch/loadtest/carrier"
	"maskswitch/loadtest/judge"
	"maskswitch/loadtest/market"
)

// beat is how often the scheduler wakes. Sleeping overshoots by about as much.
const beat = time.Millisecond

// play starts everything when it is due, until the plan's end or ctx's.
func (r *run) play(ctx context.Context) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	r.clerk.begin(r, stop)
	events := r.timetable()
	var kills chan struct{}
	if every := time.Duration(r.Plan.KillEvery); every > 0 {
		kills = make(chan struct{})
		go func() {
			defer close(kills)
			r.killer(ctx, every)
		}()
	}
	r.Note(fmt.Sprintf("%s: %v, seed %d", r.Plan.Name, r.Plan.Length(), r.Plan.Seed))
	op, more := r.market.Next()
	// The stages may go on without an arrival, and outages after the last call.
	for ctx.Err() == nil && !r.enough() {
		now := time.Since(r.began)
		for ; len(events) > 0 && events[0].at <= now; events = events[1:] {
			events[0].do()
		}
		for more && op.At <= now && !r.enough() {
			r.start(op)
			op, more = r.market.Next()
		}
		if !more && now >= r.Plan.Length() {
			break
		}
		next := now + 50*time.Millisecond
		if more {
			next = min(next, op.At)
		}
		if len(events) > 0 {
			next = min(next, events[0].at)
		}
		sleepUntil(ctx, r.began.Add(max(next, now+beat)))
	}
	r.ended = time.Now()
	stop()
	if kills != nil {
		<-kills // the last switch that was killed is up again
	}
	for _, e := range events { // an outage does not outlast the plan
		if e.ends {
			e.do()
		}
	}
}

// enough says that as many calls were planned as the plan wants.
func (r *run) enough() bool {
	return r.Plan.Calls.Most > 0 && r.counts.planned.Load() >= r.Plan.Calls.Most
}

// event is something that the tester itself does to the world at an instant.
type event struct {
	at   time.Duration
	ends bool
	do   func()
}

// timetable is the outages of the plan, in order of time.
func (r *run) timetable() []event {
	var all []event
	normal := r.Plan.Faults.carrier()
	for _, o := range r.Plan.Outages {
		var end func(time.Time)
		all = append(all, event{at: time.Duration(o.At), do: func() {
			r.fake.SetFaults(o.Faults.carrier())
			end = r.trouble.begin(time.Now())
			r.clerk.mark("begins: " + o.Text)
		}}, event{at: time.Duration(o.At + o.For), ends: true, do: func() {
			if end == nil {
				return // it never began
			}
			r.fake.SetFaults(normal)
			end(time.Now())
			r.clerk.mark("ends: " + o.Text)
		}})
	}
	slices.SortStableFunc(all, func(a, b event) int { return int(a.at - b.at) })
	return all
}

// killer kills the switch and starts it again, time after time.
func (r *run) killer(ctx context.Context, every time.Duration) {
	for next := r.began.Add(every); sleepUntil(ctx, next); next = next.Add(every) {
		if next.Sub(r.began) > r.Plan.Length()-every/4 {
			return // what the last kill broke must have time to mend
		}
		end := r.trouble.begin(time.Now())
		r.clerk.kill()
		r.proc.kill()
		r.judge.Restarted()
		r.desk.client.CloseIdleConnections() // nobody is at their other end any more
		down := time.Now()
		if err := r.proc.start(context.WithoutCancel(ctx), time.Minute); err != nil {
			r.lost("after a kill the switch did not come back: " + err.Error())
			return
		}
		end(time.Now())
		r.clerk.mark(fmt.Sprintf("ready again after %v", time.Since(down).Round(time.Millisecond)))
		if behind := time.Since(next); behind > every {
			next = time.Now() // it takes longer to come back than the plan gives it
		}
	}
}

// start begins one operation of the plan.
func (r *run) start(op market.Op) {
	due := r.began.Add(op.At)
	if op.Kind != market.Dial {
		r.errand(op, due)
		return
	}
	r.meter.late(time.Since(due))
	r.counts.planned.Add(1)
	if int(r.counts.active.Load()) >= r.Plan.Calls.MaxActive {
		r.drop("too many calls at once (max_active)")
		return
	}
	if op.Booking == nil {
		r.drop("no live booking to call about")
		return
	}
	c := op.Call
	expected, ok := r.judge.Dial(judge.Dialling{Call: c.N, Habit: c.Habit, Who: c.Caller, From: c.From,
		Booking: r.bookingID(op.Booking), Host: c.Host, Script: c.Script, At: time.Now()})
	if !ok {
		r.drop("its booking was not open yet")
		return
	}
	r.counts.started.Add(1)
	active := r.counts.active.Add(1)
	for most := r.counts.most.Load(); active > most && !r.counts.most.CompareAndSwap(most, active); {
		most = r.counts.most.Load()
	}
	r.fake.Place(carrier.Placement{Key: c.N, From: c.From, To: expected.Number, Script: c.Script, Due: due, Tag: &dialled{Expected: expected}})
}

func (r *run) drop(why string) { r.counts.add(r.counts.dropped, why) }

// bookingID names a booking to the switch; the run's id keeps runs apart.
func (r *run) bookingID(b *market.Booking) string { return fmt.Sprintf("lt-%s-%d", r.id, b.N) }
