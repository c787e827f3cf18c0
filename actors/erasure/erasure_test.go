package erasure

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"pgregory.net/rapid"

	"maskswitch/actors/journal"
	"maskswitch/actors/journal/memory"
	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// tester is what *testing.T and *rapid.T have in common.
type tester interface {
	Helper()
	Fatalf(string, ...any)
	Errorf(string, ...any)
}

var (
	guest, _ = phone.FromStore("+13125550111")
	host, _  = phone.FromStore("+17735550122")
	other, _ = phone.FromStore("+491701234567")
	proxy, _ = phone.FromStore("+13125550199")
)

// engine takes the writes of several.
type engine struct {
	*memory.Engine
	mu sync.Mutex
}

func (e *engine) Commit(changes []journal.Change) ([]error, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.Engine.Commit(changes)
}

// world is a desk with its store, a pool and a queue that does what it promises
// some time later. Use it inside a bubble.
type world struct {
	tester
	store  *engine
	ctx    context.Context
	slow   time.Duration // of the queue, from its promise to the deed
	group  *journal.Group
	system *actor.ActorSystem
	desk   *actor.PID

	mu    sync.Mutex
	shut  bool // the queue answers that it cannot
	holds bool // somebody holds what is about to be erased
	asked map[protocol.RecordingID]int
}

// close has the queue answer that it cannot, or not any more.
func (w *world) close(shut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shut = shut
}

// erasures counts what the queue has promised to erase.
func (w *world) erasures() map[protocol.RecordingID]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.asked)
}

func newWorld(t tester) *world {
	w := &world{tester: t, store: &engine{Engine: memory.New()}, ctx: context.Background(), slow: 3 * time.Second, asked: make(map[protocol.RecordingID]int)}
	w.boot()
	return w
}

// boot starts a desk on what the store holds.
func (w *world) boot() {
	w.group = journal.NewGroup(w.store, journal.Options{})
	w.system = actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }))
	config := &Config{
		Journal: w.group, Store: w.store, EndQuarantine: w.endQuarantine(w.group), Recordings: w.erase(w.group),
		Schedule: func(f func()) { go f() },
	}
	w.desk = w.system.Root.Spawn(actor.PropsFromProducer(func() actor.Actor { return NewDesk(config) }))
	for item, err := range w.store.Live(w.ctx, 0, 0) {
		if err != nil {
			w.Fatalf("live: %v", err)
		}
		if item.Erasure != nil {
			w.system.Root.Send(w.desk, protocol.RestoreErasure{Row: *item.Erasure})
		}
	}
}

// crash ends the process.
func (w *world) crash() {
	_ = w.system.Root.StopFuture(w.desk).Wait()
	_ = w.group.Close(w.ctx)
	synctest.Wait()
}

func (w *world) end() {
	w.crash()
	time.Sleep(2 * time.Second) // virtual: the library's log of dead letters
}

func (w *world) endQuarantine(g *journal.Group) func(protocol.EndQuarantine) {
	return func(m protocol.EndQuarantine) {
		over := []journal.Closing{{ID: m.Booking.ID, State: protocol.BookingClosed}}
		if m.Booking.State == protocol.BookingLive {
			over = nil
		}
		if err := g.Append(journal.Change{Close: over}, m.Done); err != nil {
			m.Done(err)
		}
	}
}

func (w *world) erase(g *journal.Group) func(protocol.EraseRecording) {
	return func(m protocol.EraseRecording) {
		w.mu.Lock()
		defer w.mu.Unlock()
		row, err := w.store.Recording(w.ctx, m.ID)
		switch {
		case err != nil:
			m.Done(row, err)
			return
		case w.shut:
			m.Done(row, errors.New("the queue is out"))
			return
		case row.Hold != "" || w.holds:
			m.Done(row, protocol.Errorf(protocol.Conflict, "recording_held", "%s", row.Hold))
			return
		}
		w.asked[m.ID]++
		row.Status, row.Why = protocol.RecordingErasing, m.Reason
		promised := func(err error) {
			if err == nil {
				gone := row
				gone.Status = protocol.RecordingErased
				time.AfterFunc(w.slow, func() { w.write(journal.Change{Recorded: []protocol.Recording{gone}}) })
			}
			m.Done(row, err)
		}
		if err := g.Append(journal.Change{Recorded: []protocol.Recording{row}}, promised); err != nil {
			m.Done(row, err)
		}
	}
}

