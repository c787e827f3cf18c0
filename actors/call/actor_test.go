package call

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"go.uber.org/zap"

	"maskswitch/actors/journal"
	"maskswitch/actors/journal/memory"
	"maskswitch/actors/protocol"
)

// rig is a shard of calls on a store in memory, with a carrier that takes every
// command, and all that bookings are told.
type rig struct {
	*testing.T
	unwatched
	root  *actor.RootContext
	shard *actor.PID
	store *memory.Engine
	door  *door
	told  []any

	mu      sync.Mutex
	sent    []string
	offered int
	hold    chan struct{} // nil, or what the carrier waits for before it answers
	answer  protocol.CommandResult
	queue   []protocol.FetchRecording
}

// door is a journal that can be full.
type door struct {
	journal.Appender
	mu    sync.Mutex
	full  bool
	turns int // how often it refused
	taken int // changes that had something to write
}

func (d *door) Append(c journal.Change, done journal.Done) error {
	d.mu.Lock()
	if d.full = d.full && d.turns < 1000; d.full { // so that whoever asks without a pause comes to an end
		d.turns++
		d.mu.Unlock()
		return journal.ErrBusy
	}
	if len(c.Calls)+len(c.Story)+len(c.Recordings) > 0 {
		d.taken++
	}
	d.mu.Unlock()
	return d.Appender.Append(c, done)
}

func (d *door) shut(full bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.full = full
}

func (r *rig) Do(_ context.Context, cmd protocol.Command) protocol.Reply {
	r.mu.Lock()
	r.sent = append(r.sent, cmd.Step())
	hold, result := r.hold, r.answer
	r.mu.Unlock()
	sent := time.Now()
	if hold != nil {
		<-hold
	}
	return protocol.Reply{Result: result, Attempts: 1, Alive: true, Detail: "why", Sent: sent}
}

// carrier has every command from now on wait, if hold is not nil, and come to
// result.
func (r *rig) carrier(hold chan struct{}, result protocol.CommandResult) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hold, r.answer = hold, result
}

// queued is what the queue of recordings was told since the last time.
func (r *rig) queued() []protocol.FetchRecording {
	r.mu.Lock()
	defer r.mu.Unlock()
	told := r.queue
	r.queue = nil
	return told
}

type unwatched struct{}

func (unwatched) CallOffered()                                                        {}
func (unwatched) CallActive(string, int)                                              {}
func (unwatched) CallEnded(protocol.Call, bool)                                       {}
func (unwatched) CallConnected(time.Duration, time.Duration)                          {}
func (unwatched) PostDialDelay(time.Duration)                                         {}
func (unwatched) LegHungUp(protocol.Leg, protocol.HangupCause, protocol.HangupSource) {}
func (unwatched) LegStage(protocol.Leg, string, bool, time.Duration)                  {}
func (unwatched) Reacted(protocol.CallID, protocol.CommandKind, time.Duration)        {}

func (r *rig) CallOffered() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.offered++
}

// bubble runs a test in virtual time.
func bubble(t *testing.T, test func(r *rig)) {
	t.Helper()
	bubbleWith(t, told, test)
}

func bubbleWith(t *testing.T, set Settings, test func(r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
			return slog.New(slog.DiscardHandler)
		}))
		r := &rig{T: t, root: system.Root, store: memory.New()}
		group := journal.NewGroup(r.store, journal.Options{})
		r.door = &door{Appender: group}
		bookings := r.root.Spawn(actor.PropsFromFunc(func(c actor.Context) {
			switch c.Message().(type) {
			case protocol.CallOver, protocol.CallLives:
				r.told = append(r.told, c.Message())
			}
		}))
		config := &Config{
			Settings: set, Journal: r.door, Store: r.store, Observer: r, Log: zap.NewNop(), EndedMemory: time.Hour,
			Outbox:   NewOutbox(r, r, func(f func()) { go f() }),
			Bookings: func(protocol.BookingID) *actor.PID { return bookings },
			Recordings: func(m protocol.FetchRecording) {
				r.mu.Lock()
				defer r.mu.Unlock()
				r.queue = append(r.queue, m)
			},
		}
		stop := actor.NewOneForOneStrategy(0, 0, func(any) actor.Directive { return actor.StopDirective })
		config.Child = actor.PropsFromProducer(func() actor.Actor { return New(config) })
		r.shard = r.root.Spawn(actor.PropsFromProducer(func() actor.Actor { return NewShard(config) }, actor.WithSupervisor(stop)))
		defer func() {
			_ = r.root.StopFuture(r.shard).Wait()
			_ = r.root.StopFuture(bookings).Wait()
			_ = group.Close(context.Background())
			time.Sleep(2 * time.Second) // virtual: the library's log of dead letters
		}()
		test(r)
	})
}

