package journaltest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"maskswitch/actors/journal"
	"maskswitch/actors/journal/memory"
	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// testHistories compares an engine with the one in memory over random
// histories, in which everything happens to a handful of rows, and the store is
// reopened at any time.
func testHistories(t *testing.T, open Open) {
	if testing.Short() {
		t.Skip("short")
	}
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			t.Fatal(err)
		}
		h := history{real: opened(t, open, dir), model: memory.New()}
		defer func() { closed(t, h.real) }()
		for range rapid.IntRange(1, 8).Draw(rt, "steps") {
			if rapid.IntRange(0, 5).Draw(rt, "reopen") == 0 {
				closed(t, h.real)
				h.real = opened(t, open, dir)
			}
			h.commit(rt, rapid.SliceOfN(rapid.Custom(anyChange), 1, 5).Draw(rt, "batch"))
			if rapid.IntRange(0, 5).Draw(rt, "look") == 0 {
				h.compare(t, rt)
			}
		}
		h.compare(t, rt)
	})
}

type history struct {
	real  journal.Engine
	model *memory.Engine
}

func (h *history) commit(rt *rapid.T, batch []journal.Change) {
	got, err := h.real.Commit(batch)
	if err != nil {
		rt.Fatalf("commit: %v", err)
	}
	want, _ := h.model.Commit(batch)
	for i := range batch {
		if errors.Is(at(got, i), journal.ErrTaken) != errors.Is(at(want, i), journal.ErrTaken) {
			rt.Fatalf("change %d: %v, should be %v", i, at(got, i), at(want, i))
		}
	}
}

func at(errs []error, i int) error {
	if errs == nil {
		return nil
	}
	return errs[i]
}

// compare asks both every question there is.
func (h *history) compare(t *testing.T, rt *rapid.T) {
	ctx := t.Context()
	agree := func(what string, got any, gotErr error, want any, wantErr error) {
		if errors.Is(gotErr, journal.ErrNone) != errors.Is(wantErr, journal.ErrNone) || (gotErr == nil) != (wantErr == nil) {
			rt.Fatalf("%s: error %v, should be %v", what, gotErr, wantErr)
		}
		if !reflect.DeepEqual(got, want) {
			rt.Fatalf("%s:\n got %+v\nwant %+v", what, got, want)
		}
	}
	for p := range protocol.Partition(partitions) {
		got, want := live(t, h.real, p, instants[2]), live(t, h.model, p, instants[2])
		if !reflect.DeepEqual(got, want) {
			rt.Fatalf("live of %d:\n got %s\nwant %s", p, show(got), show(want))
		}
	}
	for _, id := range bookingIDs {
		got, err := h.real.Booking(ctx, id)
		want, wantErr := h.model.Booking(ctx, id)
		agree("booking", got, err, want, wantErr)
	}
	for _, ref := range refs[1:] {
		got, err := h.real.BookingByRef(ctx, ref)
		want, wantErr := h.model.BookingByRef(ctx, ref)
		agree("booking by ref", got, err, want, wantErr)
		order, err := h.real.OrderByRef(ctx, ref)
		wantOrder, wantErr := h.model.OrderByRef(ctx, ref)
		agree("order by ref", order, err, wantOrder, wantErr)
	}
	for _, state := range []protocol.BookingState{protocol.BookingLive, protocol.BookingQuarantined, protocol.BookingClosed} {
		q := protocol.BookingQuery{State: state, Party: phones[1], After: bookingIDs[1], Limit: 3}
		got, err := h.real.Bookings(ctx, q)
		want, wantErr := h.model.Bookings(ctx, q)
		agree("bookings", got, err, want, wantErr)
	}
	for _, id := range orderIDs {
		got, err := h.real.Order(ctx, id)
		want, wantErr := h.model.Order(ctx, id)
		agree("order", got, err, want, wantErr)
	}
	orders, err := h.real.Orders(ctx, 2)
	wantOrders, wantErr := h.model.Orders(ctx, 2)
	agree("orders", slices.Clip(orders), err, append([]protocol.OrderRow(nil), wantOrders...), wantErr)
	for i, id := range callIDs {
		got, err := h.real.Call(ctx, id)
		want, wantErr := h.model.Call(ctx, id)
		agree("call", got, err, want, wantErr)
		got, err = h.real.CallOfSession(ctx, sessions[i])
		want, wantErr = h.model.CallOfSession(ctx, sessions[i])
		agree("call of session", got, err, want, wantErr)
		lines, err := h.real.Story(ctx, id)
		wantLines, wantErr := h.model.Story(ctx, id)
		agree("story", lines, err, wantLines, wantErr)
		recordings, err := h.real.Recordings(ctx, id)
		wantRecordings, wantErr := h.model.Recordings(ctx, id)
		agree("recordings", recordings, err, wantRecordings, wantErr)
	}
	h.compareRecordings(ctx, agree)
	for _, id := range bookingsOrNone {
		q := protocol.CallQuery{Booking: id, After: callIDs[0], Limit: 2}
		calls, err := h.real.Calls(ctx, q)
		wantCalls, wantErr := h.model.Calls(ctx, q)
		agree("calls", calls, err, wantCalls, wantErr)
		recordings, err := h.real.BookingRecordings(ctx, id)
		wantRecordings, wantErr := h.model.BookingRecordings(ctx, id)
		agree("recordings of a booking", recordings, err, wantRecordings, wantErr)
	}
	for _, q := range searches() {
		page, err := h.real.FindCalls(ctx, q)
		want, wantErr := h.model.FindCalls(ctx, q)
		agree(fmt.Sprintf("calls by %+v", q), append([]protocol.Call(nil), page.Calls...), err, want.Calls, wantErr)
		agree(fmt.Sprintf("the next page of %+v", q), page.Next, nil, want.Next, nil)
	}
	for _, id := range erasureIDs {
		got, err := h.real.Erasure(ctx, id)
		want, wantErr := h.model.Erasure(ctx, id)
		agree("erasure", got, err, want, wantErr)
	}
}

