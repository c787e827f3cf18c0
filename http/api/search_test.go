package api_test

import (
	"encoding/csv"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// connects is the explanation of a call that would be connected.
func connects() protocol.Explanation {
	return protocol.Explanation{
		InPool:  true,
		Route:   protocol.Route{Booking: protocol.BookingID{1}, Caller: protocol.PartyA, To: bob, From: proxy, Cut: true, Grace: 30 * time.Second},
		Booking: protocol.Booking{ID: protocol.BookingID{1}, Ref: "stay-7", CheckoutAt: epoch.Add(time.Hour), Terms: protocol.Terms{OnCheckout: protocol.CutCalls}},
		Consent: true, Recording: protocol.RecordDualMP3,
	}
}

// What is asked for is handed on as it is meant.
func TestSearchIsHandedOn(t *testing.T) {
	id, err := protocol.ParseCallID(callA)
	if err != nil {
		t.Fatal(err)
	}
	number, err := phone.Parse("+13125550100")
	if err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]protocol.CallSearch{
		"":                     {Newest: true, Limit: 100},
		"order=oldest&limit=7": {Limit: 7},
		"from=2026-03-01T12:00:00%2B01:00&to=1772366400.5": {
			Newest: true, Limit: 100, From: time.Date(2026, 3, 1, 11, 0, 0, 0, time.UTC), To: time.UnixMilli(1772366400500),
		},
		"from=2026-03-01T12:00:00+01:00":   {Newest: true, Limit: 100, From: time.Date(2026, 3, 1, 11, 0, 0, 0, time.UTC)},
		"outcome=busy":                     {Newest: true, Limit: 100, Outcome: protocol.OutcomeBusy},
		"outcome=live&cursor=" + callA:     {Newest: true, Limit: 100, Live: true, After: id},
		"number=+13125550100&order=newest": {Newest: true, Limit: 100, Number: number},
	} {
		d := recorded()
		if status, body := ask(serve(d), request("GET", "/calls?"+query, "")); status != 200 {
			t.Errorf("%s: %d %s", query, status, body)
			continue
		}
		got, _ := d.calls[0].(protocol.CallSearch)
		if !got.From.Equal(want.From) || !got.To.Equal(want.To) {
			t.Errorf("%s: from %v to %v, want %v to %v", query, got.From, got.To, want.From, want.To)
		}
		got.From, got.To, want.From, want.To = time.Time{}, time.Time{}, time.Time{}, time.Time{}
		if got != want {
			t.Errorf("%s: %+v, want %+v", query, got, want)
		}
	}
}

// A table has the same calls, the next page in a header, and no formulas.
func TestCallsAsATable(t *testing.T) {
	d := recorded()
	d.tape.calls[0].Reason = `=HYPERLINK("http://x")`
	r := request("GET", "/calls?limit=1&outcome=talked", "")
	r.Header.Set("Accept", "application/json;q=0.5, text/*")
	w := httptest.NewRecorder()
	serve(d).ServeHTTP(w, r)
	if media := w.Header().Get("Content-Type"); w.Code != 200 || !strings.HasPrefix(media, "text/csv") || w.Header().Get("Vary") != "Accept" {
		t.Fatalf("%d %s\n%s", w.Code, media, w.Body)
	}
	if link := w.Header().Get("Link"); link != "</calls?cursor="+callA+`&limit=1&outcome=talked>; rel="next"` {
		t.Errorf("Link: %s", link)
	}
	rows, err := csv.NewReader(w.Body).ReadAll()
	if err != nil || len(rows) != 2 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	cells := make(map[string]string)
	for i, name := range rows[0] {
		cells[name] = rows[1][i]
	}
	for name, want := range map[string]string{
		"call_id": callA, "booking_id": "bk_1", "caller": "party_b", "outcome": "talked", "talk_seconds": "60.5",
		"proxy_number": proxy.E164(), "reason": `'=HYPERLINK("http://x")`, "rang_at": "2026-01-01T00:00:00.123456Z",
	} {
		if cells[name] != want {
			t.Errorf("%s is %q, want %q", name, cells[name], want)
		}
	}
}

func TestAcceptChoosesTheForm(t *testing.T) {
	for accept, want := range map[string]string{
		"": "application/json", "*/*": "application/json", "text/csv": "text/csv", "text/*;q=0.1": "text/csv",
		"text/csv;q=0.4, application/json;q=0.5": "application/json", "text/csv, */*;q=0.1": "text/csv",
		"application/json;q=0, */*": "text/csv", "nonsense, text/csv": "text/csv", "text/csv;q=7": "", "application/xml": "",
	} {
		r := request("GET", "/calls", "")
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		serve(recorded()).ServeHTTP(w, r)
		media, _, _ := strings.Cut(w.Header().Get("Content-Type"), ";")
		if want == "" && w.Code != 406 || want != "" && (w.Code != 200 || media != want) {
			t.Errorf("Accept: %q is answered %d %s, want %q", accept, w.Code, media, want)
		}
	}
}

// TestExplain shows what is said of every kind of call.
func TestExplain(t *testing.T) {
	late := protocol.Refuse(protocol.OutcomeNoBooking, "the caller's booking has ended")
	late.Booking, late.Caller = protocol.BookingID{1}, protocol.PartyB
	booking := connects().Booking
	var out strings.Builder
	for _, e := range []protocol.Explanation{
		connects(),
		{Route: protocol.Refuse(protocol.OutcomeUnallocated, "the number called is not in the pool")},
		{InPool: true, State: protocol.NumberRetired, Route: protocol.Refuse(protocol.OutcomeUnallocated, "the number is retired")},
		{InPool: true, State: protocol.NumberDraining, Route: protocol.Refuse(protocol.OutcomeStranger, "no booking of this number knows the caller")},
		{InPool: true, Route: protocol.Refuse(protocol.OutcomeWithheld, "the caller withheld his number")},
		{InPool: true, Route: late, Booking: booking, Told: true},
		{InPool: true, Route: late, Booking: booking},
	} {
		status, body := ask(serve(&desk{explains: e}), request("GET", "/explain?from=%2B13125550111&to=%2B13125550100", ""))
		fmt.Fprintf(&out, "%d %s\n", status, body)
		for _, private := range []string{alice.E164(), bob.E164(), "+13125550111"} {
			if strings.Contains(body, private) {
				t.Errorf("a party's number is shown: %s", body)
			}
		}
	}
	golden(t, "explain.golden", out.String())
}
