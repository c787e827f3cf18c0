package journaltest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"maskswitch/actors/journal"
	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

func testRecordings(t *testing.T, open Open) {
	ctx := t.Context()
	e := opened(t, open, t.TempDir())
	defer closed(t, e)
	call, booking := protocol.NewCallID("s", start), protocol.NewBookingID(start)
	waits := func(id string, noticed, next time.Duration) protocol.Recording {
		return protocol.Recording{
			ID: protocol.RecordingID(id), Call: call, Booking: booking, Partition: 7,
			NoticedAt: start.Add(noticed), NextTryAt: start.Add(next),
		}
	}
	// Three are due at one instant; a page may end between any two.
	all := []protocol.Recording{
		waits("b", 0, time.Hour), waits("a", time.Second, time.Hour), waits("c", 2*time.Second, time.Hour),
		waits("d", 3*time.Second, 0), waits("e", 4*time.Second, 2*time.Hour),
	}
	theirs := waits("theirs", -time.Hour, 0)
	theirs.Partition, theirs.Call, theirs.Booking = 8, protocol.CallID{}, protocol.BookingID{}
	idle := waits("idle", 5*time.Second, 0)
	idle.NextTryAt, idle.Status = time.Time{}, protocol.RecordingLost
	commit(t, e, journal.Change{Recordings: append(all, theirs, idle)})
	for limit := 1; limit <= 6; limit++ {
		var ids string
		for after := (protocol.RecordingDue{}); ; {
			page, err := e.DueRecordings(ctx, 7, after, limit)
			if err != nil || len(page) > limit {
				t.Fatalf("page of %d: %v", len(page), err)
			}
			for _, r := range page {
				ids += string(r.ID)
				after = protocol.RecordingDue{At: r.NextTryAt, ID: r.ID}
			}
			if len(page) < limit {
				break
			}
		}
		if ids != "dabce" {
			t.Errorf("in pages of %d they are due as %s", limit, ids)
		}
	}
	n, oldest, err := e.OldestPending(ctx, 7)
	same(t, "pending", []any{n, oldest}, err, []any{5, start})
	// What a call must have left behind, and nobody has told of, is no old one.
	sought := waits("call:0190a1b2-0000-7000-8000-000000000001", -time.Hour, time.Hour)
	sought.Partition, sought.Call, sought.Booking = 6, protocol.CallID{}, protocol.BookingID{}
	commit(t, e, journal.Change{Recordings: []protocol.Recording{sought}})
	n, oldest, err = e.OldestPending(ctx, 6)
	same(t, "sought", []any{n, oldest}, err, []any{1, time.Time{}})

	// Who is known stays whose he was; all else is as it is now.
	b := all[0]
	b.Status, b.NextTryAt, b.Bytes, b.Object, b.ArchivedAt = protocol.RecordingArchived, time.Time{}, 9, "x", start
	moved := b
	moved.Call, moved.Booking, moved.Partition = protocol.CallID{1}, protocol.BookingID{1}, 9
	never := waits("never", 0, 0)
	commit(t, e, journal.Change{Recordings: []protocol.Recording{all[0]}, Recorded: []protocol.Recording{moved, never}})
	got, err := e.Recording(ctx, "b")
	same(t, "archived", got, err, b)
	if _, err := e.Recording(ctx, "never"); !errors.Is(err, journal.ErrNone) {
		t.Errorf("an update of nothing: %v", err)
	}
	n, oldest, err = e.OldestPending(ctx, 7)
	same(t, "pending", []any{n, oldest}, err, []any{4, start.Add(time.Second)})
	n, oldest, err = e.OldestPending(ctx, 9)
	same(t, "none is pending", []any{n, oldest}, err, []any{0, time.Time{}})
	list, err := e.BookingRecordings(ctx, booking)
	same(t, "of a booking", list, err, []protocol.Recording{all[1], b, all[2], all[3], all[4], idle})
	list, err = e.Recordings(ctx, call)
	same(t, "of a call", list, err, []protocol.Recording{all[1], b, all[2], all[3], all[4], idle})

	// What is held stays.
	held := all[1]
	held.Status, held.NextTryAt, held.Hold = protocol.RecordingArchived, time.Time{}, "a dispute"
	commit(t, e, journal.Change{Recorded: []protocol.Recording{held}})
	for _, want := range []struct {
		before time.Duration
		limit  int
		ids    []protocol.Recording
	}{{0, 9, nil}, {time.Second, 9, []protocol.Recording{b}}, {time.Hour, 9, []protocol.Recording{b}}, {time.Hour, 0, nil}} {
		list, err := e.ArchivedBefore(ctx, 7, start.Add(want.before), want.limit)
		same(t, "old", append([]protocol.Recording(nil), list...), err, want.ids)
	}
}