func (h *history) compareRecordings(ctx context.Context, agree func(what string, got any, gotErr error, want any, wantErr error)) {
	none := func(list []protocol.Recording) []protocol.Recording {
		return append([]protocol.Recording(nil), list...)
	}
	for p := range protocol.Partition(partitions) {
		for _, after := range []protocol.RecordingDue{{}, {At: start, ID: "r2"}} {
			got, err := h.real.DueRecordings(ctx, p, after, 3)
			want, wantErr := h.model.DueRecordings(ctx, p, after, 3)
			agree("due recordings", none(got), err, none(want), wantErr)
		}
		got, err := h.real.ArchivedBefore(ctx, p, instants[3], 2)
		want, wantErr := h.model.ArchivedBefore(ctx, p, instants[3], 2)
		agree("old recordings", none(got), err, none(want), wantErr)
		n, oldest, err := h.real.OldestPending(ctx, p)
		wantN, wantOldest, wantErr := h.model.OldestPending(ctx, p)
		agree("pending recordings", []any{n, oldest}, err, []any{wantN, wantOldest}, wantErr)
	}
	for i, id := range recordingIDs {
		got, err := h.real.Recording(ctx, id)
		want, wantErr := h.model.Recording(ctx, id)
		agree("recording", got, err, want, wantErr)
		for _, kind := range textKinds {
			text, err := h.real.Text(ctx, id, sessions[i%2], kind)
			wantText, wantErr := h.model.Text(ctx, id, sessions[i%2], kind)
			agree("text", text, err, wantText, wantErr)
		}
	}
}

func show(items []journal.Item) (s string) {
	for _, item := range items {
		switch {
		case item.Number != nil:
			s += fmt.Sprintf("\n  %+v", *item.Number)
		case item.Booking != nil:
			s += fmt.Sprintf("\n  %+v", *item.Booking)
		case item.Call != nil:
			s += fmt.Sprintf("\n  %+v", *item.Call)
		case item.Ended != nil:
			s += fmt.Sprintf("\n  ended %s", *item.Ended)
		case item.Order != nil:
			s += fmt.Sprintf("\n  %+v", *item.Order)
		case item.Erasure != nil:
			s += fmt.Sprintf("\n  %+v", *item.Erasure)
		}
	}
	return s
}

// The handful of everything.
const partitions = 2

var (
	instants   = []time.Time{{}, start.Add(-time.Hour), start, start.Add(time.Millisecond), start.Add(time.Hour)}
	refs       = []protocol.Ref{"", "", "a", "b", "'"}
	phones     = somePhones("", "+13125550111", "+13125550112", "+491711234567")
	bookingIDs = someIDs(6, func(i int) protocol.BookingID { return protocol.NewBookingID(instants[1+i%4]) })
	sessions   = []protocol.SessionID{"s1", "s2", "s3", "s4"}
	callIDs    = someIDs(4, func(i int) protocol.CallID { return protocol.NewCallID(sessions[i], instants[1+i%4]) })

	orderIDs = someIDs(3, func(i int) protocol.OrderID { return protocol.NewOrderID(instants[1+i%4]) })

	erasureIDs   = someIDs(2, func(i int) protocol.ErasureID { return protocol.NewErasureID(instants[1+i]) })
	recordingIDs = []protocol.RecordingID{"r1", "r2", "r3", "leg:v3:x"}
	textKinds    = []protocol.TextKind{protocol.TextTranscript, protocol.TextSummary}

	bookingsOrNone = slices.Concat(bookingIDs, []protocol.BookingID{{}})
	callsOrNone    = slices.Concat(callIDs, []protocol.CallID{{}})
)

