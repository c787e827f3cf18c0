package api_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"maskswitch/actors/protocol"
	"maskswitch/http/api"
)

// willing does whatever a fuzzed request asks.
type willing struct{ desk }

func (w *willing) MoveBooking(ctx context.Context, _ string, to protocol.MoveBooking) (protocol.Booking, error) {
	return protocol.Booking{NumberA: proxy, NumberB: proxy, PartyA: alice, PartyB: bob}, w.called(ctx, to)
}

func (w *willing) MoveNumber(ctx context.Context, m protocol.MoveNumberTo) (protocol.NumberStatus, error) {
	return protocol.NumberStatus{Number: protocol.Number{Number: m.Number}}, w.called(ctx, m)
}

// put sends a fuzzed body to a willing switch, judges the answer, and returns
// what the switch was asked for, or nil.
func put(t *testing.T, method, target, body string) any {
	d := &willing{}
	status, answer := ask(api.New(api.Config{Switch: d}), request(method, target, body))
	judge(t, &d.desk, status, answer)
	switch {
	case len(d.calls) == 0:
		return nil
	case len(d.calls) > 1:
		t.Errorf("the switch was asked %v", d.calls)
	}
	return d.calls[0]
}

func FuzzMoveBooking(f *testing.F) {
	for _, body := range []string{
		`{"expires_at":1767312000}`, `{"expires_at":1767312000.0}`, `{"extend_hours":0.5}`, `{"shorten_hours":1e1}`,
		`{"expires_at":null,"extend_hours":1}`, `{"expires_at":1e300}`, `{"expires_at":-1}`, `{"expires_at":1.5}`,
		`{"extend_hours":1,"shorten_hours":1}`, `{"extend_hours":1e-9}`, `{"extend_hours":"1"}`, `{}`, ``, `null`,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		asked := put(t, "PATCH", "/bookings/bk_1", body)
		to, ok := asked.(protocol.MoveBooking)
		if asked == nil {
			return
		}
		const most = api.DefaultMaxBookingHours * time.Hour
		if !ok || to.To.IsZero() == (to.By == 0) || to.By < -most || to.By > most || to.By%time.Millisecond != 0 ||
			!to.To.IsZero() && (to.To.Nanosecond() != 0 || to.To.Year() < 1969 || to.To.Year() > 10_000) {
			t.Errorf("the switch was asked for %+v", asked)
		}
	})
}

func FuzzMoveNumber(f *testing.F) {
	for _, body := range []string{
		`{"state":"serving"}`, `{"state":"resting","rest_hours":12}`, `{"rest_hours":0.5}`, `{"rest_until":1767312000}`,
		`{"state":null}`, `{"state":"retired","rest_hours":1}`, `{"rest_hours":1,"rest_until":1}`, `{"state":""}`,
		`{"rest_hours":1e300}`, `{"state":1}`, `{}`, ``, `[]`,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		asked := put(t, "PATCH", "/pool/+13125550100", body)
		m, ok := asked.(protocol.MoveNumberTo)
		if asked == nil {
			return
		}
		if !ok || m.Number != proxy || m.State > protocol.NumberRetired || !m.RestUntil.IsZero() && m.State != protocol.NumberResting {
			t.Errorf("the switch was asked for %+v", asked)
		}
	})
}

func FuzzOrderNumbers(f *testing.F) {
	for _, body := range []string{
		ordered(``), ordered(`,"area_code":"312","order_id":"o1","connection_id":"1494"`), ordered(`,"order_id":"a/b"`),
		`{"country":"US","count":1,"max_monthly_cost":0.1}`, `{"country":"GB","count":500,"max_monthly_cost":"0.0001"}`,
		`{"country":"US","count":1,"max_monthly_cost":1e3}`, `{"country":"US","count":1,"max_monthly_cost":"\u0031"}`,
		`{"country":"US","count":1,"max_monthly_cost":["1"]}`, `{"country":"US-312","count":0,"max_monthly_cost":-1}`, `{}`, ``,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		asked := put(t, "POST", "/pool/order", body)
		o, ok := asked.(protocol.OrderNumbers)
		if asked == nil {
			return
		}
		if !ok || len(o.Country) != 2 || o.Count < 1 || o.Count > 500 || o.MostMonthly <= 0 || len(o.AreaCode) > 5 ||
			len(o.Ref) > 128 || len(o.Connection) > 64 {
			t.Errorf("the switch was asked for %+v", asked)
		}
	})
}

func FuzzImportNumbers(f *testing.F) {
	for _, body := range []string{
		`{"tag":"maskswitch"}`, `{"connection_id":"1494"}`, `{"tag":"a","connection_id":"1"}`, `{"tag":null}`, `{"tag":"\u0000"}`, `{}`, ``,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		asked := put(t, "POST", "/pool/import", body)
		q, ok := asked.(protocol.ImportNumbers)
		if asked != nil && (!ok || (q.Tag == "") == (q.Connection == "")) {
			t.Errorf("the switch was asked for %+v", asked)
		}
	})
}

// FuzzPool fuzzes the queries of the pool's lists, and the numbers in paths.
func FuzzPool(f *testing.F) {
	for _, query := range []string{
		"", "limit=10&state=serving", "region=US-312", "cursor=13125550100", "bookings=1e3&hours=48&busiest=10",
		"bookings=NaN&hours=Inf&busiest=-1", "limit=0", "state=", "cursor=+1", "%zz", "limit=1&limit=2",
	} {
		f.Add(query, "+13125550100")
	}
	f.Add("force=true", "13125550100")
	f.Add("force=1", "+13125550100,1")
	f.Fuzz(func(t *testing.T, query, path string) {
		d := stocked()
		h := serve(d)
		for _, target := range []string{"/pool", "/pool/sizing", "/pool/orders"} {
			d.calls = nil
			r := request("GET", target, "")
			r.URL.RawQuery = query
			status, answer := ask(h, r)
			judge(t, d, status, answer)
			for _, call := range d.calls {
				switch q := call.(type) {
				case protocol.NumberQuery:
					if q.Limit < 2 || q.Limit > 1001 || q.State > protocol.NumberRetired || q.State > 0 && !q.States {
						t.Errorf("the switch was asked for %+v", q)
					}
					if q.After.Known() {
						possible(t, q.After)
					}
				case protocol.SizingQuestion:
					if !(q.Bookings > 0 && q.Bookings <= 1e9 && q.Hours > 0 && q.Hours <= 1e6) || q.Busiest < 1 || q.Busiest > 1e6 {
						t.Errorf("the switch was asked for %+v", q)
					}
				case int:
					if q < 1 || q > 1000 {
						t.Errorf("the switch was asked for %d orders", q)
					}
				default:
					t.Errorf("the switch was asked for %+v", call)
				}
			}
		}
		d.calls = nil
		r := request("DELETE", "/pool/x", "")
		r.URL.Path, r.URL.RawQuery = "/pool/"+path, query
		if status, answer := ask(h, r); status >= http.StatusInternalServerError || len(d.calls) > 0 && status == http.StatusBadRequest {
			t.Errorf("%d %s, and the switch was asked %v", status, answer, d.calls)
		}
	})
}
