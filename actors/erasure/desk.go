package erasure

import (
	"context"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"go.uber.org/zap"

	"maskswitch/actors/journal"
	"maskswitch/actors/protocol"
)

// How many erasures may be under way, and how many of them look at the same
// time: to look for a party is to read all bookings.
const (
	mostLive = 1000
	looking  = 2
)

// Desk has the erasures of a partition run. It does no I/O itself.
type Desk struct {
	config *Config
	live   map[protocol.ErasureID]bool // false: its first row is on its way to the disk
	turns  chan struct{}
	ctx    context.Context
	cancel context.CancelFunc
}

// NewDesk makes one.
func NewDesk(c *Config) *Desk {
	return &Desk{config: c, live: make(map[protocol.ErasureID]bool), turns: make(chan struct{}, looking)}
}

// Messages of the desk to itself.
type (
	// placed says whether the first row of an erasure is on disk.
	placed struct {
		job  Job
		done func(protocol.Erasure, error)
		err  error
	}
	over struct{ id protocol.ErasureID }
)

// LogValue keeps a dead letter's log line free of numbers.
func (m placed) LogValue() slog.Value { return slog.StringValue("erasure " + m.job.ID.String()) }

// Receive handles one message.
func (d *Desk) Receive(c actor.Context) {
	switch m := c.Message().(type) {
	case *actor.Started:
		d.ctx, d.cancel = context.WithCancel(context.Background())
	case *actor.Stopping, *actor.Restarting:
		d.cancel()
	case protocol.PlaceErasure:
		d.place(c, m)
	case placed:
		d.placed(c, m)
	case protocol.RestoreErasure:
		d.restore(c, m.Row)
	case over:
		delete(d.live, m.id)
	}
}

// place promises an erasure once its row is on disk.
func (d *Desk) place(c actor.Context, m protocol.PlaceErasure) {
	refuse := func(kind protocol.ErrorKind, code, detail string) {
		m.Done(protocol.Erasure{}, protocol.Errorf(kind, code, "%s", detail))
	}
	switch {
	case m.Asked.Party.Known() == (m.Asked.Booking != protocol.BookingID{}):
		refuse(protocol.Invalid, "missing", "name a party or a booking, one of the two")
		return
	case len(d.live) >= mostLive:
		refuse(protocol.Unavailable, "too_many_erasures", "too many erasures are under way; wait for one to end")
		return
	}
	now := time.Now()
	job := Job{ID: protocol.NewErasureID(now), Partition: d.config.Partition, CreatedAt: now, Asked: m.Asked, Subject: m.Subject}
	d.live[job.ID] = false
	self, root := c.Self(), c.ActorSystem().Root
	change := journal.Change{Partition: d.config.Partition, Erasures: []protocol.ErasureRow{job.Row()}}
	tell := func(err error) { root.Send(self, placed{job, m.Done, err}) }
	if err := d.config.Journal.Append(change, tell); err != nil {
		tell(err)
	}
}

func (d *Desk) placed(c actor.Context, m placed) {
	if m.err != nil {
		delete(d.live, m.job.ID)
		m.done(protocol.Erasure{}, journal.Refusal(m.err))
		return
	}
	m.done(m.job.View(), nil)
	d.run(c, m.job)
}

func (d *Desk) restore(c actor.Context, row protocol.ErasureRow) {
	job, err := Restore(row)
	if err != nil {
		// Calls must not stop for it.
		d.config.log().Error("an erasure cannot go on", zap.Error(err))
		return
	}
	d.run(c, job)
}

func (d *Desk) run(c actor.Context, job Job) {
	if d.live[job.ID] {
		return
	}
	d.live[job.ID] = true
	self, root, ctx := c.Self(), c.ActorSystem().Root, d.ctx
	e := errand{config: d.config, job: job, turns: d.turns}
	d.config.Schedule(func() {
		if e.run(ctx); ctx.Err() == nil {
			root.Send(self, over{job.ID})
		}
	})
}