func someIDs[T any](n int, id func(int) T) (ids []T) {
	for i := range n {
		ids = append(ids, id(i))
	}
	return ids
}

func somePhones(texts ...string) (list []phone.Number) {
	for _, s := range texts {
		n, err := phone.FromStore(s)
		if err != nil {
			panic(err)
		}
		list = append(list, n)
	}
	return list
}

func pick[T any](rt *rapid.T, from []T) T { return rapid.SampledFrom(from).Draw(rt, "one") }

func anyPartition(rt *rapid.T) protocol.Partition {
	return protocol.Partition(rapid.IntRange(0, partitions-1).Draw(rt, "partition"))
}

func anyChange(rt *rapid.T) (c journal.Change) {
	c.Open = rapid.SliceOfN(rapid.Custom(anyBooking), 0, 2).Draw(rt, "open")
	c.Move = rapid.SliceOfN(rapid.Custom(anyMoving), 0, 2).Draw(rt, "move")
	c.Orders = rapid.SliceOfN(rapid.Custom(anyOrder), 0, 2).Draw(rt, "orders")
	c.Close = rapid.SliceOfN(rapid.Custom(anyClosing), 0, 2).Draw(rt, "close")
	c.Numbers = rapid.SliceOfN(rapid.Custom(anyNumber), 0, 2).Draw(rt, "numbers")
	c.Calls = rapid.SliceOfN(rapid.Custom(anyCall), 0, 3).Draw(rt, "calls")
	c.Story = rapid.SliceOfN(rapid.Custom(anyLine), 0, 3).Draw(rt, "story")
	c.Recordings = rapid.SliceOfN(rapid.Custom(anyRecording), 0, 2).Draw(rt, "recordings")
	c.Recorded = rapid.SliceOfN(rapid.Custom(anyRecording), 0, 2).Draw(rt, "recorded")
	c.Texts = rapid.SliceOfN(rapid.Custom(anyText), 0, 2).Draw(rt, "texts")
	c.Erasures = rapid.SliceOfN(rapid.Custom(anyErasure), 0, 1).Draw(rt, "erasures")
	c.Forget = rapid.SliceOfN(rapid.Custom(anyForgetting), 0, 1).Draw(rt, "forget")
	return c
}

func anyBooking(rt *rapid.T) protocol.Booking {
	return protocol.Booking{
		ID: pick(rt, bookingIDs), Ref: pick(rt, refs), Partition: anyPartition(rt),
		NumberA: pick(rt, phones), NumberB: pick(rt, phones), PartyA: pick(rt, phones), PartyB: pick(rt, phones),
		State:     protocol.BookingState(rapid.IntRange(0, 2).Draw(rt, "state")),
		CreatedAt: pick(rt, instants), CheckoutAt: pick(rt, instants), FreeAt: pick(rt, instants),
		Asked: time.Duration(rapid.Int64Range(0, 1e15).Draw(rt, "asked")), LimitAt: pick(rt, instants), IdleAt: pick(rt, instants),
		Choice: protocol.Choice{Again: true, Near: protocol.NearArea, Load: 3, Of: 40},
		Terms: protocol.Terms{
			Idle:  time.Duration(rapid.Int64Range(0, 1e9).Draw(rt, "idle")) * time.Millisecond,
			Masks: pick(rt, []protocol.Masks{protocol.MasksShared, protocol.MasksPair}),
		},
	}
}

func anyMoving(rt *rapid.T) journal.Moving {
	return journal.Moving{ID: pick(rt, bookingIDs), LimitAt: pick(rt, instants), IdleAt: pick(rt, instants), CheckoutAt: pick(rt, instants)}
}

func anyOrder(rt *rapid.T) protocol.OrderRow {
	return protocol.OrderRow{
		ID: pick(rt, orderIDs), Ref: pick(rt, refs), Partition: anyPartition(rt),
		Stage:     protocol.OrderStage(rapid.IntRange(0, int(protocol.OrderFailed)).Draw(rt, "stage")),
		CreatedAt: pick(rt, instants), ChangedAt: pick(rt, instants), Detail: pick(rt, []string{"", "{}"}),
	}
}

func anyClosing(rt *rapid.T) journal.Closing {
	return journal.Closing{
		ID: pick(rt, bookingIDs), State: protocol.BookingState(rapid.IntRange(1, 2).Draw(rt, "state")),
		Reason: pick(rt, []string{"", "checkout"}), CheckoutAt: pick(rt, instants), FreeAt: pick(rt, instants),
	}
}

