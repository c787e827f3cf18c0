package pool

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"maskswitch/actors/protocol"
)

func TestDeadlinesComeInOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var d deadlines[int]
		var want []int64
		for range rapid.IntRange(0, 80).Draw(rt, "steps") {
			switch rapid.IntRange(0, 5).Draw(rt, "step") {
			case 0:
				odd := func(at int) bool { return at%2 == 1 }
				d.keep(odd)
				want = slices.DeleteFunc(want, func(at int64) bool { return at%2 == 0 })
			case 1:
				now := rapid.Int64Range(0, 40).Draw(rt, "now")
				at, when, ok := d.due(time.UnixMicro(now))
				due := len(want) > 0 && want[0] <= now
				if ok != due || ok && (int64(at) != want[0] || when.UnixMicro() != want[0]) {
					rt.Fatalf("due at %d: %d, %v; want %v", now, at, ok, want)
				}
				if due {
					want = want[1:]
				}
			default:
				at := rapid.Int64Range(0, 40).Draw(rt, "at")
				d.push(time.UnixMicro(at), int(at))
				want = append(want, at)
				slices.Sort(want)
			}
			next := int64(never)
			if len(want) > 0 {
				next = want[0]
			}
			if d.next() != next || d.len() != len(want) {
				rt.Fatalf("%d entries, the next at %d; want %v", d.len(), d.next(), want)
			}
		}
	})
}

// Bookings that end early leave deadlines behind, which do not pile up, and come
// to nothing when their time has come.
func TestDeadlinesOfTheDeadAreBuried(t *testing.T) {
	a := &Actor{dead: make(map[protocol.BookingID]struct{})}
	now := time.Unix(1_900_000_000, 0)
	most := 0
	for i := range 100_000 {
		b := protocol.Booking{ID: bookingID(i), Reason: "deleted"}
		a.checkouts.push(now, b.ID)
		a.bury(b)
		most = max(most, a.checkouts.len())
	}
	if most > 4096 {
		t.Errorf("%d deadlines of bookings that have ended", most)
	}
	if a.checkouts.len() == 0 {
		t.Fatal("none is left to come to nothing")
	}
	if told := a.checkOut(nil, now); told != 0 || a.checkouts.len() != 0 || len(a.dead) != 0 {
		t.Errorf("told %d; %d deadlines and %d dead are left", told, a.checkouts.len(), len(a.dead))
	}
}
