package journaltest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"maskswitch/actors/journal"
	"maskswitch/actors/protocol"
)

// odd is text that a careless engine would damage. A NUL is not in it: no
// PostgreSQL takes it, so the doors refuse it.
var odd = "'; DROP TABLE call; -- \"ö\" \U0001F4DE\t\n%s ?1 $1 \\ " + strings.Repeat("x", 5000)

func testRoundTrip(t *testing.T, open Open) {
	ctx, dir := t.Context(), t.TempDir()
	e := opened(t, open, dir)
	elsewhere := time.FixedZone("elsewhere", -7*3600)
	far := time.Date(9999, 12, 31, 23, 59, 59, 999999999, elsewhere)

	full := bookingAt(t, start, odd)
	full.State, full.Reason, full.FreeAt, full.Asked = protocol.BookingQuarantined, odd, far, 90*time.Minute+time.Microsecond
	bare := protocol.Booking{ID: protocol.NewBookingID(start.Add(time.Second)), Partition: 65535}
	epoch := protocol.Booking{
		ID: protocol.NewBookingID(start.Add(2 * time.Second)), CreatedAt: time.Unix(0, 0), CheckoutAt: time.Unix(-1, 999),
	}
	fullCall, bareCall := callAt(t, start, odd), protocol.Call{ID: protocol.CallID{15: 1}}
	fullCall.AnsweredAt, fullCall.ConsentAt = start.Add(999), start.Add(time.Second)
	fullCall.Stage, fullCall.Reason, fullCall.State, fullCall.EndAt = odd, odd, odd, far
	lines := []protocol.Line{{Call: fullCall.ID, N: 1, At: start, What: odd}, {Call: fullCall.ID, N: 1 << 40}}
	recordings := []protocol.Recording{recordingAt(start, odd, fullCall.ID), {ID: "x" + protocol.RecordingID(odd), Call: fullCall.ID}}
	stray := protocol.Recording{ID: "stray"}
	numbers := []protocol.Number{
		{Number: number(t, "+13125550100"), Partition: 7, State: protocol.NumberResting, ChangedAt: start, RestUntil: start.Add(time.Hour)},
		{Number: number(t, "+999999999999999"), Partition: 7},
	}
	commit(t, e, journal.Change{
		Open: []protocol.Booking{full, bare, epoch}, Calls: []protocol.Call{fullCall, bareCall},
		Story: lines, Recordings: append(recordings, stray), Numbers: numbers,
	})

	for _, b := range []*protocol.Booking{&full, &bare, &epoch} {
		b.CreatedAt, b.CheckoutAt, b.FreeAt = micro(b.CreatedAt), micro(b.CheckoutAt), micro(b.FreeAt)
	}
	fullCall.AnsweredAt, fullCall.EndAt = micro(fullCall.AnsweredAt), micro(fullCall.EndAt)
	check := func(e journal.Engine) {
		t.Helper()
		for _, want := range []protocol.Booking{full, bare, epoch} {
			got, err := e.Booking(ctx, want.ID)
			same(t, "booking", got, err, want)
		}
		b, err := e.BookingByRef(ctx, full.Ref)
		same(t, "booking by ref", b, err, full)
		for _, want := range []protocol.Call{fullCall, bareCall} {
			got, err := e.Call(ctx, want.ID)
			same(t, "call", got, err, want)
		}
		c, err := e.CallOfSession(ctx, fullCall.Session)
		same(t, "call of session", c, err, fullCall)
		s, err := e.Story(ctx, fullCall.ID)
		same(t, "story", s, err, lines)
		r, err := e.Recordings(ctx, fullCall.ID)
		same(t, "recordings", r, err, recordings)
		r, err = e.Recordings(ctx, protocol.CallID{})
		same(t, "recordings of no call", r, err, []protocol.Recording{stray})
		var got []protocol.Number
		for _, item := range live(t, e, 7, far) {
			if item.Number != nil {
				got = append(got, *item.Number)
			}
		}
		same(t, "numbers", got, nil, numbers)
		if e.Size() < 0 {
			t.Errorf("size %d", e.Size())
		}
	}
	check(e)
	closed(t, e)
	e = opened(t, open, dir)
	defer closed(t, e)
	check(e)

	// Every word that a row may hold.
	var words []protocol.Call
	for i, o := range append(protocol.Outcomes(), protocol.OutcomeNone) {
		causes, sources := append(protocol.HangupCauses(), protocol.CauseNone), protocol.HangupSources()
		words = append(words, protocol.Call{
			ID: protocol.CallID{0: 9, 15: byte(i)}, Outcome: o, Caller: protocol.Party(i % 3),
			HangupCause: causes[i%len(causes)], HangupSource: sources[i%len(sources)],
		})
	}
	commit(t, e, journal.Change{Calls: words})
	for _, want := range words {
		got, err := e.Call(ctx, want.ID)
		same(t, "call", got, err, want)
	}
	for _, s := range protocol.NumberStates() {
		numbers[0].State = s
		commit(t, e, journal.Change{Numbers: numbers[:1]})
		same(t, "number", *live(t, e, 7, far)[0].Number, nil, numbers[0])
	}
}

