package order

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

func TestImport(t *testing.T) {
	own := func(i int, status protocol.OwnedStatus, connection string, tags ...string) *protocol.OwnedNumber {
		n := number(i)
		return &protocol.OwnedNumber{ID: "1", Number: n, Text: n.E164(), Status: status, Connection: connection, Tags: tags}
	}
	short := &protocol.OwnedNumber{ID: "2", Text: "12345", Status: "active", Connection: "77", Tags: []string{"pool"}}
	s := stock(0)
	s.owned = []*protocol.OwnedNumber{
		own(1, "active", "77", "pool"), own(2, "active", "78", "pool"), own(3, "active", "", "pool"),
		own(4, "active", "77"), own(5, "port-pending", "77", "pool"), short,
	}
	var tests = []struct {
		name       string
		query      protocol.ImportNumbers
		connection string
		taken      []int
		skipped    []string // parts of the reasons
	}{
		{"by tag, on our application", protocol.ImportNumbers{Tag: "pool"}, "77", []int{1}, []string{"another application", "no application", "no E.164"}},
		{"by tag, with no application configured", protocol.ImportNumbers{Tag: "pool"}, "", []int{1, 2}, []string{"no application", "no E.164"}},
		{"by application", protocol.ImportNumbers{Connection: "78"}, "77", []int{2}, nil},
		{"by another application", protocol.ImportNumbers{Connection: "77"}, "", []int{1, 4}, []string{"no E.164"}},
		{"nothing", protocol.ImportNumbers{Tag: "other"}, "", nil, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			taken, skipped, err := Import(context.Background(), s, test.query, test.connection)
			if err != nil {
				t.Fatal(err)
			}
			var want []phone.Number
			for _, i := range test.taken {
				want = append(want, number(i))
			}
			if !slices.Equal(taken, want) {
				t.Errorf("taken %v, want %v", taken, want)
			}
			if len(skipped) != len(test.skipped) {
				t.Fatalf("skipped %d, want %d", len(skipped), len(test.skipped))
			}
			for i, reason := range test.skipped {
				if !strings.Contains(skipped[i].Reason, reason) || skipped[i].Number == "" {
					t.Errorf("skipped for %q, want %q in it", skipped[i].Reason, reason)
				}
			}
		})
	}
}

// loose is a carrier that does not mind what was asked for.
type loose struct{ *shop }

func (l loose) OwnedNumbers(ctx context.Context, _ protocol.OwnedQuery) ([]protocol.OwnedNumber, error) {
	return l.shop.OwnedNumbers(ctx, protocol.OwnedQuery{})
}

// TestImportTrustsNoFilter shows that what was not asked for is not taken.
func TestImportTrustsNoFilter(t *testing.T) {
	s := stock(0)
	for i, status := range []protocol.OwnedStatus{"active", "port-pending"} {
		s.owned = append(s.owned, &protocol.OwnedNumber{ID: "1", Number: number(i), Text: number(i).E164(), Status: status, Connection: "78"})
	}
	for _, query := range []protocol.ImportNumbers{{Tag: "pool"}, {Connection: "77"}} {
		taken, skipped, err := Import(context.Background(), loose{s}, query, "")
		if len(taken) != 0 || len(skipped) != 2 || err != nil {
			t.Errorf("%+v: taken %v, skipped %v, %v", query, taken, skipped, err)
		}
	}
}

func TestImportRefused(t *testing.T) {
	var tests = []struct {
		err   error
		query protocol.ImportNumbers
		kind  protocol.ErrorKind
		code  string
	}{
		{nil, protocol.ImportNumbers{}, protocol.Invalid, "several_selections"},
		{nil, protocol.ImportNumbers{Tag: "a", Connection: "b"}, protocol.Invalid, "several_selections"},
		{unsure, protocol.ImportNumbers{Tag: "a"}, protocol.Unavailable, "carrier_unavailable"},
		{refusal(protocol.RemedyNone, 401, "10009"), protocol.ImportNumbers{Tag: "a"}, protocol.Conflict, "carrier_refused"},
	}
	for _, test := range tests {
		s := stock(0)
		s.meet = func(context.Context, int, string, bool) error { return test.err }
		_, _, err := Import(context.Background(), s, test.query, "")
		var got *protocol.Error
		if !errors.As(err, &got) || got.Kind != test.kind || got.Code != test.code {
			t.Errorf("%v: %v, want %s", test.err, err, test.code)
		}
	}
}