func testTexts(t *testing.T, open Open) {
	ctx, dir := t.Context(), t.TempDir()
	e := opened(t, open, dir)
	mine := protocol.RecordingText{Recording: "r1", Kind: protocol.TextTranscript, Text: odd, MadeBy: "t1", At: start}
	loose := protocol.RecordingText{Session: "s2", Kind: protocol.TextTranscript, Text: "of a session", MadeBy: "t2", At: start}
	second := mine
	second.Text = "comes later"
	summary := protocol.RecordingText{Recording: "r1", Session: "s1", Kind: protocol.TextSummary, Text: "short", MadeBy: "model", At: start}
	commit(t, e, journal.Change{Texts: []protocol.RecordingText{mine, loose}}, journal.Change{Texts: []protocol.RecordingText{second, summary}})
	summary.Session = ""
	closed(t, e)
	e = opened(t, open, dir)
	defer closed(t, e)
	for _, ask := range []struct {
		id   protocol.RecordingID
		s    protocol.SessionID
		kind protocol.TextKind
		want protocol.RecordingText
	}{
		{"r1", "s1", protocol.TextTranscript, mine},
		{"r1", "s2", protocol.TextTranscript, mine},
		{"r2", "s2", protocol.TextTranscript, loose},
		{"r1", "", protocol.TextSummary, summary},
	} {
		got, err := e.Text(ctx, ask.id, ask.s, ask.kind)
		same(t, "text", got, err, ask.want)
	}
	for _, none := range []protocol.RecordingText{
		{Recording: "r2", Session: "s1"}, {Recording: "", Session: ""}, {Recording: "r2", Session: "s2", Kind: protocol.TextSummary},
	} {
		if _, err := e.Text(ctx, none.Recording, none.Session, none.Kind); !errors.Is(err, journal.ErrNone) {
			t.Errorf("%+v: %v", none, err)
		}
	}
	// An empty text takes away what there is, of the recording and of its session.
	gone := func(id protocol.RecordingID, s protocol.SessionID) protocol.RecordingText {
		return protocol.RecordingText{Recording: id, Session: s, Kind: protocol.TextTranscript}
	}
	commit(t, e, journal.Change{Texts: []protocol.RecordingText{gone("r1", "s1"), gone("r2", "s2")}})
	for _, id := range []protocol.RecordingID{"r1", "r2"} {
		if _, err := e.Text(ctx, id, "s2", protocol.TextTranscript); !errors.Is(err, journal.ErrNone) {
			t.Errorf("the transcript of %s is still there: %v", id, err)
		}
	}
	got, err := e.Text(ctx, "r1", "", protocol.TextSummary)
	same(t, "the summary stays", got, err, summary)
	commit(t, e, journal.Change{Texts: []protocol.RecordingText{second}})
	got, err = e.Text(ctx, "r1", "", protocol.TextTranscript)
	same(t, "a text after one that was taken away", got, err, second)
}

func testErasures(t *testing.T, open Open) {
	ctx := t.Context()
	e := opened(t, open, t.TempDir())
	defer closed(t, e)
	x := erasureAt(start)
	commit(t, e, journal.Change{Erasures: []protocol.ErasureRow{x}})
	again := x
	again.Partition, again.CreatedAt, again.DoneAt, again.Detail = 8, start.Add(time.Hour), start.Add(time.Minute), odd
	commit(t, e, journal.Change{Erasures: []protocol.ErasureRow{again}})
	x.DoneAt, x.Detail = again.DoneAt, again.Detail
	got, err := e.Erasure(ctx, x.ID)
	same(t, "erasure", got, err, x)

	// Only what is closed is forgotten, and only who is named.
	ended, alive := bookingAt(t, start, "ended"), bookingAt(t, start, "alive")
	ended.State = protocol.BookingClosed
	commit(t, e, journal.Change{Open: []protocol.Booking{ended, alive}})
	commit(t, e, journal.Change{Forget: []journal.Forgetting{{ID: ended.ID, B: true}, {ID: alive.ID, A: true, B: true}}})
	ended.PartyB = phone.Number{}
	b, err := e.Booking(ctx, ended.ID)
	same(t, "one party forgotten", b, err, ended)
	b, err = e.Booking(ctx, alive.ID)
	same(t, "a live booking", b, err, alive)
	commit(t, e, journal.Change{Forget: []journal.Forgetting{{ID: ended.ID, A: true}}})
	ended.PartyA = phone.Number{}
	b, err = e.Booking(ctx, ended.ID)
	same(t, "both forgotten", b, err, ended)
}

