package booking

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// What a booking keeps of itself is all that its row has while it lives.
func TestKeepLosesNothing(t *testing.T) {
	number := rapid.Custom(func(rt *rapid.T) phone.Number {
		n, err := phone.FromStore("+1" + rapid.StringMatching(`[2-9][0-9]{9}`).Draw(rt, "digits"))
		if err != nil {
			rt.Fatal(err)
		}
		return n
	})
	instant := rapid.Custom(func(rt *rapid.T) time.Time {
		return time.UnixMicro(rapid.Int64Range(1, 1<<52).Draw(rt, "instant")).UTC()
	})
	rapid.Check(t, func(rt *rapid.T) {
		b := protocol.Booking{
			ID: protocol.NewBookingID(instant.Draw(rt, "id")), Ref: protocol.Ref(rapid.String().Draw(rt, "ref")), Partition: 3,
			NumberA: number.Draw(rt, "a"), NumberB: number.Draw(rt, "b"), PartyA: number.Draw(rt, "party a"), PartyB: number.Draw(rt, "party b"),
			CreatedAt: instant.Draw(rt, "created"), CheckoutAt: instant.Draw(rt, "checkout"),
			Asked: time.Duration(rapid.Int64Range(0, 1<<40).Draw(rt, "asked")),
			Terms: protocol.Terms{
				Idle:       time.Duration(rapid.IntRange(0, 2).Draw(rt, "idle")) * time.Hour,
				OnCheckout: protocol.OnCheckout(rapid.IntRange(0, 1).Draw(rt, "cut")),
			},
		}
		b.FreeAt = b.CheckoutAt
		if b.Terms.Idle > 0 {
			b.LimitAt, b.IdleAt = instant.Draw(rt, "limit"), instant.Draw(rt, "idle end")
		}
		k := keep(b)
		if got := k.booking(3); got != b {
			rt.Fatalf("kept %+v\nof %+v", got, b)
		}
	})
}

// A booking that moves its end at each call has the pool told only when it would
// come too late.
func TestMoveTellsThePoolOnlyWhatItNeeds(t *testing.T) {
	b := live(t)
	b.Terms.Idle = time.Hour
	b.LimitAt, b.IdleAt = b.CheckoutAt.Add(100*time.Hour), b.CheckoutAt
	k := keep(b)
	tells := 0
	for call := range 50 {
		at := b.CreatedAt.Add(time.Duration(call) * time.Minute)
		for _, from := range []time.Time{at.Add(4 * time.Hour), at} { // it rings, and is over
			if k.move(Idle(b, from)) {
				tells++
			}
		}
	}
	if tells != 0 {
		t.Errorf("told %d times, though the pool asks at its first checkout anyway", tells)
	}
	if !k.move(Move(b, b.CreatedAt.Add(time.Minute))) {
		t.Error("an end that comes sooner was not told")
	}
}

func TestSleepers(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := newSleepers()
		want := make(map[protocol.BookingID]kept)
		var ids []protocol.BookingID
		for i := range 8 {
			ids = append(ids, protocol.NewBookingID(time.UnixMilli(int64(i))))
		}
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			id := rapid.SampledFrom(ids).Draw(rt, "id")
			if _, there := want[id]; !there && rapid.Bool().Draw(rt, "put") {
				k := kept{id: id, created: rapid.Int64().Draw(rt, "created")}
				s.put(k)
				want[id] = k
				continue
			}
			got, ok := s.take(id)
			if was, there := want[id]; ok != there || got != was {
				rt.Fatalf("took %+v, %v; want %+v, %v", got, ok, was, there)
			}
			delete(want, id)
		}
		if len(s.index) != len(want) || len(s.rows) > 8 || len(s.free)+len(s.index) != len(s.rows) {
			rt.Fatalf("%d asleep in %d rows, %d of them free; want %d", len(s.index), len(s.rows), len(s.free), len(want))
		}
	})
}
