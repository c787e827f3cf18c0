package order

import (
	"context"
	"errors"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"go.uber.org/zap"

	"maskswitch/actors/journal"
	"maskswitch/actors/protocol"
)

// mostLive is how many orders may be under way at once: each may cost money.
const mostLive = 50

// Desk is the parent of the orders that are under way. It does no I/O. An order
// whose actor fails is built again from its row.
type Desk struct {
	config   *Config
	live     map[protocol.OrderID]*actor.PID // nil: it is being built again
	refs     map[protocol.Ref]protocol.OrderID
	who      map[string]Job // by PID: as it began
	stopping bool
}

// NewDesk makes one.
func NewDesk(c *Config) *Desk {
	return &Desk{
		config: c,
		live:   make(map[protocol.OrderID]*actor.PID),
		refs:   make(map[protocol.Ref]protocol.OrderID),
		who:    make(map[string]Job),
	}
}

// reread is the row of an order whose actor failed.
type reread struct {
	job Job // as it was known
	row protocol.OrderRow
	err error
}

// rebuildWait is how long an order that failed waits, lest it fails in a circle.
const rebuildWait = 5 * time.Second

// Receive handles one message.
func (d *Desk) Receive(c actor.Context) {
	switch m := c.Message().(type) {
	case *actor.Stopping, *actor.Restarting:
		d.stopping = true
	case protocol.PlaceOrder:
		d.place(c, m)
	case protocol.RestoreOrder:
		d.restore(c, m.Row)
	case taken:
		d.forget(m.job)
		d.compare(m)
		c.Poison(m.who) // after what was passed to it already
	case over:
		d.forget(m.job)
		c.Poison(m.who)
	case *actor.Terminated:
		d.lost(c, m.Who)
	case reread:
		d.rebuild(c, m)
	}
}

func (d *Desk) place(c actor.Context, m protocol.PlaceOrder) {
	refuse := func(err error) { m.Done(protocol.NumberOrder{}, false, err) }
	if err := Check(m.Asked); err != nil {
		refuse(err)
		return
	}
	connection := m.Asked.Connection
	if connection == "" {
		connection = d.config.Connection
	}
	id, there := d.refs[m.Asked.Ref]
	switch {
	case there && d.live[id] == nil:
		refuse(protocol.Errorf(protocol.Unavailable, "order_recovering", "the order is being built again from the store; try again"))
	case there:
		c.Send(d.live[id], placing{m, true})
	case connection == "":
		refuse(invalid("missing", "connection_id", "no application is configured that would get the calls: name one"))
	case len(d.live) >= mostLive:
		refuse(protocol.Errorf(protocol.Unavailable, "too_many_orders", "%d orders are under way; wait for one to end", mostLive))
	default:
		now := time.Now()
		job := Begin(protocol.NewOrderID(now), m.Asked, connection, d.config.Partition, now)
		c.Send(d.spawn(c, job), placing{m, false})
		c.Send(d.live[job.ID], begin{job: job, act: job.due()})
	}
}

func (d *Desk) spawn(c actor.Context, job Job) *actor.PID {
	pid := c.Spawn(d.config.Child)
	d.live[job.ID], d.who[pid.Id] = pid, job
	if job.Ref != "" {
		d.refs[job.Ref] = job.ID
	}
	return pid
}

func (d *Desk) restore(c actor.Context, row protocol.OrderRow) {
	job, act, err := Restore(row)
	if err != nil {
		// Calls must not stop for it.
		d.config.log().Error("an order of numbers cannot go on", zap.Error(err))
		return
	}
	c.Send(d.spawn(c, job), begin{job: job, act: act, stored: true})
}

// forget drops an order that is over, or never was.
func (d *Desk) forget(job Job) {
	if pid := d.live[job.ID]; pid != nil {
		delete(d.who, pid.Id)
	}
	delete(d.live, job.ID)
	if d.refs[job.Ref] == job.ID {
		delete(d.refs, job.Ref)
	}
}

// compare answers who placed an order whose ref is that of one that is over.
func (d *Desk) compare(m taken) {
	store := d.config.Store
	d.config.Schedule(func() {
		row, err := store.OrderByRef(context.Background(), m.job.Ref)
		var job Job
		if err == nil {
			job, _, err = Restore(row)
		}
		if err != nil {
			err = journal.Refusal(err)
		}
		for _, p := range m.waiting {
			p.again = true
			p.answer(job, err)
		}
	})
}

// lost has an order that died read again, after a barrier: its row may still be
// on its way to the disk.
func (d *Desk) lost(c actor.Context, who *actor.PID) {
	job, ours := d.who[who.Id]
	if !ours || d.stopping {
		return
	}
	delete(d.who, who.Id)
	d.live[job.ID] = nil
	self, root, store := c.Self(), c.ActorSystem().Root, d.config.Store
	read := func(err error) {
		m := reread{job: job, err: err}
		if err == nil {
			m.row, m.err = store.Order(context.Background(), job.ID)
		}
		root.Send(self, m)
	}
	barrier := func() {
		if err := d.config.Journal.Append(journal.Change{}, func(err error) { d.config.Schedule(func() { read(err) }) }); err != nil {
			read(err)
		}
	}
	time.AfterFunc(rebuildWait, barrier)
}

func (d *Desk) rebuild(c actor.Context, m reread) {
	d.forget(m.job)
	switch {
	case d.stopping:
	case m.err != nil && !errors.Is(m.err, journal.ErrNone):
		d.config.log().Error("an order of numbers failed, and waits for the next start", zap.Stringer("order", m.job.ID), zap.Error(m.err))
	case m.err == nil && !m.row.Stage.Over():
		d.restore(c, m.row)
	}
}