// write changes the store behind everybody's back, as other actors do.
func (w *world) write(c journal.Change) {
	if refused, err := w.store.Commit([]journal.Change{c}); errors.Join(append(refused, err)...) != nil {
		w.Fatalf("%v %v", refused, err)
	}
}

// kept makes a booking in a state, with so many recordings.
func (w *world) kept(a, b phone.Number, state protocol.BookingState, recordings ...protocol.Recording) protocol.Booking {
	now := time.Now()
	row := protocol.Booking{
		ID: protocol.NewBookingID(now), NumberA: proxy, NumberB: proxy, PartyA: a, PartyB: b, CreatedAt: now, CheckoutAt: now.Add(time.Hour), FreeAt: now.Add(2 * time.Hour),
	}
	time.Sleep(time.Millisecond) // virtual: ids have the order of time
	change := journal.Change{Open: []protocol.Booking{row}}
	for i, r := range recordings {
		r.ID, r.Booking = protocol.RecordingID(fmt.Sprint(row.ID, "-", i)), row.ID
		change.Recordings = append(change.Recordings, r)
	}
	w.write(change)
	if state != protocol.BookingLive {
		w.write(journal.Change{Close: []journal.Closing{{ID: row.ID, State: protocol.BookingQuarantined, Reason: "deleted"}}})
	}
	if state == protocol.BookingClosed {
		w.write(journal.Change{Close: []journal.Closing{{ID: row.ID, State: protocol.BookingClosed}}})
	}
	return row
}

func (w *world) place(asked protocol.AskErasure) protocol.Erasure {
	w.Helper()
	var got protocol.Erasure
	var failed error
	w.system.Root.Send(w.desk, protocol.PlaceErasure{Asked: asked, Subject: asked.Party.String(), Done: func(e protocol.Erasure, err error) { got, failed = e, err }})
	synctest.Wait()
	if failed != nil {
		w.Fatalf("placed: %v", failed)
	}
	return got
}

// receipt reads it from the store.
func (w *world) receipt(id protocol.ErasureID) protocol.Erasure {
	w.Helper()
	row, err := w.store.Erasure(w.ctx, id)
	if err != nil {
		w.Fatalf("%v", err)
	}
	e, err := View(row)
	if err != nil {
		w.Fatalf("%v", err)
	}
	if !e.DoneAt.IsZero() && (strings.Contains(row.Detail, guest.E164()[1:]) || strings.Contains(row.Detail, host.E164()[1:])) {
		w.Fatalf("the row keeps the number: %s", row.Detail)
	}
	return e
}

// done waits until an erasure is.
func (w *world) done(id protocol.ErasureID) protocol.Erasure {
	w.Helper()
	for range 1000 {
		synctest.Wait()
		if e := w.receipt(id); !e.DoneAt.IsZero() {
			return e
		}
		time.Sleep(time.Second)
	}
	w.Fatalf("not done: %+v", w.receipt(id))
	return protocol.Erasure{}
}

func (w *world) booking(id protocol.BookingID) protocol.Booking {
	w.Helper()
	b, err := w.store.Booking(w.ctx, id)
	if err != nil {
		w.Fatalf("%v", err)
	}
	return b
}

func archived() protocol.Recording {
	return protocol.Recording{Status: protocol.RecordingArchived, Object: "x"}
}

func bubble(t *testing.T, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.end()
		test(w)
	})
}

