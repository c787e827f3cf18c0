package pool

import (
	"errors"
	"math"
	"strings"
	"testing"

	"maskswitch/actors/protocol"
)

func TestSize(t *testing.T) {
	for _, x := range []struct {
		story string
		asked protocol.SizingQuestion
		pairs int
		want  protocol.Sizing
		says  string
	}{
		{"the busiest party decides", protocol.SizingQuestion{Bookings: 20_000, Hours: 48, Busiest: 220}, 200,
			protocol.Sizing{Numbers: 242, LowerBound: 220, OnePerBook: 40_000, Live: 40_000}, "quarantine of 24 hours is 330"},
		{"the cap decides", protocol.SizingQuestion{Bookings: 1000, Hours: 24, Busiest: 3}, 10,
			protocol.Sizing{Numbers: 110, LowerBound: 100, OnePerBook: 1000, Live: 1000}, "1000 bookings and a tenth more need 110 numbers"},
		{"exclusive numbers", protocol.SizingQuestion{Bookings: 10, Hours: 24, Busiest: 1}, 1,
			protocol.Sizing{Numbers: 11, LowerBound: 10, OnePerBook: 10, Live: 10}, "at most 1 live"},
		{"fractions round up", protocol.SizingQuestion{Bookings: 0.5, Hours: 1.5, Busiest: 1}, 200,
			protocol.Sizing{Numbers: 2, LowerBound: 1, OnePerBook: 1, Live: 1}, "0.5 bookings a day that live for 1.5 hours"},
		{"at his busiest a party has more than there are on average", protocol.SizingQuestion{Bookings: 24, Hours: 1, Busiest: 5}, 2,
			protocol.Sizing{Numbers: 6, LowerBound: 5, OnePerBook: 5, Live: 5}, "are 5 live"},
	} {
		got, err := Size(x.asked, x.pairs)
		why := strings.Join(got.Reasoning, "\n")
		if err != nil || got.Numbers != x.want.Numbers || got.LowerBound != x.want.LowerBound ||
			got.OnePerBook != x.want.OnePerBook || got.Live != x.want.Live || !strings.Contains(why, x.says) {
			t.Errorf("%s: %+v, %v; should be %+v and say %q", x.story, got, err, x.want, x.says)
		}
	}
}

func TestSizeOfNonsense(t *testing.T) {
	good := protocol.SizingQuestion{Bookings: 1, Hours: 1, Busiest: 1}
	for _, bad := range []float64{0, -1, math.NaN(), math.Inf(1), 1e10} {
		bookings, hours := good, good
		bookings.Bookings, hours.Hours = bad, bad
		refusedFor(t, bookings, "bookings")
		refusedFor(t, hours, "hours")
	}
	nobody := good
	nobody.Busiest = 0
	refusedFor(t, nobody, "busiest")
}

func refusedFor(t *testing.T, q protocol.SizingQuestion, field string) {
	t.Helper()
	_, err := Size(q, 200)
	var told *protocol.Error
	if !errors.As(err, &told) || told.Kind != protocol.Invalid || told.Field != field {
		t.Errorf("%+v: %v, should be about %s", q, err, field)
	}
}