func testClosings(t *testing.T, open Open) {
	ctx := t.Context()
	e := opened(t, open, t.TempDir())
	defer closed(t, e)
	want := bookingAt(t, start, "")
	check := func(what string) {
		t.Helper()
		got, err := e.Booking(ctx, want.ID)
		same(t, what, got, err, want)
	}
	closing := journal.Closing{ID: want.ID, State: protocol.BookingQuarantined, Reason: "deleted",
		CheckoutAt: start.Add(time.Hour), FreeAt: start.Add(25 * time.Hour)}

	commit(t, e, journal.Change{Close: []journal.Closing{closing}})
	if _, err := e.Booking(ctx, want.ID); !errors.Is(err, journal.ErrNone) {
		t.Errorf("a closing of nothing: %v", err)
	}
	commit(t, e, journal.Change{Open: []protocol.Booking{want}})
	commit(t, e, journal.Change{Close: []journal.Closing{closing}})
	want.State, want.Reason, want.CheckoutAt, want.FreeAt = closing.State, closing.Reason, closing.CheckoutAt, closing.FreeAt
	check("quarantine")
	commit(t, e, journal.Change{Close: []journal.Closing{{ID: want.ID, State: protocol.BookingClosed}}})
	want.State = protocol.BookingClosed
	check("closed: everything else is kept")
	commit(t, e, journal.Change{Close: []journal.Closing{closing}})
	check("a closing of what is closed")

	// In one change, and one batch, in order.
	a, b := bookingAt(t, start, ""), bookingAt(t, start, "")
	end := func(b protocol.Booking) []journal.Closing {
		return []journal.Closing{{ID: b.ID, State: protocol.BookingClosed}}
	}
	commit(t, e, journal.Change{Open: []protocol.Booking{a}, Close: end(a)},
		journal.Change{Close: end(b)}, journal.Change{Open: []protocol.Booking{b}})
	a.State = protocol.BookingClosed
	got, err := e.Booking(ctx, a.ID)
	same(t, "opened and closed", got, err, a)
	got, err = e.Booking(ctx, b.ID)
	same(t, "closed, then opened", got, err, b)
}

func testMovings(t *testing.T, open Open) {
	ctx := t.Context()
	e := opened(t, open, t.TempDir())
	defer closed(t, e)
	want := bookingAt(t, start, "")
	moving := journal.Moving{ID: want.ID, LimitAt: start.Add(72 * time.Hour), IdleAt: start.Add(60 * time.Hour), CheckoutAt: start.Add(60 * time.Hour)}
	check := func(what string) {
		t.Helper()
		got, err := e.Booking(ctx, want.ID)
		same(t, what, got, err, want)
	}
	commit(t, e, journal.Change{Move: []journal.Moving{moving}}) // of nothing
	commit(t, e, journal.Change{Open: []protocol.Booking{want}})
	commit(t, e, journal.Change{Move: []journal.Moving{moving}})
	want.LimitAt, want.IdleAt, want.CheckoutAt, want.FreeAt = moving.LimitAt, moving.IdleAt, moving.CheckoutAt, moving.CheckoutAt
	check("moved")
	moving.LimitAt, moving.IdleAt, moving.CheckoutAt = time.Time{}, time.Time{}, start.Add(time.Hour)
	commit(t, e, journal.Change{Move: []journal.Moving{moving}})
	want.LimitAt, want.IdleAt, want.CheckoutAt, want.FreeAt = time.Time{}, time.Time{}, moving.CheckoutAt, moving.CheckoutAt
	check("moved back")
	commit(t, e, journal.Change{Close: []journal.Closing{{ID: want.ID, State: protocol.BookingQuarantined}}})
	want.State = protocol.BookingQuarantined
	moving.CheckoutAt = start.Add(90 * time.Hour)
	commit(t, e, journal.Change{Move: []journal.Moving{moving}})
	check("a booking that has ended stays ended")
}