func TestAPartyIsForgotten(t *testing.T) {
	bubble(t, func(w *world) {
		one := w.kept(guest, host, protocol.BookingClosed, archived(), archived())
		two := w.kept(other, guest, protocol.BookingQuarantined)
		foreign := w.kept(other, host, protocol.BookingClosed, archived())
		first := w.place(protocol.AskErasure{Party: guest})
		if !first.DoneAt.IsZero() || first.Subject != guest.String() || strings.Contains(first.Subject, guest.E164()) {
			t.Errorf("receipt at first: %+v", first)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if e := w.receipt(first.ID); e.Waiting != 2 || w.booking(one.ID).PartyA != guest {
			t.Errorf("while its recordings are being erased: %+v, booking %+v", e, w.booking(one.ID))
		}
		e := w.done(first.ID)
		if e.Bookings != 2 || e.Recordings != 2 || e.Waiting != 0 || len(e.Refused) != 0 || e.Trouble != "" {
			t.Errorf("receipt: %+v", e)
		}
		if b := w.booking(one.ID); b.PartyA.Known() || b.PartyB != host {
			t.Errorf("booking %+v", b)
		}
		if b := w.booking(two.ID); b.PartyB.Known() || b.PartyA != other || b.State != protocol.BookingClosed {
			t.Errorf("booking %+v", b)
		}
		if b := w.booking(foreign.ID); b.PartyA != other || b.PartyB != host || len(w.erasures()) != 2 {
			t.Errorf("another's booking %+v, erased %v", b, w.erasures())
		}
		if again := w.done(w.place(protocol.AskErasure{Party: guest}).ID); again.Bookings != 0 || again.Recordings != 0 {
			t.Errorf("a second time: %+v", again)
		}
	})
}

func TestABookingIsForgotten(t *testing.T) {
	bubble(t, func(w *world) {
		one := w.kept(guest, host, protocol.BookingClosed, archived(), protocol.Recording{Status: protocol.RecordingReplaced}, protocol.Recording{Status: protocol.RecordingLost})
		two := w.kept(guest, host, protocol.BookingClosed)
		e := w.done(w.place(protocol.AskErasure{Booking: one.ID}).ID)
		if e.Bookings != 1 || e.Recordings != 2 {
			t.Errorf("receipt: %+v", e)
		}
		if b := w.booking(one.ID); b.PartyA.Known() || b.PartyB.Known() {
			t.Errorf("booking %+v", b)
		}
		if b := w.booking(two.ID); b.PartyA != guest || b.PartyB != host {
			t.Errorf("another booking of theirs %+v", b)
		}
		if again := w.done(w.place(protocol.AskErasure{Booking: one.ID}).ID); again.Bookings != 0 || again.Recordings != 0 {
			t.Errorf("a second time: %+v", again)
		}
	})
}

// What must stay stays whole, and the receipt says why.
func TestWhatIsRefused(t *testing.T) {
	held := archived()
	held.Hold = "case 7"
	for _, tt := range []struct {
		name   string
		state  protocol.BookingState
		rec    []protocol.Recording
		call   *protocol.Call
		code   string
		detail string
	}{
		{"a live booking", protocol.BookingLive, []protocol.Recording{archived()}, nil, "booking_live", "end it first"},
		{"a held recording, and one that is not", protocol.BookingClosed, []protocol.Recording{archived(), held}, nil, "recording_held", "case 7"},
		{"a call under way", protocol.BookingQuarantined, []protocol.Recording{archived()}, &protocol.Call{Session: "s", State: "{}", Stage: "talking"}, "call_under_way", "is under way"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(w *world) {
				b := w.kept(guest, host, tt.state, tt.rec...)
				if tt.call != nil {
					tt.call.ID, tt.call.Booking = protocol.NewCallID("s", time.Now()), b.ID
					w.write(journal.Change{Calls: []protocol.Call{*tt.call}})
				}
				e := w.done(w.place(protocol.AskErasure{Party: host}).ID)
				if len(e.Refused) != 1 || e.Refused[0].Code != tt.code || e.Refused[0].Booking != b.PublicID() || !strings.Contains(e.Refused[0].Detail, tt.detail) || e.Bookings != 0 {
					t.Errorf("receipt: %+v", e)
				}
				if len(w.erasures()) != 0 || w.booking(b.ID).PartyB != host {
					t.Errorf("erased %v, booking %+v", w.erasures(), w.booking(b.ID))
				}
			})
		})
	}
}

// A hold that comes between the look and the deed wins.
func TestHeldInTheLastMoment(t *testing.T) {
	bubble(t, func(w *world) {
		b := w.kept(guest, host, protocol.BookingClosed, archived())
		w.holds = true
		e := w.done(w.place(protocol.AskErasure{Party: guest}).ID)
		if len(e.Refused) != 1 || e.Refused[0].Code != "recording_held" || e.Refused[0].Booking != b.PublicID() || e.Refused[0].Recording == "" {
			t.Errorf("receipt: %+v", e)
		}
	})
}

