package recording

import (
	"log/slog"
	"maps"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"go.uber.org/zap"

	"maskswitch/actors/protocol"
)

const (
	portion      = 1000 // rows read at once
	sweepFirst   = time.Minute
	sweepEvery   = time.Hour
	sweepPortion = 200
)

// rows are what the store has due after a place.
type rows struct {
	due    []laneRow
	last   protocol.RecordingDue
	more   bool
	walked bool // part of the walk through all that is due
	err    error
}

// LogValue keeps a dead letter's log line short.
func (m rows) LogValue() slog.Value { return slog.StringValue("what is due for recordings") }

type laneRow struct {
	act Act
	protocol.RecordingDue
}

// look counts who waits, and walks on through what is due: whatever did not fit
// into memory, or got lost there, is found at last.
func (d *Desk) look(c actor.Context) {
	if d.stopping {
		return
	}
	d.ticker = d.after(c, lookEvery, lookNow{})
	now := time.Now()
	maps.DeleteFunc(d.links, func(_ protocol.RecordingID, l link) bool { return !l.fresh(now) })
	ctx, config := d.ctx, d.config
	config.Schedule(func() {
		n, oldest, err := config.Store.OldestPending(ctx, config.Partition)
		if err == nil && ctx.Err() == nil {
			config.observer().Pending(n, oldest)
		}
	})
	d.readDue(c, d.place, true)
}

// refill reads from the start, for a lane that has run low.
func (d *Desk) refill(c actor.Context) {
	d.readDue(c, protocol.RecordingDue{}, false)
}

// readDue reads a portion of what is due, unless one is being read already.
func (d *Desk) readDue(c actor.Context, after protocol.RecordingDue, walked bool) {
	if d.reading {
		return
	}
	d.reading = true
	self, root := c.Self(), c.ActorSystem().Root
	ctx, config, limit := d.ctx, d.config, portion+len(d.live)
	config.Schedule(func() {
		found, err := config.Store.DueRecordings(ctx, config.Partition, after, limit)
		m := rows{more: len(found) == limit, walked: walked, err: err}
		for _, r := range found {
			m.last = protocol.RecordingDue{At: r.NextTryAt, ID: r.ID}
			m.due = append(m.due, laneRow{config.policy().Due(r), m.last})
		}
		if ctx.Err() == nil {
			root.Send(self, m)
		}
	})
}

func (d *Desk) rows(c actor.Context, m rows) {
	d.reading = false
	if d.stopping {
		return
	}
	if m.err != nil {
		d.config.log().Error("what is due for recordings cannot be read; it is tried again", zap.Error(m.err))
		return
	}
	var put [acts]bool
	for _, r := range m.due {
		if d.live[r.ID] == nil && !d.lanes.knows(r.ID) {
			d.lanes.put(r.act, r.RecordingDue)
			put[r.act] = true
		}
	}
	for act := range put {
		switch {
		case m.walked:
			d.lanes.spilled[act] = d.lanes.spilled[act] || m.more
		default: // a lane that gets nothing from the start of all that is due waits for the walk
			d.lanes.spilled[act] = m.more && put[act]
		}
	}
	if m.walked {
		d.place = protocol.RecordingDue{}
		if m.more {
			d.place = m.last
		}
	}
	d.goOn(c)
}

// sweep has what is older than the retention erased. Recordings that are held
// are not among it, and one that is held in the meantime refuses.
func (d *Desk) sweep(c actor.Context) {
	if d.stopping {
		return
	}
	d.sweeper = d.after(c, sweepEvery, sweep{})
	ctx, config := d.ctx, d.config
	self, root := c.Self(), c.ActorSystem().Root
	before := time.Now().Add(-config.Retention)
	config.Schedule(func() {
		for ctx.Err() == nil {
			old, err := config.Store.ArchivedBefore(ctx, config.Partition, before, sweepPortion)
			if err != nil {
				config.log().Error("recordings past their retention cannot be read; it is tried again in an hour", zap.Error(err))
				return
			}
			answers := make(chan error, len(old))
			for _, r := range old {
				root.Send(self, protocol.EraseRecording{ID: r.ID, Reason: "retention", Done: func(_ protocol.Recording, err error) { answers <- err }})
			}
			erased := 0
			for range old {
				select {
				case err := <-answers:
					if err == nil {
						erased++
					}
				case <-ctx.Done():
					return
				}
			}
			if erased == 0 {
				return
			}
		}
	})
}