func testOrders(t *testing.T, open Open) {
	ctx := t.Context()
	e := opened(t, open, t.TempDir())
	defer closed(t, e)
	first, second := orderAt(start, odd), orderAt(start.Add(time.Hour), "")
	commit(t, e, journal.Change{Orders: []protocol.OrderRow{first, second}})
	list, err := e.Orders(ctx, 5)
	same(t, "newest first", list, err, []protocol.OrderRow{second, first})
	list, err = e.Orders(ctx, 1)
	same(t, "the newest", list, err, []protocol.OrderRow{second})

	refused, err := e.Commit([]journal.Change{
		{Orders: []protocol.OrderRow{orderAt(start, odd)}},
		{Orders: []protocol.OrderRow{orderAt(start, ""), orderAt(start, "new"), orderAt(start, "new")}},
	})
	if err != nil || len(refused) != 2 || !errors.Is(refused[0], journal.ErrTaken) || !errors.Is(refused[1], journal.ErrTaken) {
		t.Errorf("a ref twice: %v, %v", refused, err)
	}
	// An order again is the order as it now is; who placed it stays.
	again := first
	again.Ref, again.Partition, again.CreatedAt = "other", 8, start.Add(time.Minute)
	again.Stage, again.ChangedAt, again.Detail = protocol.OrderFailed, start.Add(time.Minute), odd
	commit(t, e, journal.Change{Orders: []protocol.OrderRow{again}})
	first.Stage, first.ChangedAt, first.Detail = again.Stage, again.ChangedAt, again.Detail
	got, err := e.Order(ctx, first.ID)
	same(t, "order", got, err, first)
	got, err = e.OrderByRef(ctx, first.Ref)
	same(t, "order by ref", got, err, first)
	same(t, "live", live(t, e, 7, start), nil, []journal.Item{{Order: &second}})
}

func testRefusals(t *testing.T, open Open) {
	ctx := t.Context()
	e := opened(t, open, t.TempDir())
	defer closed(t, e)
	first := bookingAt(t, start, "taken")
	commit(t, e, journal.Change{Open: []protocol.Booking{first}})

	sameID, sameRef := bookingAt(t, start, "other"), bookingAt(t, start, "taken")
	sameID.ID = first.ID
	good := []protocol.Booking{bookingAt(t, start, "a"), bookingAt(t, start, ""), bookingAt(t, start, ""), bookingAt(t, start, "b")}
	again := bookingAt(t, start, "a") // taken in the same batch
	twins := []protocol.Booking{bookingAt(t, start, "twin"), bookingAt(t, start, "twin")}
	innocent := bookingAt(t, start, "innocent") // in one change with a guilty one
	call := callAt(t, start, "s")
	line := protocol.Line{Call: call.ID, N: 1, What: "{}"}

	refused, err := e.Commit([]journal.Change{
		{Open: good[:1], Calls: []protocol.Call{call}},
		{Open: []protocol.Booking{innocent, sameID}, Story: []protocol.Line{line}},
		{Open: good[1:3]},
		{Open: []protocol.Booking{sameRef}},
		{},
		{Open: []protocol.Booking{again}},
		{Open: twins},
		{Open: good[3:]},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{false, true, false, true, false, true, true, false} {
		if got := refused[i]; (got != nil) != want || want && !errors.Is(got, journal.ErrTaken) {
			t.Errorf("change %d: %v", i, got)
		}
	}
	for _, b := range append(good, first) {
		got, err := e.Booking(ctx, b.ID)
		same(t, "booking", got, err, b)
	}
	for _, b := range []protocol.Booking{innocent, sameRef, again, twins[0], twins[1]} {
		if _, err := e.Booking(ctx, b.ID); !errors.Is(err, journal.ErrNone) {
			t.Errorf("of a refused change: %v", err)
		}
	}
	if lines, err := e.Story(ctx, call.ID); len(lines) != 0 || err != nil {
		t.Errorf("of a refused change: %v, %v", lines, err)
	}
	got, err := e.Call(ctx, call.ID)
	same(t, "neighbour's call", got, err, call)
	commit(t, e, journal.Change{Open: []protocol.Booking{innocent}})
}
