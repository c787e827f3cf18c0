package actors

import (
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"maskswitch/actors/protocol"
)

// watching notes what an observer is told of the actors of one kind.
type watching struct {
	unobserved
	kind protocol.ActorKind

	mu            sync.Mutex
	live, panics  int
	letters       int
	waits, handle []time.Duration
}

func (w *watching) note(kind protocol.ActorKind, f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if kind == w.kind {
		f()
	}
}

func (w *watching) ActorLives(kind protocol.ActorKind, delta int) {
	w.note(kind, func() { w.live += delta })
}
func (w *watching) Panicked(kind protocol.ActorKind)   { w.note(kind, func() { w.panics++ }) }
func (w *watching) DeadLetter(kind protocol.ActorKind) { w.note(kind, func() { w.letters++ }) }
func (w *watching) ActorWaited(kind protocol.ActorKind, d time.Duration) {
	w.note(kind, func() { w.waits = append(w.waits, d) })
}
func (w *watching) ActorHandled(kind protocol.ActorKind, d time.Duration) {
	w.note(kind, func() { w.handle = append(w.handle, d) })
}

// work is a message that takes its actor so long.
type work time.Duration

// metered runs a test with an actor under a parent, in virtual time.
func metered(t *testing.T, test func(t *testing.T, s *Switch, w *watching, pid *actor.PID)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &watching{kind: protocol.ActorCall}
		s := New(Config{Observer: w})
		s.system = actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
			return slog.New(slog.DiscardHandler)
		}))
		s.countLetters()
		child := s.props(protocol.ActorCall, func() actor.Actor {
			return actor.ReceiveFunc(func(c actor.Context) {
				if m, ok := c.Message().(work); ok {
					time.Sleep(time.Duration(m))
					if m < 0 {
						panic("as asked")
					}
				}
			})
		})
		var pid *actor.PID
		parent := s.system.Root.Spawn(s.props(protocol.ActorCallShard, func() actor.Actor {
			return actor.ReceiveFunc(func(c actor.Context) {
				if _, ok := c.Message().(*actor.Started); ok {
					pid = c.Spawn(child)
				}
			})
		}))
		synctest.Wait()
		test(t, s, w, pid)
		s.system.Root.Stop(parent)
		synctest.Wait()
		w.mu.Lock()
		if w.live != 0 {
			t.Errorf("%d actors live after all have stopped", w.live)
		}
		w.mu.Unlock()
		if n := s.meters[protocol.ActorCall].waiting.Load(); n != 0 {
			t.Errorf("%d messages wait for actors that have stopped", n)
		}
		s.system.Shutdown()
		s.dispatch.close()
		time.Sleep(2 * time.Second) // the library's throttle for letters ends
	})
}

func TestMailboxesAreMeasured(t *testing.T) {
	metered(t, func(t *testing.T, s *Switch, w *watching, pid *actor.PID) {
		for range 3 {
			s.system.Root.Send(pid, work(time.Second))
		}
		time.Sleep(500 * time.Millisecond)
		synctest.Wait()
		s.system.Root.Send(pid, work(time.Second))
		if n := s.Waiting(protocol.ActorCall); n != 3 {
			t.Errorf("%d messages wait, want 3: one of four is in hand", n)
		}
		if n := s.Fullest(protocol.ActorCall); n != 3 {
			t.Errorf("the fullest mailbox had %d, want 3", n)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := s.Waiting(protocol.ActorCall); n != 0 {
			t.Errorf("%d messages wait, want none", n)
		}
		if n := s.Fullest(protocol.ActorCall); n != 0 {
			t.Errorf("the fullest mailbox had %d since it was asked for, want none", n)
		}
		// The first is measured; the second and third come while it waits; the
		// fourth comes half a second into the first, and is taken after the third.
		if len(w.waits) != 2 || w.waits[0] != 0 || w.waits[1] != 2500*time.Millisecond {
			t.Errorf("waits %v, want 0s and 2.5s", w.waits)
		}
		if len(w.handle) != 4 || w.handle[3] != time.Second {
			t.Errorf("at work for %v, want four times a second", w.handle)
		}
		if w.live != 1 {
			t.Errorf("%d actors live, want 1", w.live)
		}
	})
}

// What waits for an actor that fails is lost with it, and waits no more. Whoever
// writes to it afterwards writes to nobody.
func TestMailboxOfAnActorThatFails(t *testing.T) {
	metered(t, func(t *testing.T, s *Switch, w *watching, pid *actor.PID) {
		s.system.Root.Send(pid, work(time.Second))
		s.system.Root.Send(pid, work(-1))
		for range 5 {
			s.system.Root.Send(pid, work(time.Second))
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := s.Waiting(protocol.ActorCall); n != 0 || w.panics != 1 || w.live != 0 {
			t.Errorf("%d messages wait, %d panics, %d actors", n, w.panics, w.live)
		}
		s.system.Root.Send(pid, work(1))
		s.system.Root.Send(actor.NewPID(s.system.Address(), "somebody$else"), work(1))
		synctest.Wait()
		if w.letters != 1 {
			t.Errorf("%d letters to a call that is gone, want 1", w.letters)
		}
	})
}

// What waits for an actor that is stopped is not looked at, and waits no more.
func TestMailboxOfAnActorThatStops(t *testing.T) {
	metered(t, func(t *testing.T, s *Switch, w *watching, pid *actor.PID) {
		for range 5 {
			s.system.Root.Send(pid, work(time.Second))
		}
		time.Sleep(500 * time.Millisecond)
		s.system.Root.Stop(pid) // overtakes all but the first, which is in hand
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if len(w.handle) != 1 {
			t.Errorf("%d messages were handled, want 1", len(w.handle))
		}
	})
}
