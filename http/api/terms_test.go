package api_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

func home(t *testing.T, text string) phone.Region {
	t.Helper()
	r, err := phone.ParseRegion(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestTerms says what the switch is asked for, and that the row shows as much.
func TestTerms(t *testing.T) {
	cut := func(grace time.Duration) protocol.Terms {
		return protocol.Terms{OnCheckout: protocol.CutCalls, Grace: grace}
	}
	for more, c := range map[string]struct {
		want  protocol.Terms
		shown string // by the row, behind the proxy numbers
	}{
		``: {},
		`,"masks":"shared","on_checkout":"finish","region_strict":false`:                          {},
		`,"masks":null,"region":null,"region_strict":null,"idle_hours":null,"grace_seconds":null`: {},
		`,"masks":"pair"`:                          {want: protocol.Terms{Masks: protocol.MasksPair}},
		`,"region":"GB"`:                           {protocol.Terms{Region: home(t, "GB")}, `,"region":"GB"`},
		`,"region":"US-312","region_strict":true`:  {protocol.Terms{Region: home(t, "US-312"), RegionStrict: true}, `,"region":"US-312","region_strict":true`},
		`,"idle_hours":0.5`:                        {protocol.Terms{Idle: 30 * time.Minute}, `,"idle_hours":0.5,"idle_ends_at":1767227400`},
		`,"idle_hours":0.3333333333333333`:         {protocol.Terms{Idle: 20 * time.Minute}, `,"idle_hours":0.3333333333333333,"idle_ends_at":1767226800`},
		`,"idle_hours":48`:                         {protocol.Terms{Idle: 48 * time.Hour}, `,"idle_hours":48,"idle_ends_at":1767312000`},
		`,"on_checkout":"cut"`:                     {cut(30 * time.Second), `,"on_checkout":"cut","grace_seconds":30`},
		`,"on_checkout":"cut","grace_seconds":0`:   {cut(0), `,"on_checkout":"cut","grace_seconds":0`},
		`,"grace_seconds":6e2,"on_checkout":"cut"`: {cut(10 * time.Minute), `,"on_checkout":"cut","grace_seconds":600`},
	} {
		d := &desk{}
		h := serve(d)
		if status, body := ask(h, request("POST", "/bookings", good(`,"booking_id":"bk_1"`+more))); status != http.StatusOK {
			t.Error(more, status, body)
			continue
		}
		want := protocol.OpenBooking{Ref: "bk_1", PartyA: alice, PartyB: bob, Duration: 24 * time.Hour, Terms: c.want}
		if !reflect.DeepEqual(d.calls, []any{want}) {
			t.Errorf("%s: the switch was asked\n%+v, want\n%+v", more, d.calls, want)
		}
		_, row := ask(h, request("GET", "/bookings/bk_1", ""))
		if _, shown, _ := strings.Cut(row, `"proxy_numbers":{`); shown[strings.Index(shown, "}")+1:] != c.shown+"}\n" ||
			!strings.Contains(row, `"expires_at":1767312000`) {
			t.Errorf("%s: the row is %s", more, row)
		}
	}
}

// TestMasks: each party is told what he dials, and the marketplace what became
// of its wish.
func TestMasks(t *testing.T) {
	const (
		one = `"proxy_numbers":{"party_a":"+13125550100","party_b":"+13125550100"}`
		two = `"proxy_numbers":{"party_a":"+13125550100","party_b":"+13125550101"}`
	)
	for _, c := range []struct {
		asked  protocol.Masks
		b      phone.Number
		want   string
		member bool // proxy_number_b is there
	}{
		{protocol.MasksShared, proxy, `"masks":"shared",` + one, false},
		{protocol.MasksPair, proxyB, `"masks":"pair",` + two, true},
		{protocol.MasksShared, proxyB, `"masks":"pair","masks_asked":"shared",` + two, true},
		{protocol.MasksPair, proxy, `"masks":"shared","masks_asked":"pair",` + one, false},
	} {
		d := &desk{}
		h := serve(d)
		body := good(`,"booking_id":"bk_1","masks":"` + c.asked.String() + `"`)
		ask(h, request("POST", "/bookings", body))
		d.bookings[0].NumberB = c.b
		for _, r := range []*http.Request{
			request("POST", "/bookings", body),
			request("GET", "/bookings/bk_1", ""),
			request("GET", "/bookings", ""),
		} {
			_, body := ask(h, r)
			member := strings.Contains(body, `"proxy_number":"+13125550100","proxy_number_b":"+13125550101"`)
			if !strings.Contains(body, c.want) || member != c.member {
				t.Error(c.asked, r.Method, r.URL, body)
			}
		}
	}
}

// TestIdleEnd: what was agreed on stays the end that is shown; idleness has its
// own. Once a booking has ended, its end is when it did.
func TestIdleEnd(t *testing.T) {
	d := &desk{}
	h := serve(d)
	ask(h, request("POST", "/bookings", good(`,"booking_id":"bk_1","idle_hours":1`)))
	if _, row := ask(h, request("GET", "/bookings/bk_1", "")); !strings.Contains(row, `"expires_at":1767312000`) ||
		!strings.Contains(row, `"idle_ends_at":1767229200`) {
		t.Error("live:", row)
	}
	d.bookings[0].State, d.bookings[0].Reason = protocol.BookingQuarantined, "idle"
	if _, row := ask(h, request("GET", "/bookings/bk_1", "")); !strings.Contains(row, `"expires_at":1767229200`) ||
		strings.Contains(row, `"idle_ends_at"`) || !strings.Contains(row, `"idle_hours":1`) {
		t.Error("ended:", row)
	}
}

// TestMoveBooking says what the switch is asked for.
func TestMoveBooking(t *testing.T) { atEpoch(t, testMoveBooking) }

func testMoveBooking(t *testing.T) {
	for body, c := range map[string]struct {
		want protocol.MoveBooking
		end  string
	}{
		`{"expires_at":1767398400}`:                      {protocol.MoveBooking{To: time.Unix(1767398400, 0)}, "1767398400"},
		`{"expires_at":1767398400.0}`:                    {protocol.MoveBooking{To: time.Unix(1767398400, 0)}, "1767398400"},
		`{"extend_hours":0.5}`:                           {protocol.MoveBooking{By: 30 * time.Minute}, "1767313800"},
		`{"shorten_hours":0.5}`:                          {protocol.MoveBooking{By: -30 * time.Minute}, "1767310200"},
		`{"shorten_hours":null,"expires_at":1767225660}`: {protocol.MoveBooking{To: time.Unix(1767225660, 0)}, "1767225660"},
	} {
		d := &desk{}
		h := serve(d)
		ask(h, request("POST", "/bookings", good(`,"booking_id":"bk_1"`)))
		d.calls = nil
		status, row := ask(h, request("PATCH", "/bookings/bk_1", body))
		if status != http.StatusOK || !strings.Contains(row, `"expires_at":`+c.end+`,`) || !reflect.DeepEqual(d.calls, []any{c.want}) {
			t.Errorf("%s: %d %s; the switch was asked %+v", body, status, row, d.calls)
		}
		if _, read := ask(h, request("GET", "/bookings/bk_1", "")); read != row {
			t.Errorf("%s: answered %s, and read %s", body, row, read)
		}
	}
}

// TestMoveBookingRefused: what the switch refuses is told with the member that
// had the new end, and an ended booking is not found.
func TestMoveBookingRefused(t *testing.T) { atEpoch(t, testMoveBookingRefused) }

func testMoveBookingRefused(t *testing.T) {
	d := &desk{}
	h := serve(d)
	ask(h, request("POST", "/bookings", good(`,"booking_id":"bk_1"`)))
	for body, field := range map[string]string{
		`{"expires_at":1767225600}`: "expires_at",
		`{"shorten_hours":24}`:      "shorten_hours",
	} {
		status, answer := ask(h, request("PATCH", "/bookings/bk_1", body))
		want := `{"error":"Invalid request","code":"out_of_range","detail":"the booking would have ended already","field":"` + field + `"}` + "\n"
		if status != http.StatusBadRequest || answer != want {
			t.Error(body, status, answer)
		}
	}
	named := &protocol.Error{Kind: protocol.Invalid, Code: "region_unknown", Detail: "no such region", Field: "region"}
	if _, answer := ask(serve(&desk{err: named}), request("PATCH", "/bookings/bk_1", `{"extend_hours":1}`)); !strings.Contains(answer, `"field":"region"`) {
		t.Error("the switch names another member:", answer)
	}
	ask(h, request("DELETE", "/bookings/bk_1", ""))
	for _, body := range []string{`{"expires_at":1767398400}`, `{"extend_hours":1}`, `{"shorten_hours":1}`} {
		if status, answer := ask(h, request("PATCH", "/bookings/bk_1", body)); status != http.StatusNotFound ||
			answer != `{"error":"Not found","code":"booking_not_found","detail":"no live booking has this id"}`+"\n" {
			t.Error(body, status, answer)
		}
	}
}