func anyNumber(rt *rapid.T) protocol.Number {
	return protocol.Number{
		Number: pick(rt, phones[1:]), Partition: anyPartition(rt), State: pick(rt, protocol.NumberStates()),
		ChangedAt: pick(rt, instants), RestUntil: pick(rt, instants),
	}
}

func anyCall(rt *rapid.T) protocol.Call {
	i := rapid.IntRange(0, len(callIDs)-1).Draw(rt, "call")
	return protocol.Call{
		ID: callIDs[i], Session: sessions[i], Partition: anyPartition(rt),
		Booking: pick(rt, bookingsOrNone), Number: pick(rt, phones),
		Caller: protocol.Party(rapid.IntRange(0, 2).Draw(rt, "caller")), Stage: pick(rt, []string{"", "ringing"}),
		Outcome: pick(rt, protocol.Outcomes()), Reason: pick(rt, []string{"", "why"}),
		RangAt: pick(rt, instants), AnsweredAt: pick(rt, instants), DialedAt: pick(rt, instants),
		TalkAt: pick(rt, instants), EndAt: pick(rt, instants), ConsentAt: pick(rt, instants), HangupCause: pick(rt, protocol.HangupCauses()),
		HangupSource: pick(rt, protocol.HangupSources()), State: pick(rt, []string{"", "{}", `{"more":1}`}),
	}
}

func anyLine(rt *rapid.T) protocol.Line {
	return protocol.Line{
		Call: pick(rt, callIDs), N: rapid.IntRange(1, 6).Draw(rt, "n"), At: pick(rt, instants),
		What: pick(rt, []string{"{}", `{"event":"x"}`}),
	}
}

func anyRecording(rt *rapid.T) protocol.Recording {
	return protocol.Recording{
		ID: pick(rt, recordingIDs), Call: pick(rt, callsOrNone), Booking: pick(rt, bookingsOrNone),
		Partition: anyPartition(rt), Caller: protocol.Party(rapid.IntRange(0, 2).Draw(rt, "caller")),
		Session: pick(rt, sessions), Format: pick(rt, []string{"", "mp3"}),
		StartedAt: pick(rt, instants), EndedAt: pick(rt, instants), NoticedAt: pick(rt, instants),
		Status: pick(rt, protocol.RecordingStatuses()), Why: pick(rt, []string{"", "why"}),
		NextTryAt: pick(rt, instants), Tries: rapid.IntRange(0, 9).Draw(rt, "tries"),
		Object: pick(rt, []string{"", "a/b.mp3"}), Bytes: rapid.Int64Range(0, 1<<40).Draw(rt, "bytes"), SHA256: pick(rt, []string{"", "00ff"}),
		ContentType: pick(rt, []string{"", "audio/mpeg"}), ArchivedAt: pick(rt, instants), ErasedAt: pick(rt, instants),
		CarrierGone: rapid.Bool().Draw(rt, "gone"), Hold: pick(rt, []string{"", "a dispute"}),
		Summary:    pick(rt, []protocol.SummaryStatus{protocol.SummaryNone, protocol.SummaryWaiting, protocol.SummaryDone, protocol.SummaryFailed}),
		SummaryWhy: pick(rt, []string{"", "why"}),
	}
}

func anyText(rt *rapid.T) protocol.RecordingText {
	return protocol.RecordingText{
		Recording: pick(rt, append([]protocol.RecordingID{""}, recordingIDs...)), Session: pick(rt, sessions[:2]), Kind: pick(rt, textKinds),
		Text: pick(rt, []string{"", "one", "two"}), MadeBy: pick(rt, []string{"", "model"}), At: pick(rt, instants),
	}
}

func anyErasure(rt *rapid.T) protocol.ErasureRow {
	return protocol.ErasureRow{
		ID: pick(rt, erasureIDs), Partition: anyPartition(rt), CreatedAt: pick(rt, instants), DoneAt: pick(rt, instants),
		Detail: pick(rt, []string{"{}", `{"party":"x"}`}),
	}
}

func anyForgetting(rt *rapid.T) journal.Forgetting {
	return journal.Forgetting{ID: pick(rt, bookingIDs), A: rapid.Bool().Draw(rt, "a"), B: rapid.Bool().Draw(rt, "b")}
}

// searches are queries for calls, some with few to look at.
func searches() []protocol.CallSearch {
	return []protocol.CallSearch{
		{Limit: 2, Scan: 2},
		{Limit: 5, Newest: true, After: callIDs[1], Live: true},
		{Limit: 5, After: callIDs[1], Scan: 2, Outcome: protocol.OutcomeTalked},
		{Limit: 2, Newest: true, Scan: 3, From: start, To: start.Add(time.Second)},
	}
}
