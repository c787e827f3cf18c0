package call

import (
	"context"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"maskswitch/actors/protocol"
)

// Carrier sends commands. *telnyx.Client is one.
type Carrier interface {
	// Do sends one command to the end: until the carrier has taken it or refused
	// it for good, or until ctx is done. Repeats carry the same command id.
	Do(ctx context.Context, cmd protocol.Command) protocol.Reply
}

// How long a command may be tried: past that it would come too late to help.
var patience = [...]time.Duration{
	protocol.CommandAnswer:      20 * time.Second,
	protocol.CommandReject:      12 * time.Second,
	protocol.CommandTransfer:    20 * time.Second,
	protocol.CommandRecordStart: 60 * time.Second,
	protocol.CommandSpeak:       8 * time.Second,
	protocol.CommandHangUp:      60 * time.Second,
	protocol.CommandFind:        10 * time.Second,

	protocol.CommandRecordPause:  10 * time.Second,
	protocol.CommandRecordResume: 10 * time.Second,
}

// Outbox takes commands to the carrier beside the actors, which wait for
// nothing. What the carrier makes of one comes back to its call as a message.
type Outbox struct {
	carrier  Carrier
	observer Observer
	run      func(func())

	mu     sync.Mutex
	flying sending       // the head of a ring of those on their way, the oldest first
	n      int           // how many they are
	landed chan struct{} // closed when the last of them has landed
}

// sending is a command on its way, in a ring.
type sending struct {
	before, after *sending
	since         time.Time
}

// NewOutbox makes the outbox that all calls share. run starts a function on a
// goroutine of its own, and does not wait for it.
func NewOutbox(c Carrier, o Observer, run func(func())) *Outbox {
	out := &Outbox{carrier: c, observer: o, run: run}
	out.flying.before, out.flying.after = &out.flying, &out.flying
	return out
}

// Put sends commands of a call at once, each on its own. read is when the webhook
// that caused them was read; zero if none did. to hears of the outcome, if not
// nil.
func (o *Outbox) Put(ctx context.Context, root *actor.RootContext, to *actor.PID, of protocol.CallID, read time.Time, commands ...protocol.Command) {
	for _, cmd := range commands {
		one := o.leaves()
		o.run(func() {
			defer o.lands(one)
			if !read.IsZero() {
				o.observer.Reacted(of, cmd.Kind(), time.Since(read))
			}
			ctx, cancel := context.WithTimeout(ctx, patience[cmd.Kind()])
			defer cancel()
			reply := o.carrier.Do(ctx, cmd)
			if to != nil && ctx.Err() != context.Canceled {
				root.Send(to, protocol.CommandEnded{
					Command: cmd.Kind(), Step: cmd.Step(), Leg: cmd.Target(), Reply: reply, Read: read, At: time.Now(),
				})
			}
		})
	}
}

func (o *Outbox) leaves() *sending {
	one := &sending{since: time.Now()}
	o.mu.Lock()
	defer o.mu.Unlock()
	last := o.flying.before
	one.before, one.after = last, &o.flying
	last.after, o.flying.before = one, one
	if o.n++; o.n == 1 {
		o.landed = make(chan struct{})
	}
	return one
}

func (o *Outbox) lands(one *sending) {
	o.mu.Lock()
	defer o.mu.Unlock()
	one.before.after, one.after.before = one.after, one.before
	if o.n--; o.n == 0 {
		close(o.landed)
	}
}

// OnTheirWay says how many commands have left whose outcome is not known, and
// since when the oldest of them has been on its way; zero if there is none.
func (o *Outbox) OnTheirWay() (n int, oldest time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.n, o.flying.after.since
}

// Wait returns when no command is on its way, or when ctx is done. Commands may
// leave meanwhile, which a sync.WaitGroup would not allow.
func (o *Outbox) Wait(ctx context.Context) {
	for {
		o.mu.Lock()
		flying, landed := o.n, o.landed
		o.mu.Unlock()
		if flying == 0 {
			return
		}
		select {
		case <-landed:
		case <-ctx.Done():
			return
		}
	}
}
