package actors

import (
	"errors"
	"runtime/debug"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"go.uber.org/zap"

	"maskswitch/actors/pool"
	"maskswitch/actors/protocol"
)

// stopFailed stops a child that panicked. Its parent builds it again from its
// row: a child that is restarted blank would have forgotten its promises.
var stopFailed = actor.NewOneForOneStrategy(0, 0, func(any) actor.Directive { return actor.StopDirective })

// props makes the props of an actor of ours. A panic is counted and logged with
// its stack, and then left to the supervisor, except while the actor stops:
// there it would keep the parent from ever stopping.
func (s *Switch) props(kind protocol.ActorKind, producer func() actor.Actor) *actor.Props {
	inner := actor.UnboundedLockfree()
	return actor.PropsFromProducer(
		func() actor.Actor { return &guard{inner: producer(), kind: kind, owner: s} },
		actor.WithSupervisor(stopFailed),
		actor.WithMailbox(func() actor.Mailbox {
			return &mailbox{Mailbox: inner(), observer: s.observer, meter: &s.meters[kind]}
		}),
		actor.WithDispatcher(s.dispatch),
		actor.WithSpawnFunc(named(kind)),
	)
}

type guard struct {
	inner actor.Actor
	kind  protocol.ActorKind
	owner *Switch
	box   *mailbox
}

func (g *guard) Receive(c actor.Context) {
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		g.owner.observer.Panicked(g.kind)
		g.owner.log.Error("actor panicked", zap.Stringer("kind", g.kind), zap.Any("panic", r), zap.ByteString("stack", debug.Stack()))
		switch c.Message().(type) {
		case *actor.Stopping, *actor.Stopped, *actor.Restarting:
			return
		}
		panic(r)
	}()
	switch c.Message().(type) {
	case *actor.Started:
		g.owner.observer.ActorLives(g.kind, +1)
	case *actor.Stopped:
		g.owner.observer.ActorLives(g.kind, -1)
		g.box.gone()
	}
	g.inner.Receive(c)
}

// guardian keeps a partition alive. When its pool fails, when it cannot recover,
// or when the journal halts, memory can no longer be trusted: the whole tree is
// stopped, and a new one is built from the store. Until then the door is shut.
type guardian struct {
	owner   *Switch
	pool    *actor.PID
	halted  bool
	fails   int
	retry   *time.Timer
	closing bool
}

type (
	// journalHalted says that a commit failed.
	journalHalted struct{ err error }
	// recovered says that the partition is ready, or why it is not.
	recovered struct {
		partition pool.Partition
		err       error
		took      time.Duration
	}
	buildAgain struct{}
)

// Between attempts to build a partition.
const (
	againFirst = 100 * time.Millisecond
	againMost  = 5 * time.Second
)

func (g *guardian) Receive(c actor.Context) {
	switch m := c.Message().(type) {
	case *actor.Started:
		g.build(c)
	case *actor.Stopping:
		g.closing = true
		if g.retry != nil {
			g.retry.Stop()
		}
	case journalHalted:
		g.owner.shut(m.err)
		g.halted = true
		if g.pool != nil {
			c.Stop(g.pool)
		}
	case recovered:
		g.recovered(c, m)
	case *actor.Terminated:
		g.lost(c, m.Who)
	case buildAgain:
		g.build(c)
	}
}

func (g *guardian) recovered(c actor.Context, m recovered) {
	if m.err == nil {
		g.fails = 0
	}
	g.owner.recovered(m)
	if m.err != nil && g.pool != nil {
		c.Stop(g.pool)
	}
}

func (g *guardian) lost(c actor.Context, who *actor.PID) {
	if g.closing || g.pool == nil || !g.pool.Equal(who) {
		return
	}
	g.pool = nil
	g.owner.shut(errors.New("the partition is being built again"))
	g.again(c)
}

// again tries to build the partition a little later, and later each time.
func (g *guardian) again(c actor.Context) {
	wait := min(againFirst<<min(g.fails, 10), againMost)
	g.fails++
	self, root := c.Self(), c.ActorSystem().Root
	g.retry = time.AfterFunc(wait, func() { root.Send(self, buildAgain{}) })
}

// build starts a partition. Everything the last one appended is on disk by then
// or never will be: the journal's Resume and the pool's barrier see to that.
func (g *guardian) build(c actor.Context) {
	if g.halted {
		if err := g.owner.journal.Resume(); err != nil {
			g.owner.log.Error("the store still cannot be written", zap.Error(err))
			g.again(c)
			return
		}
		g.halted = false
	}
	began := time.Now()
	self, root := c.Self(), c.ActorSystem().Root
	g.pool = c.Spawn(g.owner.poolProps(func(p pool.Partition, err error) {
		root.Send(self, recovered{p, err, time.Since(began)})
	}))
}
