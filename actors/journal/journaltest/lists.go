package journaltest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"maskswitch/actors/journal"
	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

func testNothing(t *testing.T, open Open) {
	ctx := t.Context()
	e := opened(t, open, t.TempDir())
	defer closed(t, e)
	commit(t, e, journal.Change{})
	if err := e.Probe(); err != nil {
		t.Errorf("probe: %v", err)
	}
	var errs [9]error
	_, errs[0] = e.Booking(ctx, protocol.NewBookingID(start))
	_, errs[1] = e.BookingByRef(ctx, "no such")
	_, errs[2] = e.Call(ctx, protocol.NewCallID("no such", start))
	_, errs[3] = e.CallOfSession(ctx, "no such")
	_, errs[4] = e.Order(ctx, protocol.NewOrderID(start))
	_, errs[5] = e.OrderByRef(ctx, "no such")
	_, errs[6] = e.Recording(ctx, "no such")
	_, errs[7] = e.Text(ctx, "no such", "no such", protocol.TextSummary)
	_, errs[8] = e.Erasure(ctx, protocol.NewErasureID(start))
	for i, err := range errs {
		if !errors.Is(err, journal.ErrNone) {
			t.Errorf("question %d: %v", i, err)
		}
	}
	if list, err := e.Bookings(ctx, protocol.BookingQuery{}); len(list) != 0 || err != nil {
		t.Errorf("bookings: %v, %v", list, err)
	}
	if list, err := e.Story(ctx, protocol.CallID{}); len(list) != 0 || err != nil {
		t.Errorf("story: %v, %v", list, err)
	}
	if list, err := e.Recordings(ctx, protocol.CallID{}); len(list) != 0 || err != nil {
		t.Errorf("recordings: %v, %v", list, err)
	}
	if list, err := e.Orders(ctx, 5); len(list) != 0 || err != nil {
		t.Errorf("orders: %v, %v", list, err)
	}
	if items := live(t, e, 0, time.Time{}); len(items) != 0 {
		t.Errorf("live: %v", items)
	}
}

func testLists(t *testing.T, open Open) {
	ctx := t.Context()
	e := opened(t, open, t.TempDir())
	defer closed(t, e)
	host, other := number(t, "+13125550111"), number(t, "+13125550112")
	var all []protocol.Booking
	for i := range 60 {
		b := bookingAt(t, start.Add(time.Duration(i/3)*time.Millisecond), "")
		b.Partition, b.State = protocol.Partition(i%2), protocol.BookingState(i%3)
		switch i % 5 {
		case 0:
			b.PartyA, b.PartyB = b.PartyB, b.PartyA // the host is B
		case 1:
			b.PartyA = other
		}
		all = append(all, b)
	}
	commit(t, e, journal.Change{Open: all})
	slices.SortFunc(all, byID)

	pages := func(q protocol.BookingQuery, between func()) (list []protocol.Booking) {
		for q.Limit = 4; ; q.After = list[len(list)-1].ID {
			page, err := e.Bookings(ctx, q)
			if err != nil || len(page) > 4 {
				t.Fatalf("page of %d: %v", len(page), err)
			}
			if list = append(list, page...); len(page) < 4 {
				return list
			}
			between()
		}
	}
	for _, state := range []protocol.BookingState{protocol.BookingLive, protocol.BookingQuarantined, protocol.BookingClosed} {
		for _, party := range []phone.Number{{}, host, other, number(t, "+19995550000")} {
			want := slices.DeleteFunc(slices.Clone(all), func(b protocol.Booking) bool {
				return b.State != state || party.Known() && b.PartyA != party && b.PartyB != party
			})
			q := protocol.BookingQuery{State: state, Party: party}
			got, err := e.Bookings(ctx, q)
			same(t, "bookings", slices.Clip(got), err, slices.Clip(append([]protocol.Booking(nil), want...)))
			same(t, "pages", pages(q, func() {}), nil, append([]protocol.Booking(nil), want...))
		}
	}
	// A list stays as it was behind the cursor, whatever is booked meanwhile.
	want, _ := e.Bookings(ctx, protocol.BookingQuery{})
	same(t, "pages while others book", pages(protocol.BookingQuery{}, func() {
		commit(t, e, journal.Change{Open: []protocol.Booking{bookingAt(t, start.Add(-time.Hour), "")}})
	}), nil, want)
}

