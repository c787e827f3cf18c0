// Package actorstest has a switch on a store in memory, with a carrier that
// does what a test says, for runs in virtual time.
package actorstest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"go.uber.org/zap"

	"maskswitch/actors"
	"maskswitch/actors/call"
	"maskswitch/actors/journal"
	"maskswitch/actors/journal/memory"
	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// deadLetters is how long the actor library's log of dead letters holds a
// goroutine; in virtual time waiting for it costs nothing.
const deadLetters = 2 * time.Second

// World is a switch and all that it deals with. Use it inside a synctest bubble.
type World struct {
	*actors.Switch
	Store   *memory.Engine
	Carrier *Carrier
	Options journal.Options // of the next Boot
	t       testing.TB
	config  actors.Config
	group   *journal.Group
	running bool
}

// Start makes a world and waits until the switch is ready. change may be nil.
func Start(t testing.TB, change func(*actors.Config)) *World {
	t.Helper()
	w := &World{
		Store: memory.New(), Carrier: &Carrier{}, t: t,
		config: actors.Config{
			Calls: call.Settings{
				RingTimeout: 30 * time.Second, Limit: 4 * time.Hour,
				Unreachable: "The person you called cannot be reached.",
			},
			PairsPerNumber: 200, Quarantine: 24 * time.Hour, Log: zap.NewNop(),
		},
	}
	if change != nil {
		change(&w.config)
	}
	t.Cleanup(func() {
		w.Crash()
		time.Sleep(deadLetters)
	})
	if err := w.Boot(); err != nil {
		t.Fatalf("start: %v", err)
	}
	return w
}

// Boot starts a switch on what the store holds.
func (w *World) Boot() error {
	w.group = journal.NewGroup(w.Store, w.Options)
	c := w.config
	c.Journal, c.Carrier = w.group, w.Carrier
	w.Switch = actors.New(c)
	if err := w.Switch.Start(context.Background()); err != nil {
		_ = w.group.Close(context.Background())
		return err
	}
	w.running = true
	return nil
}

// Crash stops the switch without letting anything finish that was not on disk.
func (w *World) Crash() {
	if !w.running {
		return
	}
	w.running = false
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // no waiting for commands on their way
	_ = w.Switch.Stop(ctx)
	_ = w.group.Close(context.Background())
}

// Restart crashes the switch and starts another.
func (w *World) Restart() {
	w.t.Helper()
	w.Crash()
	if err := w.Boot(); err != nil {
		w.t.Fatalf("restart: %v", err)
	}
}

// Number makes a party's or proxy number out of a small integer.
func Number(i int) phone.Number {
	n, err := phone.Parse(fmt.Sprintf("+1312555%04d", i))
	if err != nil {
		panic(err)
	}
	return n
}

// Pool adds n proxy numbers: Number(9000), Number(9001) and so on.
func (w *World) Pool(n int) {
	w.t.Helper()
	numbers := make([]phone.Number, n)
	for i := range numbers {
		numbers[i] = Number(9000 + i)
	}
	if _, err := w.AddNumbers(context.Background(), numbers); err != nil {
		w.t.Fatalf("add numbers: %v", err)
	}
}

// Book opens a booking of a day for two parties.
func (w *World) Book(ref string, a, b int) protocol.Booking {
	w.t.Helper()
	opened, err := w.OpenBooking(context.Background(), Asked(ref, a, b))
	if err != nil {
		w.t.Fatalf("open booking %s: %v", ref, err)
	}
	return opened.Booking
}

// Asked is a request for a booking of a day.
func Asked(ref string, a, b int) protocol.OpenBooking {
	return protocol.OpenBooking{Ref: protocol.Ref(ref), PartyA: Number(a), PartyB: Number(b), Duration: 24 * time.Hour}
}

// Tell delivers an event and fails the test if it is refused.
func (w *World) Tell(ev protocol.LegEvent) protocol.Receipt {
	w.t.Helper()
	r, err := w.Deliver(context.Background(), ev, time.Now())
	if err != nil {
		w.t.Fatalf("deliver %T: %v", ev, err)
	}
	return r
}

// Row reads the call of a session from the store.
func (w *World) Row(session string) protocol.Call {
	w.t.Helper()
	row, err := w.Store.CallOfSession(context.Background(), protocol.SessionID(session))
	if err != nil {
		w.t.Fatalf("call of session %s: %v", session, err)
	}
	return row
}
