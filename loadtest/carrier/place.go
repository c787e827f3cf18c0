package carrier

import (
	"time"

	"maskswitch/loadtest/party"
)

// Placement is one call to place.
type Placement struct {
	// Key is the Number of the call and stands for it in all draws of faults: a
	// call that was never placed then shifts nobody else's faults. 0: the place
	// in the order of placing. Two calls of one carrier should not share a key.
	Key uint64

	// From is sent as it is: empty, or "anonymous", for a caller who withholds
	// the number. To is the proxy number.
	From, To string
	Script   party.Script

	// Due is when the call had to be placed by the plan: Ledger.Placed, and the
	// instant that the latency of its first event is corrected to. Zero, or later
	// than now: now.
	Due time.Time

	// Tag is the placer's own, for Call.Tag.
	Tag any
}

// Place lets somebody dial a proxy number. On a closed carrier the call is over
// before it began.
func (c *Carrier) Place(p Placement) *Call {
	k := newCall(c, p.Key, p.From, p.To, p.Script)
	k.tag = p.Tag
	if !p.Due.IsZero() && p.Due.Before(k.placed) {
		k.placed = p.Due
	}
	open := c.gate.enter()
	c.mu.Lock()
	c.placed++
	k.order = c.placed
	set(&k.number, k.order)
	c.calls[k.order] = k
	c.mu.Unlock()
	if !open {
		k.mu.Lock()
		k.closed = true
		close(k.done)
		k.unlock()
		return k
	}
	defer c.gate.leave()
	c.totals.calls.Add(1)
	c.live.Add(1)
	k.begin()
	return k
}

// PlaceCall is Place without a plan.
func (c *Carrier) PlaceCall(from, to string, script party.Script) *Call {
	return c.Place(Placement{From: from, To: to, Script: script})
}

// Live counts the calls that have been placed and are not done.
func (c *Carrier) Live() int { return int(c.live.Load()) }

// SetTag puts the caller's own data on the call.
func (k *Call) SetTag(tag any) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tag = tag
}

// Tag is what Placement.Tag or SetTag put there.
func (k *Call) Tag() any {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.tag
}
