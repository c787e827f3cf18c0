// Package call has the actor of one call: both legs, from the first ring until
// its recording is known.
//
// state.go decides, this file carries out. A step is written and acted on side
// by side: commands carry ids that are the same each time, so one that goes out
// twice is one, and a webhook is acknowledged only when the disk has its effect.
// The actor waits for nothing. If its row cannot be queued, the step has not
// happened: the event is refused, and comes again.
package call

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"go.uber.org/zap"

	"maskswitch/actors/journal"
	"maskswitch/actors/protocol"
)

// Config is what the calls of a partition share.
type Config struct {
	Settings
	Partition   protocol.Partition
	Journal     journal.Appender
	Store       journal.Store
	Outbox      *Outbox
	Observer    Observer
	Log         *zap.Logger
	EndedMemory time.Duration                       // how long a session that is over is remembered
	Bookings    func(protocol.BookingID) *actor.PID // finds the shard of a booking
	Recordings  func(protocol.FetchRecording)       // tells the queue of what is on disk, and does not block; nil: there is none
	Child       *actor.Props                        // of one call; shared
	Most        *Limit                              // nil: there is none
}

// active moves the number of calls in a state.
func (c *Config) active(state string, delta int) {
	if c.Most != nil {
		c.Most.inProgress.Add(int64(delta))
	}
	c.Observer.CallActive(state, delta)
}

// Limit is how many calls may be in progress when another one rings. All shards
// of a partition share one.
type Limit struct {
	most       int64
	inProgress atomic.Int64
}

// NewLimit makes one; nil, which limits nothing, if most is 0.
func NewLimit(most int) *Limit {
	if most <= 0 {
		return nil
	}
	return &Limit{most: int64(most)}
}

func (l *Limit) reached() bool { return l != nil && l.inProgress.Load() >= l.most }

// ErrForeignLeg says that an event is about a leg which none of our commands
// made, in a session that we know. It starts nothing.
var ErrForeignLeg = errors.New("a leg that is none of ours")

// Actor runs one call.
type Actor struct {
	config    *Config
	call      Call // the whole state: Step replaces it, nothing edits it
	begun     bool
	void      bool                 // its first event could not be written: it never was a call
	leaving   bool                 // the shard has been told that nothing is due any more
	unwritten []protocol.Line      // told, and not on disk: they go with the next write
	flying    int                  // commands on their way
	noted     []string             // ids of events that are only told, the latest
	pauses    []protocol.PauseCall // who wants the recording paused or resumed, the first in hand
	turning   bool                 // the carrier has been asked for the first of them
	switching time.Duration        // our own share of the time until B answered
	ctx       context.Context      // of the commands on their way
	cancel    context.CancelFunc
	timer     *time.Timer
	armed     time.Time
}

// New makes an actor that learns from its first message which call it is.
func New(c *Config) *Actor { return &Actor{config: c} }

// wake says that a deadline has come. It names its call, because a timer may
// outlive the actor it was set for.
type wake struct{ call protocol.CallID }

// retry is a step that could not be queued for the disk.
type retry struct{ ev protocol.Event }

// over tells the shard that nothing is due any more, or (void) ever was.
type over struct {
	session protocol.SessionID
	who     *actor.PID
	void    bool
}

// Receive handles one message.
func (a *Actor) Receive(c actor.Context) {
	switch m := c.Message().(type) {
	case *actor.Started:
		a.ctx, a.cancel = context.WithCancel(context.Background())
	case *actor.Stopping:
		a.cancel()
		a.stopPauses()
		if a.timer != nil {
			a.timer.Stop()
		}
		if a.begun && a.call.Stage < StageOver {
			a.config.active(activity(a.call.Stage), -1)
		}
	case protocol.Delivery:
		a.deliver(c, m)
	case protocol.RestoreCall:
		a.restore(c, m.Call)
	case protocol.CommandEnded:
		a.flying--
		a.logFailure(m)
		a.apply(c, m, nil)
		a.answerPauses(c, m.Reply.Detail)
		a.leaveIfClosed(c)
	case protocol.PauseCall:
		a.pause(c, m)
	case wake:
		if m.call == a.call.ID {
			a.armed = time.Time{}
			a.apply(c, protocol.DeadlinePassed{At: time.Now()}, nil)
			a.leaveIfClosed(c)
		}
	case protocol.BookingOver:
		if !a.void {
			a.apply(c, m, nil)
			a.leaveIfClosed(c)
		}
	case retry:
		a.apply(c, m.ev, nil)
		a.answerPauses(c, "")
		a.leaveIfClosed(c)
	}
}

func (a *Actor) deliver(c actor.Context, d protocol.Delivery) {
	if a.void {
		d.Done(protocol.ReceiptOverloaded, journal.ErrBusy)
		return
	}
	if !a.begun {
		a.begin(Begin(d.Event.Facts(), a.config.Partition, a.config.Settings))
	}
	var ev protocol.Event = d.Event
	switch event := d.Event.(type) {
	case protocol.LegRang:
		ev = Rang{event, d.Route}
	case protocol.LegNoted:
		if slices.Contains(a.noted, event.EventID) {
			a.repeated(a.call.Again(event, d.Read, time.Now()))
			a.acknowledge(&d, protocol.ReceiptDuplicate)
			a.leaveIfClosed(c)
			return
		}
		if a.apply(c, ev, &d) && event.EventID != "" {
			a.noted = append(a.noted[max(0, len(a.noted)-notedMost+1):], event.EventID)
		}
		return
	}
	a.apply(c, ev, &d)
	a.leaveIfClosed(c)
}

// notedMost is how many events that are only told are known when they come
// again; the others are known by what they did.
const notedMost = 16

