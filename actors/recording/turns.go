package recording

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"maskswitch/actors/protocol"
)

// goOn begins what may begin, and sees to it that it goes on in time.
func (d *Desk) goOn(c actor.Context) {
	if !d.open || d.stopping {
		return
	}
	now := time.Now()
	var next time.Time
	for act := range Act(acts) {
		for at := d.next(c, act, now); !at.IsZero(); at = d.next(c, act, now) {
			if at.After(now) {
				if next.IsZero() || at.Before(next) {
					next = at
				}
				break
			}
		}
		if d.lanes.thin(act) {
			d.refill(c)
		}
	}
	d.timer.Stop()
	if !next.IsZero() {
		d.timer = d.after(c, next.Sub(now), wake{})
	}
}

// places are how many of each act may be under way at once.
func (d *Desk) places(act Act) int {
	switch {
	case act != ActFetch:
		return 4
	case d.config.Parallel > 0:
		return d.config.Parallel
	}
	return 8
}

// next begins one more act of a kind if it may. It says when there is something
// to be begun: zero if there is nothing, or no place for it.
func (d *Desk) next(c actor.Context, act Act, now time.Time) time.Time {
	if d.running[act] >= d.places(act) {
		return time.Time{}
	}
	if act == ActFetch {
		if at := d.crowded(now); !at.IsZero() {
			return at
		}
	}
	at, free := d.brake.free(act, d.running[act])
	id, due := d.pick(act, now)
	switch {
	case !free || id == "":
		return time.Time{}
	case due.After(at):
		at = due
	}
	if !at.After(now) {
		if act == ActFetch {
			d.turn++
		}
		d.spawn(c, id, act, true)
		return now
	}
	return at
}

// youngFor is how long the next download waits for one that has just begun.
// Downloads wait for the network nearly all of their time, and many may wait
// together. But those that do not, because the carrier is near, take all there is
// of processor and disk, and calls wait for them: measured at 350 recordings a
// second, eight at once double the time until a webhook is answered, and one after
// the other adds a quarter.
//
// Calls come first only as long as nothing is lost by it: once links have waited
// for half of their life, all places are used.
const (
	youngFor   = 20 * time.Millisecond
	hurryAfter = 5 * time.Minute
)

// crowded says when to look again, if a download has just begun and is not done;
// zero if one more may begin.
func (d *Desk) crowded(now time.Time) time.Time {
	one := d.young
	if len(d.fresh) > 0 && now.Sub(d.links[d.fresh[0]].since) >= hurryAfter && d.links[d.fresh[0]].fresh(now) {
		return time.Time{}
	}
	if one == nil || d.live[one.id] != one || now.Sub(one.since) >= youngFor {
		return time.Time{}
	}
	return one.since.Add(youngFor)
}

// pick chooses the next recording of a kind, and says when it is due; "" if
// there is none.
func (d *Desk) pick(act Act, now time.Time) (protocol.RecordingID, time.Time) {
	head, there := d.lanes.head(act)
	if act != ActFetch || there && !head.At.After(now) && d.turn%oldestEach == oldestEach-1 {
		return head.ID, head.At
	}
	for len(d.fresh) > 0 {
		id := d.fresh[0]
		waits, known := d.lanes.where[id]
		if d.links[id].fresh(now) && d.live[id] == nil && !(known && waits.at.After(now)) {
			return id, now
		}
		d.fresh = d.fresh[1:] // the link is kept for the next try
	}
	return head.ID, head.At
}
