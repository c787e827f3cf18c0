package order

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"go.uber.org/zap"

	"maskswitch/actors/journal"
	"maskswitch/actors/protocol"
)

// Actor runs one order. It does one thing at a time: it writes, then acts.
type Actor struct {
	config  *Config
	job     Job // the whole state: Step replaces it, nothing edits it
	act     Act // due when the row is on disk
	stored  bool
	void    bool      // its first row was refused: it never was an order
	waiting []placing // who placed it, until its first row is on disk
	ctx     context.Context
	cancel  context.CancelFunc
	timer   *time.Timer
}

// New makes an actor that learns from its first message which order it is.
func New(c *Config) *Actor { return &Actor{config: c} }

// Messages between the desk, an order and what it waits for.
type (
	// begin hands an order to its actor. A stored one is on disk already.
	begin struct {
		job    Job
		act    Act
		stored bool
	}
	placing struct {
		asked protocol.PlaceOrder
		again bool // the order was there
	}
	written struct{ err error }
	rewrite struct{}
	wake    struct{}
	came    struct{ event Event }
	// taken tells the desk that the ref of a new order is another's.
	taken struct {
		over
		waiting []placing
	}
	// over tells the desk that nothing is due any more, or ever was.
	over struct {
		job Job
		who *actor.PID
	}
)

// LogValue keeps a dead letter's log line short, and free of numbers.
func (m begin) LogValue() slog.Value { return slog.StringValue("order " + m.job.ID.String()) }

// LogValue keeps a dead letter's log line short, and free of numbers.
func (m came) LogValue() slog.Value { return slog.StringValue("outcome for an order") }

// LogValue keeps a dead letter's log line short, and free of numbers.
func (m over) LogValue() slog.Value { return slog.StringValue("order " + m.job.ID.String()) }

// Receive handles one message.
func (a *Actor) Receive(c actor.Context) {
	switch m := c.Message().(type) {
	case *actor.Started:
		a.ctx, a.cancel = context.WithCancel(context.Background())
	case *actor.Stopping:
		a.cancel()
		if a.timer != nil {
			a.timer.Stop()
		}
	case begin:
		a.job, a.act, a.stored = m.job, m.act, m.stored
		if m.stored {
			a.goOn(c)
			return
		}
		a.write(c)
	case placing:
		if a.void {
			c.Send(c.Parent(), m.asked) // who knows better by now
			return
		}
		a.waiting = append(a.waiting, m)
		if a.stored {
			a.answer(nil)
		}
	case rewrite:
		a.write(c)
	case written:
		a.written(c, m.err)
	case wake:
		a.do(c)
	case came:
		a.job, a.act = a.job.Step(m.event, time.Now())
		a.write(c)
	}
}

// retryWait is how long a row waits for room in the journal.
const retryWait = 200 * time.Millisecond

// write puts the state on disk. What is due waits for that.
func (a *Actor) write(c actor.Context) {
	self, root := c.Self(), c.ActorSystem().Root
	err := a.config.Journal.Append(journal.Change{Partition: a.config.Partition, Orders: []protocol.OrderRow{a.job.Row()}},
		func(err error) { root.Send(self, written{err}) })
	switch {
	case errors.Is(err, journal.ErrBusy) && a.stored:
		a.timer = time.AfterFunc(retryWait, func() { root.Send(self, rewrite{}) })
	case err != nil:
		a.written(c, err)
	}
}

func (a *Actor) written(c actor.Context, err error) {
	switch {
	case err == nil:
		a.stored = true
		a.answer(nil)
		a.goOn(c)
	case a.stored:
		// The journal has halted: the partition is going to be built again, and
		// this order from the row that is on disk.
	case errors.Is(err, journal.ErrTaken):
		c.Send(c.Parent(), taken{over{a.job, c.Self()}, a.waiting})
		a.void, a.waiting = true, nil
	default:
		c.Send(c.Parent(), over{a.job, c.Self()})
		a.void = true
		a.answer(journal.Refusal(err))
	}
}

// answer tells who placed the order that it is on disk, or why not.
func (a *Actor) answer(err error) {
	for _, p := range a.waiting {
		p.answer(a.job, err)
	}
	a.waiting = nil
}

func (p placing) answer(j Job, err error) {
	switch {
	case err != nil:
		p.asked.Done(protocol.NumberOrder{}, false, err)
	case p.asked.Asked != j.Asked:
		conflict := protocol.Errorf(protocol.Conflict, "order_conflict", "another order with this order_id exists; use a new one")
		conflict.Field = "order_id"
		p.asked.Done(protocol.NumberOrder{}, false, conflict)
	default:
		p.asked.Done(j.View(), p.again, nil)
	}
}

// goOn does what is due, now or when its time has come.
func (a *Actor) goOn(c actor.Context) {
	if a.act == ActNothing {
		a.logEnd()
		c.Send(c.Parent(), over{a.job, c.Self()})
		return
	}
	if wait := time.Until(a.job.NextTryAt); wait > 0 {
		self, root := c.Self(), c.ActorSystem().Root
		a.timer = time.AfterFunc(wait, func() { root.Send(self, wake{}) })
		return
	}
	a.do(c)
}

// do acts beside the actor; what comes of it comes back as a message.
func (a *Actor) do(c actor.Context) {
	self, root, ctx := c.Self(), c.ActorSystem().Root, a.ctx
	tell := func(ev Event) {
		if ctx.Err() == nil {
			root.Send(self, came{ev})
		}
	}
	e, act := errand{config: a.config, job: a.job}, a.act
	if act == ActAdd {
		e.add(root, tell)
		return
	}
	a.config.Schedule(func() { tell(e.run(ctx, act)) })
}

// logEnd tells of an order that is over: aloud if somebody has to do something.
func (a *Actor) logEnd() {
	log := a.config.log().With(zap.Stringer("order", a.job.ID), zap.Int("asked", a.job.Asked.Count), zap.Int("added", a.job.count(Added)))
	if a.job.Trouble != "" {
		log.Warn("order of numbers ended", zap.Stringer("stage", a.job.Stage), zap.String("trouble", a.job.Trouble))
		return
	}
	log.Info("order of numbers ended", zap.Stringer("stage", a.job.Stage))
}