func (a *Actor) restore(c actor.Context, row protocol.Call) {
	call, err := Restore(row, a.config.Settings)
	if err != nil {
		panic(err)
	}
	a.begin(call)
	if call.Report && call.Stage < StageOver {
		c.Send(a.config.Bookings(call.Booking), protocol.CallLives{Booking: call.Booking, Session: call.Session})
	}
	a.apply(c, protocol.Recovered{At: time.Now()}, nil)
	a.leaveIfClosed(c)
}

func (a *Actor) begin(call Call) {
	a.call, a.begun = call, true
	if call.Stage < StageOver {
		a.config.active(activity(call.Stage), +1)
	}
}

// apply decides, then writes and acts side by side. Nobody is told "done" before
// the write. d is the delivery that waits for it, nil for news of our own. False
// if the step could not be queued, and so has not happened.
func (a *Actor) apply(c actor.Context, ev protocol.Event, d *protocol.Delivery) bool {
	var read time.Time
	if d != nil {
		read = d.Read
	}
	next, fx := a.call.Hear(ev, read, time.Now())
	switch {
	case fx.Unknown:
		d.Done(protocol.ReceiptUnknownCall, ErrForeignLeg)
		a.leaveIfVoid(c)
		return true
	case fx.Duplicate:
		a.repeated(next, fx)
		a.acknowledge(d, protocol.ReceiptDuplicate)
		return true
	case !fx.Write:
		a.unwritten = append(a.unwritten, fx.Lines...)
	default:
		// The carrier waits two seconds for its 200, and commands leave beside the
		// write: there is no hurry.
		change := journal.Change{Partition: a.config.Partition, Story: fx.Lines, Patient: true}
		if !fx.StoryOnly {
			// What was told since the last row goes only with the next: a story
			// that knew more than the row would not lead where the row does.
			change.Story, change.Calls = append(a.unwritten, fx.Lines...), []protocol.Call{next.Row()}
		}
		if fx.Recording != nil {
			change.Recordings = []protocol.Recording{fx.Recording.Row}
		}
		if !a.write(change, protocol.ReceiptAccepted, d, fx.Recording) {
			if d == nil {
				self, root := c.Self(), c.ActorSystem().Root
				time.AfterFunc(retryWait, func() { root.Send(self, retry{ev}) })
			}
			a.leaveIfVoid(c)
			return false
		}
		if !fx.StoryOnly {
			a.unwritten = nil
		}
	}
	before := a.call
	a.call = next
	if len(fx.Commands) > 0 {
		a.flying += len(fx.Commands)
		a.config.Outbox.Put(a.ctx, c.ActorSystem().Root, c.Self(), next.ID, read, fx.Commands...)
		if !read.IsZero() && next.Stage < StageTalking {
			a.switching += time.Since(read)
		}
	}
	if fx.Over {
		c.Send(a.config.Bookings(next.Booking), protocol.CallOver{Booking: next.Booking, Session: next.Session, At: next.endedAt()})
	}
	a.observe(&before, &next)
	a.arm(c)
	return true
}

// leaveIfClosed ends the actor when nothing is due any more and no command is on
// its way: the carrier's answer to a hangup may come after the hangup's event.
func (a *Actor) leaveIfClosed(c actor.Context) {
	if a.call.Stage != StageClosed || a.flying > 0 {
		return
	}
	if len(a.unwritten) > 0 {
		// For people to read: no promise hangs on it.
		_ = a.config.Journal.Append(journal.Change{Partition: a.config.Partition, Story: a.unwritten, Patient: true}, nil)
		a.unwritten = nil
	}
	if a.leaving {
		return
	}
	a.leaving = true
	c.Send(c.Parent(), over{session: a.call.Session, who: c.Self()})
}

// repeated notes an event that was known. Its line goes with the next write.
func (a *Actor) repeated(next Call, fx Effects) {
	a.call = next
	a.unwritten = append(a.unwritten, fx.Lines...)
}

// retryWait is how long a step of our own waits for room in the journal.
const retryWait = 200 * time.Millisecond

// acknowledge answers a delivery that changes nothing, once the disk has what
// went before.
func (a *Actor) acknowledge(d *protocol.Delivery, receipt protocol.Receipt) {
	a.write(journal.Change{Partition: a.config.Partition, Patient: true}, receipt, d, nil)
}

// write queues a change; when the disk has it, the delivery is answered, and the
// queue of recordings hears of the recording, if there are any. False if it could
// not be queued.
func (a *Actor) write(change journal.Change, receipt protocol.Receipt, d *protocol.Delivery, saved *protocol.FetchRecording) bool {
	tell := func(protocol.Receipt, error) {}
	if d != nil {
		tell = d.Done
	}
	queue := a.config.Recordings
	done := func(err error) {
		if err == nil && saved != nil && queue != nil {
			queue(*saved)
		}
		tell(receipt, err)
	}
	if err := a.config.Journal.Append(change, done); err != nil {
		tell(receipt, err)
		return false
	}
	return true
}

// leaveIfVoid ends an actor whose first event came to nothing. Until it is gone
// it refuses what still comes, so that a call is never half here.
func (a *Actor) leaveIfVoid(c actor.Context) {
	if a.call.Lines == 0 {
		a.void = true
		c.Send(c.Parent(), over{session: a.call.Session, who: c.Self(), void: true})
	}
}

// arm sets the timer to the call's deadline, if it has moved.
func (a *Actor) arm(c actor.Context) {
	at := a.call.Due()
	if at.Equal(a.armed) {
		return
	}
	a.armed = at
	if a.timer != nil {
		a.timer.Stop()
	}
	if at.IsZero() {
		return
	}
	self, root, m := c.Self(), c.ActorSystem().Root, wake{a.call.ID}
	a.timer = time.AfterFunc(max(time.Until(at), 0), func() { root.Send(self, m) })
}
