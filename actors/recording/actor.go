package recording

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"maskswitch/actors/journal"
	"maskswitch/actors/protocol"
)

// Actor is at one recording for as long as one act takes, or what is asked of
// it. It knows what its row says, and nothing else: each result is on disk
// before the next thing begins.
type Actor struct {
	config  *Config
	begin   begin
	row     protocol.Recording // as on disk
	there   bool               // there is a row
	read    bool               // and it has been looked for
	failed  bool               // the row cannot be read or written: nothing is done any more
	inbox   []any              // *asked and came, one after the other
	next    Decision           // on its way to the disk,
	because any                // and what led to it; nil: nothing is on its way
	acting  bool
	before  protocol.Recording   // the row as the act knows it
	halt    context.CancelFunc   // ends the act
	seen    int                  // messages of the desk's
	fresh   []protocol.Recording // rows that the desk has not been told of yet
	ctx     context.Context
	cancel  context.CancelFunc
	timer   *time.Timer
}

// New makes an actor that learns from its first message which recording it is.
func New(c *Config) *Actor { return &Actor{config: c} }

// Messages between the desk, a recording and what it waits for.
type (
	// begin names a recording, and what is to be done if it is due.
	begin struct {
		id      protocol.RecordingID
		act     Act
		may     bool // do it; otherwise only answer what is asked
		link    link
		pace    *rate.Limiter
		settled bool // whatever was written of it can be read
	}
	// asked is something that must be answered once, whatever happens. Who asks
	// may be answered by the desk and by the actor at one time.
	asked struct {
		id   protocol.RecordingID
		step func(protocol.Recording, time.Time) (Decision, error)
		once sync.Once
		done func(protocol.Recording, error)
	}
	found struct {
		row protocol.Recording
		err error
	}
	came    struct{ event Event }
	written struct{ err error }
	rewrite struct{}
	// over tells the desk that nothing is being done, and what is due next.
	over struct {
		who    *actor.PID
		id     protocol.RecordingID
		seen   int
		row    protocol.Recording
		act    Act
		failed bool // the row has to be read again
		fresh  []protocol.Recording
	}
)

func (a *asked) answer(r protocol.Recording, err error) {
	a.once.Do(func() { a.done(r, err) })
}

// LogValue keeps a dead letter's log line short, and free of links.
func (m begin) LogValue() slog.Value { return slog.StringValue("recording " + string(m.id)) }

// LogValue keeps a dead letter's log line short.
func (a *asked) LogValue() slog.Value { return slog.StringValue("asked of recording " + string(a.id)) }

// LogValue keeps a dead letter's log line short.
func (m found) LogValue() slog.Value { return slog.StringValue("row of recording " + string(m.row.ID)) }

// LogValue keeps a dead letter's log line short, and free of what was said.
func (m came) LogValue() slog.Value { return slog.StringValue("outcome for a recording") }

// LogValue keeps a dead letter's log line short.
func (m over) LogValue() slog.Value { return slog.StringValue("recording " + string(m.id)) }

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
		a.seen++
		a.begin = m
		a.find(c)
	case *asked:
		a.seen++
		a.inbox = append(a.inbox, m)
		a.goOn(c)
	case found:
		a.read, a.row, a.there = true, m.row, m.err == nil
		a.failed = m.err != nil && !errors.Is(m.err, journal.ErrNone)
		a.goOn(c)
	case came:
		a.acting = false
		a.halt()
		a.inbox = append(a.inbox, m)
		a.goOn(c)
	case rewrite:
		a.write(c)
	case written:
		a.written(m.err)
		a.goOn(c)
	}
}

// find reads the row: after all that was written of it, should that not be
// certain.
func (a *Actor) find(c actor.Context) {
	self, root, ctx, id, store := c.Self(), c.ActorSystem().Root, a.ctx, a.begin.id, a.config.Store
	read := func(err error) {
		m := found{err: err}
		if err == nil {
			m.row, m.err = store.Recording(ctx, id)
		}
		if ctx.Err() == nil {
			root.Send(self, m)
		}
	}
	if a.begin.settled {
		a.config.Schedule(func() { read(nil) })
		return
	}
	after := func(err error) { a.config.Schedule(func() { read(err) }) }
	if err := a.config.Journal.Append(journal.Change{}, after); err != nil {
		after(err)
	}
}

// goOn takes one thing after the other, and tells the desk when there is none.
func (a *Actor) goOn(c actor.Context) {
	for a.read && a.because == nil && len(a.inbox) > 0 {
		m := a.inbox[0]
		a.inbox = a.inbox[1:]
		a.take(c, m)
	}
	if !a.read || a.because != nil || a.acting {
		return
	}
	if a.begin.may && !a.failed && a.there {
		a.begin.may = false
		if a.due(c) {
			return
		}
	}
	m := over{who: c.Self(), id: a.begin.id, seen: a.seen, row: a.row, failed: a.failed, fresh: a.fresh}
	m.act = a.config.policy().Due(a.row)
	a.fresh = nil
	c.Send(c.Parent(), m)
}

