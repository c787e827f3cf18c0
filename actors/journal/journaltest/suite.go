// Package journaltest judges journal engines. Run is for every engine, Killed
// for those that claim to survive kill -9.
package journaltest

import (
	"cmp"
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"maskswitch/actors/journal"
	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// Open opens the store that belongs to a directory, which is there and was
// empty at first. The same directory again reopens it.
type Open func(dir string) (journal.Engine, error)

// Run judges an engine.
func Run(t *testing.T, open Open) {
	t.Run("round trip", func(t *testing.T) { testRoundTrip(t, open) })
	t.Run("closings", func(t *testing.T) { testClosings(t, open) })
	t.Run("movings", func(t *testing.T) { testMovings(t, open) })
	t.Run("orders", func(t *testing.T) { testOrders(t, open) })
	t.Run("recordings", func(t *testing.T) { testRecordings(t, open) })
	t.Run("texts", func(t *testing.T) { testTexts(t, open) })
	t.Run("erasures", func(t *testing.T) { testErasures(t, open) })
	t.Run("calls", func(t *testing.T) { testCalls(t, open) })
	t.Run("refusals", func(t *testing.T) { testRefusals(t, open) })
	t.Run("live", func(t *testing.T) { testLive(t, open) })
	t.Run("lists", func(t *testing.T) { testLists(t, open) })
	t.Run("nothing there", func(t *testing.T) { testNothing(t, open) })
	t.Run("clock back", func(t *testing.T) { testClockBack(t, open) })
	t.Run("histories", func(t *testing.T) { testHistories(t, open) })
	t.Run("crowd", func(t *testing.T) { testCrowd(t, open) })
	t.Run("fail before commit", func(t *testing.T) { testFail(t, open, false) })
	t.Run("fail after commit", func(t *testing.T) { testFail(t, open, true) })
}

var start = time.Date(2026, 3, 1, 11, 0, 0, 123456000, time.UTC)

func number(t testing.TB, s string) phone.Number {
	t.Helper()
	n, err := phone.FromStore(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func opened(t testing.TB, open Open, dir string) journal.Engine {
	t.Helper()
	e, err := open(dir)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return e
}

func closed(t testing.TB, e journal.Engine) {
	t.Helper()
	if err := e.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

func commit(t testing.TB, e journal.Engine, batch ...journal.Change) {
	t.Helper()
	refused, err := e.Commit(batch)
	if err := errors.Join(append(refused, err)...); err != nil {
		t.Fatalf("commit: %v", err)
	}
}

func live(t testing.TB, s journal.Store, p protocol.Partition, endedSince time.Time) []journal.Item {
	t.Helper()
	var items []journal.Item
	for item, err := range s.Live(context.Background(), p, endedSince.UnixMicro()) {
		if err != nil {
			t.Fatalf("live: %v", err)
		}
		items = append(items, item)
	}
	return items
}

// same compares what a question gave with what it should have given.
func same[T any](t testing.TB, what string, got T, err error, want T) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", what, err)
	} else if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

// bookingAt is a live booking, all of whose fields are set.
func bookingAt(t testing.TB, at time.Time, ref string) protocol.Booking {
	return protocol.Booking{
		ID: protocol.NewBookingID(at), Ref: protocol.Ref(ref), Partition: 7,
		NumberA: number(t, "+13125550100"), NumberB: number(t, "+13125550101"),
		PartyA: number(t, "+13125550111"), PartyB: number(t, "+491711234567"),
		State: protocol.BookingLive, CreatedAt: at, CheckoutAt: at.Add(24 * time.Hour),
		FreeAt: at.Add(48 * time.Hour), Asked: 24 * time.Hour,
		LimitAt: at.Add(36 * time.Hour), IdleAt: at.Add(30 * time.Hour),
		Choice: protocol.Choice{Again: true, Near: protocol.NearArea, Load: 3, Of: 40},
		Terms: protocol.Terms{
			Idle: 6 * time.Hour, Grace: 30 * time.Second, Region: region(t, "US-312"), RegionStrict: true,
			Masks: protocol.MasksPair, OnCheckout: protocol.CutCalls, Recording: protocol.RecordDualWAV, Summary: true,
		},
	}
}

func region(t testing.TB, s string) phone.Region {
	t.Helper()
	r, err := phone.ParseRegion(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func orderAt(at time.Time, ref string) protocol.OrderRow {
	return protocol.OrderRow{
		ID: protocol.NewOrderID(at), Ref: protocol.Ref(ref), Partition: 7, Stage: protocol.OrderPending,
		CreatedAt: at, ChangedAt: at.Add(time.Second), Detail: `{"asked":{"count":3}}`,
	}
}

// callAt is a call in full swing, all of whose fields are set.
func callAt(t testing.TB, at time.Time, session string) protocol.Call {
	s := protocol.SessionID(session)
	return protocol.Call{
		ID: protocol.NewCallID(s, at), Partition: 7, Booking: protocol.NewBookingID(at),
		Number: number(t, "+13125550100"), Caller: protocol.PartyB, Session: s, Stage: "talking",
		Outcome: protocol.OutcomeTalked, Reason: "because", RangAt: at, AnsweredAt: at.Add(time.Millisecond), DialedAt: at.Add(time.Second),
		TalkAt: at.Add(2 * time.Second), EndAt: at.Add(time.Minute), HangupCause: protocol.CauseNormalClearing,
		HangupSource: protocol.SourceCallee, State: `{"a":1}`,
	}
}

// recordingAt is an archived recording, all of whose fields are set.
func recordingAt(at time.Time, id string, call protocol.CallID) protocol.Recording {
	return protocol.Recording{
		ID: protocol.RecordingID(id), Call: call, Booking: protocol.NewBookingID(at), Partition: 7, Caller: protocol.PartyB,
		Session: "session", Leg: "v3:leg", LegUUID: "uuid", Format: "mp3", Channels: "dual",
		StartedAt: at, EndedAt: at.Add(time.Minute), NoticedAt: at.Add(2 * time.Minute),
		Status: protocol.RecordingArchived, Why: "because", NextTryAt: at.Add(3 * time.Minute), Tries: 2,
		Object: "2026/03/01/b/r.mp3", Bytes: 1 << 33, SHA256: "00ff", ContentType: "audio/mpeg",
		ArchivedAt: at.Add(4 * time.Minute), ErasedAt: at.Add(5 * time.Minute), CarrierGone: true, Hold: "a dispute",
		Summary: protocol.SummaryFailed, SummaryWhy: "no model",
	}
}

func erasureAt(at time.Time) protocol.ErasureRow {
	return protocol.ErasureRow{ID: protocol.NewErasureID(at), Partition: 7, CreatedAt: at, Detail: `{"party":"+13125550111"}`}
}

// micro makes of a record's times what a store makes of them.
func micro(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return time.UnixMicro(t.UnixMicro()).UTC()
}

func byID(a, b protocol.Booking) int { return cmp.Compare(a.ID.String(), b.ID.String()) }