// testLive checks what a partition is given to begin with: all of its own, in
// order, and nothing else.
func testLive(t *testing.T, open Open) {
	dir := t.TempDir()
	e := opened(t, open, dir)
	live1 := bookingAt(t, start.Add(time.Hour), "")
	live2 := bookingAt(t, start, "")
	live2.State = protocol.BookingQuarantined
	over := bookingAt(t, start, "")
	over.State = protocol.BookingClosed

	talking, ended := callAt(t, start.Add(time.Second), "talking"), callAt(t, start, "ended")
	young, old, fresh := callAt(t, start, "young"), callAt(t, start, "old"), callAt(t, start, "fresh")
	for _, c := range []*protocol.Call{&young, &old, &fresh} {
		c.State = ""
	}
	talking.EndAt = time.Time{}
	since := start.Add(time.Hour)
	young.EndAt, old.EndAt, fresh.EndAt = since.Add(time.Microsecond), since.Add(-time.Microsecond), since
	never := callAt(t, start, "never")
	never.State, never.EndAt = "", time.Time{}

	late, soon := recordingAt(start.Add(time.Hour), "a", talking.ID), recordingAt(start, "b", ended.ID)
	buying, bought := orderAt(start, ""), orderAt(start.Add(time.Hour), "")
	bought.Stage = protocol.OrderDone
	erasing, erased := erasureAt(start), erasureAt(start.Add(time.Hour))
	erased.DoneAt = start.Add(2 * time.Hour)
	numbers := []protocol.Number{
		{Number: number(t, "+4930123456"), Partition: 7, State: protocol.NumberRetired, ChangedAt: start},
		{Number: number(t, "+13125550100"), Partition: 7, ChangedAt: start},
	}
	mine := journal.Change{
		Open: []protocol.Booking{live1, live2, over}, Calls: []protocol.Call{talking, ended, young, old, fresh, never},
		Recordings: []protocol.Recording{late, soon}, Numbers: numbers, Orders: []protocol.OrderRow{bought, buying},
		Erasures: []protocol.ErasureRow{erased, erasing},
	}
	theirs := journal.Change{
		Open: []protocol.Booking{bookingAt(t, start, "")}, Calls: []protocol.Call{callAt(t, start, "theirs")},
		Recordings: []protocol.Recording{recordingAt(start, "c", ended.ID)},
		Numbers:    []protocol.Number{{Number: number(t, "+13125550199"), Partition: 8}},
	}
	theirs.Open[0].Partition, theirs.Calls[0].Partition, theirs.Recordings[0].Partition = 8, 8, 8
	commit(t, e, mine, theirs)
	want := []journal.Item{
		{Number: &numbers[1]}, {Number: &numbers[0]}, {Booking: &live2}, {Booking: &live1},
		{Call: &ended}, {Call: &talking}, {Ended: &fresh.Session}, {Ended: &young.Session},
		{Order: &buying}, {Erasure: &erasing},
	}
	same(t, "live", live(t, e, 7, since), nil, want)
	closed(t, e)
	e = opened(t, open, dir)
	defer closed(t, e)
	same(t, "live, reopened", live(t, e, 7, since), nil, want)

	// What is over leaves; an update while it is due changes the row alone.
	talking.Stage, talking.Booking, talking.TalkAt = "closing", protocol.BookingID{}, time.Time{}
	ended.State, ended.EndAt = "", since.Add(time.Second)
	commit(t, e, journal.Change{
		Close: []journal.Closing{{ID: live2.ID, State: protocol.BookingClosed}},
		Calls: []protocol.Call{talking, ended, old},
	})
	want = []journal.Item{
		{Number: &numbers[1]}, {Number: &numbers[0]}, {Booking: &live1}, {Call: &talking},
		{Ended: &fresh.Session}, {Ended: &young.Session}, {Ended: &ended.Session},
		{Order: &buying}, {Erasure: &erasing},
	}
	same(t, "live, later", live(t, e, 7, since), nil, want)
	// And it may come back, and change hands.
	old.State, talking.Partition = "{}", 8
	commit(t, e, journal.Change{Calls: []protocol.Call{old, talking}})
	for _, item := range live(t, e, 7, since) {
		if item.Call != nil && item.Call.ID != old.ID {
			t.Errorf("live call %+v", item.Call)
		}
	}
	if n := len(live(t, e, 8, since)); n != 4 {
		t.Errorf("the other partition has %d items", n)
	}
	// A reader who has seen enough stops.
	for range e.Live(t.Context(), 7, 0) {
		break
	}
}

// testClockBack goes on after the clock was set back by an hour: ids are older
// than those on disk, ends lie before beginnings, and nothing minds.
func testClockBack(t *testing.T, open Open) {
	e := opened(t, open, t.TempDir())
	defer closed(t, e)
	back := start.Add(-time.Hour)
	before, after := bookingAt(t, start, "before"), bookingAt(t, back, "after")
	call, later := callAt(t, start, "one"), callAt(t, back, "two")
	commit(t, e, journal.Change{Open: []protocol.Booking{before}, Calls: []protocol.Call{call}})
	commit(t, e, journal.Change{Open: []protocol.Booking{after}, Calls: []protocol.Call{later}})

	before.State, before.CheckoutAt, before.FreeAt = protocol.BookingQuarantined, back, back.Add(time.Hour)
	call.State, call.EndAt = "", back // ended before it rang
	commit(t, e, journal.Change{Calls: []protocol.Call{call}, Close: []journal.Closing{
		{ID: before.ID, State: before.State, CheckoutAt: before.CheckoutAt, FreeAt: before.FreeAt},
	}})
	same(t, "live", live(t, e, 7, back), nil, []journal.Item{
		{Booking: &after}, {Booking: &before}, {Call: &later}, {Ended: &call.Session},
	})
	refused, err := e.Commit([]journal.Change{{Open: []protocol.Booking{bookingAt(t, back, "before")}}})
	if err != nil || !errors.Is(errors.Join(refused...), journal.ErrTaken) {
		t.Errorf("a ref from before: %v, %v", refused, err)
	}
}
