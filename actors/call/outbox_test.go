package call

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"maskswitch/actors/protocol"
)

// slow is a carrier that takes a second for each command.
type slow struct{}

func (slow) Do(ctx context.Context, _ protocol.Command) protocol.Reply {
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
	}
	return protocol.Reply{}
}

// A switch that stops waits for what is on its way, though more may leave.
func TestOutboxWaitsForCommandsThatLeaveMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := NewOutbox(slow{}, unwatched{}, func(f func()) { go f() })
		put := func() { o.Put(t.Context(), nil, nil, protocol.CallID{}, time.Time{}, protocol.HangUp{Leg: "a"}) }
		o.Wait(t.Context()) // nothing is on its way
		began := time.Now()
		put()
		time.AfterFunc(500*time.Millisecond, put)
		o.Wait(t.Context())
		if took := time.Since(began); took != 1500*time.Millisecond {
			t.Errorf("waited %v, and the last command landed after 1.5 s", took)
		}
		put()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		began = time.Now()
		if o.Wait(ctx); time.Since(began) != time.Millisecond {
			t.Errorf("waited %v, longer than it may", time.Since(began))
		}
	})
}

// The first command may leave while somebody begins to wait.
func TestOutboxIsUsedAndWaitedForAtOnce(t *testing.T) {
	for range 200 {
		o := NewOutbox(quick{}, unwatched{}, func(f func()) { go f() })
		var both sync.WaitGroup
		both.Go(func() { o.Put(t.Context(), nil, nil, protocol.CallID{}, time.Time{}, protocol.HangUp{Leg: "a"}) })
		both.Go(func() { o.Wait(t.Context()) })
		both.Wait()
		o.Wait(t.Context())
	}
}

type quick struct{}

func (quick) Do(context.Context, protocol.Command) protocol.Reply { return protocol.Reply{} }