// A call that is over and waits for its recording is waited for.
func TestACallThatWaitsForItsRecording(t *testing.T) {
	bubble(t, func(w *world) {
		b := w.kept(guest, host, protocol.BookingClosed)
		call := protocol.Call{ID: protocol.NewCallID("s", time.Now()), Session: "s", Booking: b.ID, State: "{}", Stage: "over", EndAt: time.Now()}
		w.write(journal.Change{Calls: []protocol.Call{call}})
		id := w.place(protocol.AskErasure{Party: guest}).ID
		time.Sleep(time.Minute)
		synctest.Wait()
		if e := w.receipt(id); !e.DoneAt.IsZero() || e.Waiting != 1 {
			t.Fatalf("receipt: %+v", e)
		}
		call.State, call.Stage = "", "closed"
		late := archived()
		late.ID, late.Booking = "late", b.ID
		w.write(journal.Change{Calls: []protocol.Call{call}, Recordings: []protocol.Recording{late}})
		if e := w.done(id); e.Recordings != 1 || e.Bookings != 1 || w.erasures()["late"] == 0 {
			t.Errorf("receipt: %+v", e)
		}
	})
}

// A queue that is out is waited for, with growing pauses, and said.
func TestTheQueueIsOut(t *testing.T) {
	bubble(t, func(w *world) {
		w.kept(guest, host, protocol.BookingClosed, archived())
		w.close(true)
		id := w.place(protocol.AskErasure{Party: guest}).ID
		time.Sleep(time.Hour)
		synctest.Wait()
		if e := w.receipt(id); !e.DoneAt.IsZero() || e.Trouble == "" {
			t.Errorf("receipt: %+v", e)
		}
		w.close(false)
		if e := w.done(id); e.Recordings != 1 || e.Trouble != "" {
			t.Errorf("receipt: %+v", e)
		}
	})
}

// What was promised is on disk, and what is not is refused.
func TestAnErasureIsPromisedWhenItIsOnDisk(t *testing.T) {
	bubble(t, func(w *world) {
		release := w.store.Hold()
		answers := 0
		w.system.Root.Send(w.desk, protocol.PlaceErasure{Asked: protocol.AskErasure{Party: guest}, Done: func(protocol.Erasure, error) { answers++ }})
		synctest.Wait()
		if answers != 0 {
			t.Error("promised before it was on disk")
		}
		release()
		synctest.Wait()
		if answers != 1 {
			t.Errorf("answered %d times", answers)
		}
		for _, asked := range []protocol.AskErasure{{}, {Party: guest, Booking: protocol.NewBookingID(time.Now())}} {
			var refused error
			w.system.Root.Send(w.desk, protocol.PlaceErasure{Asked: asked, Done: func(_ protocol.Erasure, err error) { refused = err }})
			synctest.Wait()
			if refused == nil {
				t.Errorf("%+v is promised", asked)
			}
		}
		w.store.Fail(errors.New("no disk"))
		var refused error
		w.system.Root.Send(w.desk, protocol.PlaceErasure{Asked: protocol.AskErasure{Party: host}, Done: func(_ protocol.Erasure, err error) { refused = err }})
		synctest.Wait()
		if refused == nil {
			t.Error("promised without a disk")
		}
	})
}

// Many refusals are counted, and the first thousand listed.
func TestManyRefusals(t *testing.T) {
	bubble(t, func(w *world) {
		for range refusedMost + 7 {
			w.kept(guest, host, protocol.BookingLive)
		}
		e := w.done(w.place(protocol.AskErasure{Party: guest}).ID)
		if len(e.Refused) != refusedMost || !strings.Contains(e.Trouble, "7 more") {
			t.Errorf("%d refusals, trouble %q", len(e.Refused), e.Trouble)
		}
	})
}