func (r *rig) send(m any) {
	r.Helper()
	r.root.Send(r.shard, m)
	synctest.Wait()
}

// event delivers one of the carrier's.
func (r *rig) event(ev protocol.Event, route protocol.Route) {
	r.Helper()
	if rang, ok := ev.(Rang); ok {
		ev, route = rang.LegRang, rang.Route
	}
	r.send(protocol.Delivery{Event: ev.(protocol.LegEvent), Route: route, Done: func(protocol.Receipt, error) {}})
}

// talk begins a call that talks.
func (r *rig) talk(route protocol.Route) {
	r.Helper()
	r.event(ring(route), protocol.Route{})
	r.event(answered(protocol.LegA), protocol.Route{})
	r.event(answered(protocol.LegB), protocol.Route{})
}

func (r *rig) wantTold(want ...any) {
	r.Helper()
	if !slices.Equal(r.told, want) {
		r.Fatalf("the booking was told %+v, want %+v", r.told, want)
	}
}

func (r *rig) wantSent(want ...string) {
	r.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Equal(r.sent, want) {
		r.Fatalf("sent %v, want %v", r.sent, want)
	}
}

func (r *rig) row() protocol.Call {
	r.Helper()
	row, err := r.store.CallOfSession(context.Background(), "s")
	if err != nil {
		r.Fatal(err)
	}
	return row
}

// panics has the actor of the call die of a message.
func (r *rig) panics() {
	r.Helper()
	foreign := protocol.LegBridged{About: protocol.About{Session: "s", Leg: "none of ours"}}
	r.send(protocol.Delivery{Event: foreign})
}

func TestTheBookingHearsOfTheEnd(t *testing.T) {
	for _, report := range []bool{false, true} {
		bubble(t, func(r *rig) {
			route := cutting(t, time.Minute)
			route.Cut, route.Report = false, report
			r.talk(route)
			first := hungUp(protocol.LegA, protocol.CauseNormalClearing).(protocol.LegHungUp)
			last := hungUp(protocol.LegB, protocol.CauseNormalClearing).(protocol.LegHungUp)
			last.At = epoch.Add(time.Minute)
			r.event(first, protocol.Route{})
			r.wantTold()
			r.event(last, protocol.Route{})
			r.event(last, protocol.Route{})
			r.event(protocol.LegRecorded{About: facts(protocol.LegA), Recording: "rec"}, protocol.Route{})
			r.event(last, protocol.Route{})
			if report {
				r.wantTold(protocol.CallOver{Booking: route.Booking, Session: "s", At: last.At})
			} else {
				r.wantTold()
			}
			if row := r.row(); row.State != "" {
				t.Errorf("still open in stage %s", row.Stage)
			}
		})
	}
}

// A call that is built again says that it is there, unless it said that it is
// over, and is cut if its booking is over by now.
func TestTheBookingIsAskedAfterARestart(t *testing.T) {
	row := func(route protocol.Route, stage Stage) protocol.Call {
		c := Call{
			ID: protocol.NewCallID("s", epoch), Session: "s", Rung: true, Stage: stage, Booking: route.Booking, To: route.To, From: route.From,
			Report: route.Report, Cut: route.Cut, Grace: route.Grace, StartedAt: epoch, Deadline: epoch.Add(time.Hour),
			A: Leg{ID: "A", RangAt: epoch, AnsweredAt: epoch}, B: Leg{ID: "B", AnsweredAt: epoch},
		}
		c.Sent[sendRecord] = Sending{At: epoch, Ended: true}
		if stage == StageOver {
			c.A.EndedAt, c.B.EndedAt, c.Outcome = epoch, epoch, protocol.OutcomeTalked
		}
		return c.Row()
	}
	cut := cutting(t, 10*time.Second)
	mute := cut
	mute.Report = false
	for _, c := range []struct {
		name  string
		route protocol.Route
		stage Stage
		lives bool
	}{{"talking", cut, StageTalking, true}, {"ending", cut, StageEnding, true}, {"over", cut, StageOver, false}, {"does not report", mute, StageTalking, false}} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(r *rig) {
				time.Sleep(time.Until(epoch))
				r.send(protocol.RestoreCall{Call: row(c.route, c.stage)})
				if !c.lives {
					r.wantTold()
					return
				}
				r.wantTold(protocol.CallLives{Booking: c.route.Booking, Session: "s"})
				if c.stage != StageTalking {
					return
				}
				r.send(protocol.BookingOver{Session: "s"})
				r.wantSent("speak:checkout")
				time.Sleep(10*time.Second - 1)
				synctest.Wait()
				r.wantSent("speak:checkout")
				time.Sleep(time.Nanosecond)
				synctest.Wait()
				r.wantSent("speak:checkout", "hangup")
				r.event(hungUp(protocol.LegA, protocol.CauseNormalClearing), protocol.Route{})
				r.event(hungUp(protocol.LegB, protocol.CauseNormalClearing), protocol.Route{})
				if got := r.row(); got.Outcome != protocol.OutcomeTalked || got.Reason != cutReason {
					t.Errorf("ended as %v, %q", got.Outcome, got.Reason)
				}
			})
		})
	}
}