func testCalls(t *testing.T, open Open) {
	ctx := t.Context()
	e := opened(t, open, t.TempDir())
	defer closed(t, e)
	var mine []protocol.Call
	other := callAt(t, start.Add(90*time.Millisecond), "other")
	booking := protocol.NewBookingID(start)
	for i := range 5 {
		c := callAt(t, start.Add(time.Duration(i)*time.Second), string(rune('a'+i)))
		c.Booking, c.State = booking, ""
		mine = append(mine, c)
	}
	commit(t, e, journal.Change{Calls: append([]protocol.Call{mine[3], mine[1], other}, mine...)})
	list, err := e.Calls(ctx, protocol.CallQuery{Booking: booking})
	same(t, "calls of a booking", list, err, mine)
	list, err = e.Calls(ctx, protocol.CallQuery{Booking: booking, After: mine[1].ID, Limit: 2})
	same(t, "a page of them", list, err, mine[2:4])
	list, err = e.Calls(ctx, protocol.CallQuery{Limit: 2})
	same(t, "all calls", list, err, []protocol.Call{mine[0], other})
	findCalls(t, e, append([]protocol.Call{mine[0], other}, mine[1:]...))
	// A call that learns its booking late is found by it.
	late := callAt(t, start.Add(time.Hour), "late")
	late.Booking = protocol.BookingID{}
	commit(t, e, journal.Change{Calls: []protocol.Call{late}})
	late.Booking = booking
	commit(t, e, journal.Change{Calls: []protocol.Call{late}})
	list, err = e.Calls(ctx, protocol.CallQuery{Booking: booking, After: mine[4].ID})
	same(t, "one that came late", list, err, []protocol.Call{late})
}

// findCalls looks for calls by each of their facts; all are in the order of time.
func findCalls(t *testing.T, e journal.Engine, all []protocol.Call) {
	t.Helper()
	ctx := context.Background()
	newest := slices.Clone(all)
	slices.Reverse(newest)
	busy, live := all[2], all[4]
	busy.Outcome, live.EndAt = protocol.OutcomeBusy, time.Time{}
	commit(t, e, journal.Change{Calls: []protocol.Call{busy, live}})
	all[2], newest[len(all)-3], all[4], newest[len(all)-5] = busy, busy, live, live
	elsewhere, err := phone.Parse("+13125559999")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what string
		q    protocol.CallSearch
		want []protocol.Call
		next protocol.CallID
	}{
		{"all", protocol.CallSearch{Limit: 10}, all, protocol.CallID{}},
		{"the newest first", protocol.CallSearch{Newest: true, Limit: 10}, newest, protocol.CallID{}},
		{"a page", protocol.CallSearch{Limit: 2}, all[:2], all[1].ID},
		{"the next page", protocol.CallSearch{Limit: 2, After: all[1].ID}, all[2:4], all[3].ID},
		{"a page of the newest", protocol.CallSearch{Newest: true, Limit: 2, After: newest[1].ID}, newest[2:4], newest[3].ID},
		{"from an instant to another", protocol.CallSearch{Limit: 10, From: all[1].RangAt, To: all[3].RangAt}, all[1:3], protocol.CallID{}},
		{"how it ended", protocol.CallSearch{Limit: 10, Outcome: protocol.OutcomeBusy}, []protocol.Call{busy}, protocol.CallID{}},
		{"what is not over", protocol.CallSearch{Limit: 10, Live: true}, []protocol.Call{live}, protocol.CallID{}},
		{"the number", protocol.CallSearch{Limit: 10, Number: all[0].Number}, all, protocol.CallID{}},
		{"another number", protocol.CallSearch{Limit: 10, Number: elsewhere}, nil, protocol.CallID{}},
		{"nothing among the first two", protocol.CallSearch{Limit: 10, Scan: 2, Outcome: protocol.OutcomeBusy}, nil, all[1].ID},
		{"one among the next two", protocol.CallSearch{Limit: 10, Scan: 2, Outcome: protocol.OutcomeBusy, After: all[1].ID}, []protocol.Call{busy}, all[3].ID},
	} {
		page, err := e.FindCalls(ctx, c.q)
		same(t, c.what, append([]protocol.Call(nil), page.Calls...), err, append([]protocol.Call(nil), c.want...))
		same(t, c.what+": where it goes on", page.Next, err, c.next)
	}
}
