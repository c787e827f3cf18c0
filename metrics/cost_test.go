package metrics_test

import (
	"sync"
	"testing"
	"time"

	"maskswitch/actors/protocol"
	"maskswitch/metrics"
)

// Everybody observes while somebody scrapes; the race detector watches.
func TestObserversAreSafeTogether(t *testing.T) {
	m, reg := newWatched(t)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() { exercise(m) })
	}
	for range 4 {
		all.Go(func() {
			if _, err := reg.Gather(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := values(t, reg)["calls_offered_total{}"]; got != 4 {
		t.Errorf("%v calls were offered, want 4", got)
	}
}

// oneCall is everything that is observed of a call that is talked: nine
// webhooks, three commands, a change on disk for each.
func oneCall(m *metrics.Metrics) {
	webhooks := [...]protocol.EventKind{
		protocol.EventInitiated, protocol.EventAnswered, protocol.EventInitiated, protocol.EventAnswered, protocol.EventBridged,
		protocol.EventBridged, protocol.EventHangup, protocol.EventHangup, protocol.EventRecordingSaved,
	}
	call := protocol.CallID{1}
	m.ActorLives(protocol.ActorCall, +1)
	for range 30 { // from actor to actor
		m.ActorWaited(protocol.ActorCall, 90*time.Microsecond)
		m.ActorHandled(protocol.ActorCall, 40*time.Microsecond)
	}
	m.CallActive("setup", +1)
	m.CallOffered()
	for _, kind := range webhooks {
		m.Journal.Appended(900 * time.Microsecond)
		m.Journal.Committed(1, 700*time.Microsecond)
		m.WebhookTaken(call, kind, protocol.ReceiptAccepted, 1200*time.Microsecond, 40*time.Millisecond, false)
	}
	for _, kind := range [...]protocol.CommandKind{protocol.CommandAnswer, protocol.CommandTransfer, protocol.CommandRecordStart} {
		m.Reacted(call, kind, 600*time.Microsecond)
		m.Commands.CommandWaited(kind, 0)
		m.Commands.InFlight(+1)
		m.Commands.InFlight(-1)
		m.Commands.CommandSent(kind, protocol.CommandOK, 80*time.Millisecond)
		m.Commands.CommandDone(kind, protocol.Reply{Result: protocol.CommandOK}, 80*time.Millisecond)
	}
	m.LegStage(protocol.LegA, "answer", true, 200*time.Millisecond)
	m.PostDialDelay(500 * time.Millisecond)
	m.LegStage(protocol.LegB, "dial", true, 300*time.Millisecond)
	m.CallConnected(6*time.Second, time.Millisecond)
	m.LegStage(protocol.LegB, "ring", true, 5*time.Second)
	m.CallActive("setup", -1)
	m.CallActive("talking", +1)
	m.LegHungUp(protocol.LegA, protocol.CauseNormalClearing, protocol.SourceCaller)
	m.LegStage(protocol.LegB, "release", true, 100*time.Millisecond)
	m.LegHungUp(protocol.LegB, protocol.CauseNormalClearing, protocol.SourceCaller)
	m.CallActive("talking", -1)
	m.CallEnded(protocol.Call{Outcome: protocol.OutcomeTalked, TalkAt: time.Unix(0, 0), EndAt: time.Unix(90, 0)}, false)
	m.ActorLives(protocol.ActorCall, -1)
}

func TestObservingDoesNotAllocate(t *testing.T) {
	m, _ := newWatched(t)
	oneCall(m) // the first observation of a size makes its native bucket
	if n := testing.AllocsPerRun(100, func() { oneCall(m) }); n > 0 {
		t.Errorf("observing one call takes %v allocations, want none", n)
	}
}

// BenchmarkObserveCall must stay below 20 us: a call costs about 1.5 ms in all.
func BenchmarkObserveCall(b *testing.B) {
	m, _ := newWatched(b)
	b.ReportAllocs()
	for b.Loop() {
		oneCall(m)
	}
}

func BenchmarkObserveRequest(b *testing.B) {
	m, _ := newWatched(b)
	b.ReportAllocs()
	for b.Loop() {
		m.API.Request("/bookings", "POST", 201, 900*time.Microsecond)
	}
}

func BenchmarkGather(b *testing.B) {
	m, reg := newWatched(b)
	exercise(m)
	for b.Loop() {
		gather(b, reg)
	}
}