// due begins what is due; false if nothing is, or something else is than the
// desk knew.
func (a *Actor) due(c actor.Context) bool {
	act := a.config.policy().Due(a.row)
	switch {
	case act != a.begin.act, a.row.NextTryAt.IsZero(), time.Now().Before(a.row.NextTryAt):
		return false
	case act == ActNothing:
		a.take(c, came{Settled{}})
		return true
	}
	a.acting, a.before = true, a.row
	self, root, desk := c.Self(), c.ActorSystem().Root, c.Parent()
	ctx, halt := context.WithCancel(a.ctx)
	a.halt = halt
	life := a.ctx
	e := errand{config: a.config, row: a.row, link: a.begin.link, pace: a.begin.pace, ask: func(q *asked) { root.Send(desk, q) }}
	a.config.Schedule(func() {
		ev := e.run(ctx, act)
		if life.Err() == nil {
			root.Send(self, came{ev})
		}
	})
	return true
}

// take decides about one thing, and has the decision written.
func (a *Actor) take(c actor.Context, m any) {
	now := time.Now()
	var next Decision
	switch m := m.(type) {
	case *asked:
		var err error
		switch {
		case a.failed:
			err = protocol.Errorf(protocol.Unavailable, "store_unavailable", "the store does not work right now; try again")
		case !a.there:
			err = protocol.Errorf(protocol.NotFound, "recording_not_found", "no recording goes by this id")
		default:
			next, err = m.step(a.row, now)
		}
		if err != nil {
			m.answer(a.row, err)
			return
		}
	case came:
		if a.failed {
			return
		}
		if _, resolved := m.event.(Resolved); resolved && (a.row.Status != a.before.Status || a.row.Hold != a.before.Hold) {
			return // what it stands for has not been told of that; it is found out once more
		}
		a.learn(c, m.event)
		next = a.config.policy().Step(a.row, m.event, now)
	}
	a.next, a.because = next, m
	if next.Row == a.row && len(next.Fresh) == 0 && len(next.Texts) == 0 {
		a.settle()
		return
	}
	a.write(c)
}

// learn tells the desk at once what a try says of others.
func (a *Actor) learn(c actor.Context, ev Event) {
	t := tried{act: a.begin.act}
	switch ev := ev.(type) {
	case Archived:
	case FetchFailed:
		t.err, t.archive = ev.Err, ev.Archive
	case NoTranscript:
		t.err = ev.Err
	case SummaryFailed:
		t.err = ev.Err
	case CopyKept:
		t.err = ev.Err
	case EraseFailed:
		t.err = ev.Err
	default:
		return
	}
	if a.row.Status == a.before.Status { // else it has been called off
		c.Send(c.Parent(), t)
	}
}

// retryWait is how long a row waits for room in the journal.
const retryWait = 200 * time.Millisecond

// write puts the decision on disk.
func (a *Actor) write(c actor.Context) {
	self, root := c.Self(), c.ActorSystem().Root
	change := journal.Change{
		Partition: a.config.Partition, Recordings: a.next.Fresh, Recorded: []protocol.Recording{a.next.Row}, Texts: a.next.Texts,
	}
	_, isOurs := a.because.(came)
	change.Patient = isOurs
	err := a.config.Journal.Append(change, func(err error) { root.Send(self, written{err}) })
	switch {
	case err == nil:
	case errors.Is(err, journal.ErrBusy) && isOurs:
		a.timer = time.AfterFunc(retryWait, func() { root.Send(self, rewrite{}) })
	case errors.Is(err, journal.ErrBusy): // who asked may ask again
		a.because.(*asked).answer(a.row, journal.Refusal(err))
		a.because = nil
	default:
		root.Send(self, written{err})
	}
}

func (a *Actor) written(err error) {
	if err == nil {
		a.settle()
		return
	}
	a.failed = true
	if q, is := a.because.(*asked); is {
		q.answer(a.row, journal.Refusal(err))
	}
	a.because = nil
	if a.acting {
		a.halt()
	}
}

// settle goes by what is on disk now, and tells of it.
func (a *Actor) settle() {
	was, because := a.row, a.because
	a.row, a.because = a.next.Row, nil
	a.fresh = append(a.fresh, a.next.Fresh...)
	if a.acting && was.Status != a.row.Status {
		a.halt() // nobody wants what it brings
	}
	switch m := because.(type) {
	case *asked:
		m.answer(a.row, nil)
	case came:
		a.tell(was, m.event)
	}
}

// tell has the world know what became of a try.
func (a *Actor) tell(was protocol.Recording, ev Event) {
	observer := a.config.observer()
	if failed, is := ev.(FetchFailed); is && was.Status == protocol.RecordingPending {
		observer.TryFailed(failed.Err.Trouble)
	}
	if a.row.Status == was.Status {
		return
	}
	switch a.row.Status {
	case protocol.RecordingArchived:
		observer.Archived(a.row.Call, a.row.Bytes, max(a.row.ArchivedAt.Sub(a.row.NoticedAt), 0)) // two clocks
	case protocol.RecordingLost:
		observer.Lost()
		a.config.log().Error("a recording is lost", zap.String("recording", string(a.row.ID)),
			zap.Stringer("booking", a.row.Booking), zap.Stringer("call", a.row.Call), zap.String("why", a.row.Why))
	}
}