// Over random bookings, states, holds, and crashes at any time: in the end the
// party is nowhere but where the receipt refuses, nothing held is erased, nobody
// else is forgotten, and what is counted is what was done.
func TestRandomErasures(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		synctest.Test(t, func(*testing.T) {
			w := newWorld(rt)
			defer w.end()
			w.slow = time.Duration(rapid.IntRange(0, 90).Draw(rt, "slow")) * time.Second
			parties := []phone.Number{guest, host, other}
			var bookings []protocol.Booking
			held := make(map[protocol.BookingID]bool)
			for range rapid.IntRange(0, 6).Draw(rt, "bookings") {
				i := rapid.IntRange(0, 2).Draw(rt, "a")
				var recordings []protocol.Recording
				hold := false
				for range rapid.IntRange(0, 2).Draw(rt, "recordings") {
					r := protocol.Recording{Status: rapid.SampledFrom(protocol.RecordingStatuses()).Draw(rt, "status")}
					if r.Status == protocol.RecordingErasing {
						r.Status = protocol.RecordingPending // one that nobody erases
					}
					if r.Status == protocol.RecordingArchived && rapid.IntRange(0, 3).Draw(rt, "hold") == 0 {
						r.Hold, hold = "why", true
					}
					recordings = append(recordings, r)
				}
				state := rapid.SampledFrom([]protocol.BookingState{protocol.BookingLive, protocol.BookingQuarantined, protocol.BookingClosed}).Draw(rt, "state")
				b := w.kept(parties[i], parties[(i+1)%3], state, recordings...)
				b.State = state
				bookings, held[b.ID] = append(bookings, b), hold
			}
			id := w.place(protocol.AskErasure{Party: guest}).ID
			for range rapid.IntRange(0, 4).Draw(rt, "crashes") {
				time.Sleep(time.Duration(rapid.IntRange(0, 5000).Draw(rt, "ms")) * time.Millisecond)
				w.crash()
				w.boot()
			}
			e := w.done(id)
			forgotten, erased, refused := 0, 0, make(map[string]bool)
			for _, r := range e.Refused {
				refused[r.Booking] = true
			}
			for _, was := range bookings {
				b := w.booking(was.ID)
				ours := was.PartyA == guest || was.PartyB == guest
				stays := was.State == protocol.BookingLive || held[was.ID]
				if refused[b.PublicID()] != (ours && stays) {
					rt.Fatalf("booking %v, held %v: refused %v", was, held[was.ID], refused[b.PublicID()])
				}
				rows, err := w.store.BookingRecordings(w.ctx, b.ID)
				if err != nil {
					rt.Fatal(err)
				}
				if !ours || stays {
					if b.PartyA != was.PartyA || b.PartyB != was.PartyB {
						rt.Fatalf("forgotten, though it must not be: %+v", b)
					}
					for _, r := range rows {
						if w.erasures()[r.ID] > 0 {
							rt.Fatalf("erased, though it must not be: %+v", r)
						}
					}
					continue
				}
				forgotten++
				if b.PartyA == guest || b.PartyB == guest || b.PartyA.Known() != (was.PartyA != guest) || b.PartyB.Known() != (was.PartyB != guest) {
					rt.Fatalf("not forgotten, or too much of it: %+v", b)
				}
				for _, r := range rows {
					switch r.Status {
					case protocol.RecordingErased:
						erased++
					case protocol.RecordingReplaced:
					default:
						rt.Fatalf("left: %+v", r)
					}
				}
			}
			if e.Bookings != forgotten || e.Recordings != erased || e.Waiting != 0 {
				rt.Fatalf("counted %+v; %d bookings and %d recordings", e, forgotten, erased)
			}
		})
	})
}

// A row that makes no sense is told apart from one that does.
func TestRows(t *testing.T) {
	j := Job{ID: protocol.NewErasureID(time.Now()), Asked: protocol.AskErasure{Party: guest}, Subject: guest.String()}
	row := j.Row()
	for _, detail := range []string{"", "{}", `{"v":1}`, `{"v":2,"party":"+17735550122"}`, `{"v":1,"party":"sip:me"}`, `{"v":1,"booking":"x"}`, `{"v":1,"party":"+17735550122","booking":"019ca90e-1bfc-7090-b744-8dcd0f698a02"}`} {
		row.Detail = detail
		if _, err := Restore(row); err == nil || strings.Contains(err.Error(), "7735550122") {
			t.Errorf("%s: %v", detail, err)
		}
	}
}
