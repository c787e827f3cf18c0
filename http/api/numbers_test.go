package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"maskswitch/actors/protocol"
)

func TestNumberParameters(t *testing.T) {
	for query, want := range map[string]protocol.NumberQuery{
		"":                   {Limit: 101},
		"limit=1000":         {Limit: 1001},
		"state=serving":      {State: protocol.NumberServing, States: true, Limit: 101},
		"state=retired":      {State: protocol.NumberRetired, States: true, Limit: 101},
		"region=US-312":      {Region: home(t, "US-312"), Limit: 101},
		"cursor=13125550100": {After: proxy, Limit: 101},
		"region=GB&limit=1&state=draining&cursor=13125550101": {
			State: protocol.NumberDraining, States: true, Region: home(t, "GB"), After: proxyB, Limit: 2},
	} {
		d := &desk{}
		status, body := ask(serve(d), request("GET", "/pool?"+query, ""))
		if status != http.StatusOK || body != `{"numbers":[]}`+"\n" || !reflect.DeepEqual(d.calls, []any{want}) {
			t.Errorf("%s: %d %s; the switch was asked %+v", query, status, body, d.calls)
		}
	}
}

// TestNumberPages walks through a list whose length is and is not a multiple of
// the page's, and meets every number once.
func TestNumberPages(t *testing.T) {
	for _, total := range []int{0, 1, 9, 10, 11, 30} {
		d := &desk{}
		for i := range total {
			n := number(fmt.Sprintf("+1312555%04d", i))
			d.numbers = append(d.numbers, protocol.NumberStatus{Number: protocol.Number{Number: n}})
		}
		h := serve(d)
		seen, pages, cursor := 0, 0, ""
		for {
			var page struct {
				Numbers []struct{ Number string }
				Next    string `json:"next_cursor"`
			}
			_, body := ask(h, request("GET", "/pool?limit=10"+cursor, ""))
			if err := json.Unmarshal([]byte(body), &page); err != nil || page.Numbers == nil {
				t.Fatal(err, body)
			}
			for _, n := range page.Numbers {
				if n.Number != fmt.Sprintf("+1312555%04d", seen) {
					t.Fatalf("of %d: %s comes as number %d", total, n.Number, seen)
				}
				seen++
			}
			pages++
			if page.Next == "" {
				break
			}
			cursor = "&cursor=" + page.Next
		}
		if want := max(1, (total+9)/10); seen != total || pages != want {
			t.Errorf("of %d: %d on %d pages, want %d pages", total, seen, pages, want)
		}
	}
}

// TestMoveNumber says what the switch is asked for.
func TestMoveNumber(t *testing.T) { atEpoch(t, testMoveNumber) }

func testMoveNumber(t *testing.T) {
	for body, want := range map[string]protocol.MoveNumberTo{
		`{"state":"serving"}`:                         {State: protocol.NumberServing},
		`{"state":"draining","rest_until":null}`:      {State: protocol.NumberDraining},
		`{"state":"retired"}`:                         {State: protocol.NumberRetired},
		`{"state":"resting"}`:                         {State: protocol.NumberResting},
		`{"state":"resting","rest_hours":1.5}`:        {State: protocol.NumberResting, RestUntil: epoch.Add(90 * time.Minute)},
		`{"rest_hours":12}`:                           {State: protocol.NumberResting, RestUntil: epoch.Add(12 * time.Hour)},
		`{"state":null,"rest_until":1767229200}`:      {State: protocol.NumberResting, RestUntil: epoch.Add(time.Hour)},
		`{"rest_until":1767229200,"state":"resting"}`: {State: protocol.NumberResting, RestUntil: epoch.Add(time.Hour)},
	} {
		d := stocked()
		status, row := ask(serve(d), request("PATCH", "/pool/%2B13125550101", body))
		asked, ok := d.calls[0].(protocol.MoveNumberTo)
		if want.Number = proxyB; !ok || asked.Number != want.Number || asked.State != want.State || !asked.RestUntil.Equal(want.RestUntil) {
			t.Errorf("%s: the switch was asked %+v", body, d.calls)
		}
		if status != http.StatusOK || !strings.Contains(row, `"number":"+13125550101","state":"`+want.State.String()+`"`) {
			t.Errorf("%s: %d %s", body, status, row)
		}
	}
}

// TestRetireNumber: force is asked for in so many words, and the bookings that
// were ended are named as their marketplace names them.
func TestRetireNumber(t *testing.T) {
	for query, force := range map[string]bool{"": false, "?force=false": false, "?force=true": true} {
		d := stocked()
		h := serve(d)
		ask(h, request("POST", "/bookings", good(`,"booking_id":"bk_1"`)))
		ask(h, request("POST", "/bookings", good("")))
		d.calls = nil
		status, body := ask(h, request("DELETE", "/pool/+13125550100"+query, ""))
		want := `{"status":"draining","ended":[],"number":"+13125550100","state":"draining",`
		if force {
			want = `{"status":"retired","ended":["bk_1","` + d.bookings[1].ID.String() + `"],"number":"+13125550100","state":"retired",`
		}
		if status != http.StatusOK || !strings.HasPrefix(body, want) || !reflect.DeepEqual(d.calls, []any{[]any{proxy, force}}) {
			t.Errorf("%s: %d %s; the switch was asked %v", query, status, body, d.calls)
		}
	}
}

