package actors

import (
	"strings"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"maskswitch/actors/protocol"
)

// A meter counts what waits for the actors of one kind.
type meter struct {
	kind    protocol.ActorKind
	waiting atomic.Int64
	most    atomic.Int64 // in one mailbox, since it was last asked for
}

// took notes how full one mailbox is.
func (m *meter) took(depth int64) {
	for {
		most := m.most.Load()
		if depth <= most || m.most.CompareAndSwap(most, depth) {
			return
		}
	}
}

// Waiting says how many messages wait for the actors of a kind.
func (s *Switch) Waiting(kind protocol.ActorKind) int {
	return int(max(s.meters[kind].waiting.Load(), 0))
}

// Fullest says how many messages there were in the fullest mailbox of a kind
// since the last time it was asked.
func (s *Switch) Fullest(kind protocol.ActorKind) int { return int(s.meters[kind].most.Swap(0)) }

// mailbox is the library's, with a meter on both ends. How long messages wait is
// measured on one at a time: the next to come when the last one measured has been
// taken. That needs no envelope around each, and is as fair a sample.
type mailbox struct {
	actor.Mailbox
	invoker  actor.MessageInvoker
	observer Observer
	meter    *meter
	posted   atomic.Int64
	taken    atomic.Int64
	marked   atomic.Int64 // which message is measured, counted from 1; 0: none
	markedAt atomic.Int64 // by uptime
	over     atomic.Bool  // the actor has stopped: nothing is counted any more
}

const marking = -1

// began is what the monotonic clock is read against: that is cheaper than the
// time of day.
var began = time.Now()

func uptime() time.Duration { return time.Since(began) }

// RegisterHandlers puts the mailbox between the library's and the actor.
func (b *mailbox) RegisterHandlers(invoker actor.MessageInvoker, d actor.Dispatcher) {
	b.invoker = invoker
	if c, ok := invoker.(actor.Context); ok {
		if g, ok := c.Actor().(*guard); ok {
			g.box = b
		}
	}
	b.Mailbox.RegisterHandlers(b, d)
}

// PostUserMessage is called by whoever sends.
func (b *mailbox) PostUserMessage(m any) {
	if !b.over.Load() {
		b.meter.waiting.Add(1)
		n := b.posted.Add(1)
		b.meter.took(n - b.taken.Load())
		if b.marked.Load() == 0 && b.marked.CompareAndSwap(0, marking) {
			b.markedAt.Store(int64(uptime()))
			b.marked.Store(n)
		}
	}
	b.Mailbox.PostUserMessage(m)
}

// InvokeUserMessage hands the actor a message.
func (b *mailbox) InvokeUserMessage(m any) {
	if b.over.Load() {
		b.invoker.InvokeUserMessage(m)
		return
	}
	b.meter.waiting.Add(-1)
	n, from := b.taken.Add(1), uptime()
	if marked := b.marked.Load(); marked > 0 && n >= marked {
		b.observer.ActorWaited(b.meter.kind, from-time.Duration(b.markedAt.Load()))
		b.marked.Store(0)
	}
	// A panic goes its way; what it took until then is not of interest.
	b.invoker.InvokeUserMessage(m)
	b.observer.ActorHandled(b.meter.kind, uptime()-from)
}

// InvokeSystemMessage implements actor.MessageInvoker.
func (b *mailbox) InvokeSystemMessage(m any) { b.invoker.InvokeSystemMessage(m) }

// EscalateFailure implements actor.MessageInvoker.
func (b *mailbox) EscalateFailure(reason, message any) { b.invoker.EscalateFailure(reason, message) }

// gone counts off what an actor that has stopped will never look at.
func (b *mailbox) gone() {
	b.over.Store(true)
	b.meter.waiting.Add(b.taken.Load() - b.posted.Load())
}

// named puts the kind into an actor's name: that is how a letter to one that is
// gone is still known for whose it was.
func named(kind protocol.ActorKind) actor.SpawnFunc {
	return func(sys *actor.ActorSystem, id string, props *actor.Props, parent actor.SpawnerContext) (*actor.PID, error) {
		at := strings.LastIndexByte(id, '/') + 1
		return actor.DefaultSpawner(sys, id[:at]+kind.String()+id[at:], props, parent)
	}
}

// kindOf reads what named wrote; false for an actor that is none of ours.
func kindOf(id string) (protocol.ActorKind, bool) {
	name, _, _ := strings.Cut(id[strings.LastIndexByte(id, '/')+1:], "$")
	for _, kind := range protocol.ActorKinds() {
		if kind.String() == name {
			return kind, true
		}
	}
	return 0, false
}

// countLetters counts messages to actors that are gone.
func (s *Switch) countLetters() {
	s.system.EventStream.Subscribe(func(event any) {
		if letter, ok := event.(*actor.DeadLetterEvent); ok && letter.PID != nil {
			if kind, ours := kindOf(letter.PID.Id); ours {
				s.observer.DeadLetter(kind)
			}
		}
	})
}

// OnTheirWay says how many commands have left whose outcome is not known, and
// since when the oldest of them has been on its way; zero if there is none.
func (s *Switch) OnTheirWay() (n int, oldest time.Time) { return s.outbox.OnTheirWay() }