// The word that a booking is over waits for a call that is being built again,
// and is lost on one that is not there.
func TestBookingOverFindsItsCall(t *testing.T) {
	bubble(t, func(r *rig) {
		r.send(protocol.BookingOver{Session: "s"})
		r.talk(cutting(t, 0))
		r.wantSent("answer", "transfer", "record_start")
		release := r.store.Hold()
		defer release()
		r.event(spoken(protocol.LegB), protocol.Route{}) // on its way to the disk when the actor dies
		r.panics()
		r.send(protocol.BookingOver{Session: "s"})
		r.wantSent("answer", "transfer", "record_start")
		release()
		synctest.Wait()
		r.wantSent("answer", "transfer", "record_start", "hangup")
	})
}

// A call that cannot be run is over for its booking too, and so is one of which
// nobody knows whether it had to report.
func TestACallThatIsGivenUpIsOver(t *testing.T) {
	t.Run("its actor fails too often", func(t *testing.T) {
		bubble(t, func(r *rig) {
			route := cutting(t, time.Minute)
			r.talk(route)
			for range rebuildMost + 1 {
				r.panics()
			}
			r.wantSent("answer", "transfer", "record_start", "hangup", "hangup")
			over, ok := r.told[len(r.told)-1].(protocol.CallOver)
			if !ok || len(r.told) != rebuildMost+1 || over.Booking != route.Booking || over.Session != "s" || over.At.IsZero() {
				t.Errorf("told %+v", r.told)
			}
			if row := r.row(); row.Outcome != protocol.OutcomeFailed || row.State != "" {
				t.Errorf("ended as %v, %s", row.Outcome, row.State)
			}
			if _, end, ok := strings.Cut(r.story().String(), "given up"); !ok || strings.Count(end, "←  hangup") != 2 {
				t.Errorf("the story ends with %q", end)
			}
		})
	})
	t.Run("its row cannot be read", func(t *testing.T) {
		bubble(t, func(r *rig) {
			row := protocol.Call{ID: protocol.NewCallID("s", epoch), Session: "s", Booking: protocol.NewBookingID(epoch), State: `{"v":99}`}
			if _, err := r.store.Commit([]journal.Change{{Calls: []protocol.Call{row}}}); err != nil {
				t.Fatal(err)
			}
			r.send(protocol.RestoreCall{Call: row})
			if over, ok := r.told[len(r.told)-1].(protocol.CallOver); !ok || len(r.told) != 1 || over.Booking != row.Booking {
				t.Errorf("told %+v", r.told)
			}
		})
	})
}

// A ring that could not be written is no call, whatever its booking says then.
func TestBookingOverOfACallThatNeverWas(t *testing.T) {
	bubble(t, func(r *rig) {
		rang := ring(cutting(t, 0)).(Rang)
		r.door.shut(true)
		r.root.Send(r.shard, protocol.Delivery{Event: rang.LegRang, Route: rang.Route, Done: func(protocol.Receipt, error) {}})
		r.send(protocol.BookingOver{Session: "s"})
		if r.offered != 0 {
			t.Errorf("%d calls were offered", r.offered)
		}
		r.wantSent()
		r.door.shut(false)
		r.event(rang, protocol.Route{})
		r.wantSent("answer")
		if r.offered != 1 {
			t.Errorf("%d calls were offered", r.offered)
		}
	})
}

// A deadline that comes while the journal is full waits for room, and asks for
// it a few times a second.
func TestACutWaitsForRoomInTheJournal(t *testing.T) {
	bubble(t, func(r *rig) {
		r.talk(cutting(t, 10*time.Second))
		r.send(protocol.BookingOver{Session: "s", At: time.Now()})
		r.door.shut(true)
		time.Sleep(20 * time.Second)
		synctest.Wait()
		r.wantSent("answer", "transfer", "record_start", "speak:checkout")
		if r.door.turns < 10 || r.door.turns > 100 {
			t.Errorf("asked %d times in ten seconds", r.door.turns)
		}
		r.door.shut(false)
		time.Sleep(time.Second)
		synctest.Wait()
		r.wantSent("answer", "transfer", "record_start", "speak:checkout", "hangup")
		if row := r.row(); !strings.Contains(row.Reason, cutReason) {
			t.Errorf("the reason is %q", row.Reason)
		}
	})
}