// TestSizing says what the switch is asked for.
func TestSizing(t *testing.T) {
	d := &desk{}
	status, body := ask(serve(d), request("GET", "/pool/sizing?busiest=120&bookings=2e4&hours=47.5", ""))
	want := protocol.SizingQuestion{Bookings: 20_000, Hours: 47.5, Busiest: 120}
	if status != http.StatusOK || !reflect.DeepEqual(d.calls, []any{want}) {
		t.Errorf("%d %s; the switch was asked %+v", status, body, d.calls)
	}
}

func TestImportNumbers(t *testing.T) {
	for body, want := range map[string]protocol.ImportNumbers{
		`{"tag":"the north"}`:                        {Tag: "the north"},
		`{"tag":"` + strings.Repeat("ä", 100) + `"}`: {Tag: strings.Repeat("ä", 100)},
		`{"connection_id":"1494","tag":null}`:        {Connection: "1494"},
	} {
		d := &desk{}
		status, answer := ask(serve(d), request("POST", "/pool/import", body))
		if status != http.StatusOK || !reflect.DeepEqual(d.calls, []any{want}) {
			t.Errorf("%s: %d %s; the switch was asked %+v", body, status, answer, d.calls)
		}
	}
}

// TestOrderNumbers says what the switch is asked for: money to the last decimal.
func TestOrderNumbers(t *testing.T) {
	whole := protocol.OrderNumbers{Country: "US", Count: 2, MostMonthly: 50_000}
	with := func(change func(*protocol.OrderNumbers)) protocol.OrderNumbers {
		o := whole
		change(&o)
		return o
	}
	costing := func(m protocol.Money) protocol.OrderNumbers {
		return with(func(o *protocol.OrderNumbers) { o.MostMonthly = m })
	}
	cost := func(text string) string { return `{"country":"US","count":2,"max_monthly_cost":` + text + `}` }
	for body, want := range map[string]protocol.OrderNumbers{
		ordered(``):                       whole,
		ordered(`,"order_id":""`):         whole,
		ordered(`,"order_id":"o1"`):       with(func(o *protocol.OrderNumbers) { o.Ref = "o1" }),
		ordered(`,"area_code":"312"`):     with(func(o *protocol.OrderNumbers) { o.AreaCode = "312" }),
		ordered(`,"connection_id":"149"`): with(func(o *protocol.OrderNumbers) { o.Connection = "149" }),
		cost(`5`):                         whole,
		cost(`5.0`):                       whole,
		cost(`"5"`):                       whole,
		cost(`"\u0035.00000"`):            whole,
		cost(`0.1`):                       costing(1_000),
		cost(`"0.0001"`):                  costing(1),
		cost(`70368744177.6645`):          costing(703_687_441_776_645), // in a float it is ….6646
		cost(`"999999999999.9999"`):       costing(9_999_999_999_999_999),
	} {
		d := &desk{}
		w := httptest.NewRecorder()
		serve(d).ServeHTTP(w, request("POST", "/pool/order", body))
		if w.Code != http.StatusAccepted || !reflect.DeepEqual(d.calls, []any{want}) {
			t.Errorf("%s: %d %s; the switch was asked %+v, want %+v", body, w.Code, w.Body, d.calls, want)
			continue
		}
		id := string(want.Ref)
		if id == "" {
			id = d.orders[0].ID.String()
		}
		if at := w.Header().Get("Location"); at != "/pool/orders/"+id || !strings.Contains(w.Body.String(), `"order_id":"`+id+`"`) {
			t.Errorf("%s: %s at %s", body, w.Body, at)
		}
	}
}

// TestPathNumbers: a number in a path may be escaped or not; fixed paths beside
// it are no numbers.
func TestPathNumbers(t *testing.T) {
	for _, written := range []string{"+13125550100", "%2B13125550100", "%2b13125550100", everyByte("+13125550100")} {
		d := stocked()
		status, body := ask(serve(d), request("GET", "/pool/"+written, ""))
		if status != http.StatusOK || !reflect.DeepEqual(d.calls, []any{proxy}) {
			t.Errorf("%s: %d %s; the switch was asked %v", written, status, body, d.calls)
		}
	}
	for range 20 { // the order of paths must not be left to chance
		h := serve(&desk{})
		for path, want := range map[string]string{
			"/pool/headroom": `{"regions":`, "/pool/orders": `{"orders":`, "/pool/order": `"this path answers to POST"`,
			"/pool/import": `"this path answers to POST"`, "/pool/sizing": `"bookings is missing`,
		} {
			if _, body := ask(h, request("GET", path, "")); !strings.Contains(body, want) {
				t.Fatalf("%s: %s", path, body)
			}
		}
	}
}

// TestOrderByEitherName: an order is found by the client's name and by ours.
func TestOrderByEitherName(t *testing.T) {
	d := &desk{orders: []protocol.NumberOrder{fullOrder()}}
	h := serve(d)
	_, mine := ask(h, request("GET", "/pool/orders/spring-1", ""))
	status, ours := ask(h, request("GET", "/pool/orders/"+d.orders[0].ID.String(), ""))
	if status != http.StatusOK || mine != ours {
		t.Error(status, mine, ours)
	}
}
