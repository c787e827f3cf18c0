package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
	"maskswitch/http/api"
)

// shared is how an answer ends whose parties dial one number.
const shared = `,"masks":"shared","proxy_numbers":{"party_a":"+13125550100","party_b":"+13125550100"}}` + "\n"

// TestCreateBooking says what the switch is asked for, and what the client is
// told.
func TestCreateBooking(t *testing.T) {
	const day = 24 * time.Hour
	long := strings.Repeat("b", 128)
	cases := []struct {
		story, more string
		ref         protocol.Ref
		duration    time.Duration
	}{
		{"nothing more", ``, "", day},
		{"named", `,"booking_id":"bk_123"`, "bk_123", day},
		{"named with all marks", `,"booking_id":"aZ09-._~!$&'()*+,;=:@"`, "aZ09-._~!$&'()*+,;=:@", day},
		{"named as long as may be", `,"booking_id":"` + long + `"`, protocol.Ref(long), day},
		{"an empty name is none", `,"booking_id":""`, "", day},
		{"nulls are absent", `,"booking_id":null,"duration_hours":null`, "", day},
		{"whole hours", `,"duration_hours":48`, "", 2 * day},
		{"a fraction", `,"duration_hours":0.5`, "", 30 * time.Minute},
		{"a third, in whole milliseconds", `,"duration_hours":0.3333333333333333`, "", 20 * time.Minute},
		{"a second", `,"duration_hours":0.0002777777777777778`, "", time.Second},
		{"an exponent", `,"duration_hours":1.5e1`, "", 15 * time.Hour},
		{"a leap year", `,"duration_hours":8784`, "", 366 * day},
		{"escapes", `,"booking_\u0069d":"bk\u005f1"`, "bk_1", day},
	}
	for _, c := range cases {
		d := &desk{}
		status, body := ask(serve(d), request("POST", "/bookings", " "+good(c.more)+"\n"))
		want := []any{protocol.OpenBooking{Ref: c.ref, PartyA: alice, PartyB: bob, Duration: c.duration}}
		if !reflect.DeepEqual(d.calls, want) {
			t.Errorf("%s: the switch was asked\n%+v, want\n%+v", c.story, d.calls, want)
		}
		name := string(c.ref)
		if name == "" && len(d.bookings) == 1 {
			name = d.bookings[0].ID.String()
		}
		quoted, _ := json.Marshal(name)
		text := fmt.Sprintf(`{"status":"created","booking_id":%s,"proxy_number":"+13125550100","expires_at":%d,"repeated":false`+shared,
			strings.ReplaceAll(string(quoted), `\u0026`, "&"), epoch.Add(c.duration).Unix())
		if status != http.StatusOK || body != text {
			t.Errorf("%s: %d %s, want %s", c.story, status, body, text)
		}
	}
}

func TestMaxBookingHours(t *testing.T) {
	h := serve(&desk{}, func(c *api.Config) { c.MaxBookingHours = 10 })
	if status, body := ask(h, request("POST", "/bookings", good(`,"duration_hours":10`))); status != http.StatusOK {
		t.Error(status, body)
	}
	if status, body := ask(h, request("POST", "/bookings", good(`,"duration_hours":10.1`))); status != http.StatusBadRequest {
		t.Error(status, body)
	}
}

// TestRepeatedBooking: the same request again gets the same booking, a
// different one under the same name is refused.
func TestRepeatedBooking(t *testing.T) {
	h := serve(&desk{})
	first := `{"status":"created","booking_id":"bk_1","proxy_number":"+13125550100","expires_at":1767312000,"repeated":false` + shared
	if _, body := ask(h, request("POST", "/bookings", good(`,"booking_id":"bk_1"`))); body != first {
		t.Error("first:", body)
	}
	again := strings.Replace(first, "false", "true", 1)
	if status, body := ask(h, request("POST", "/bookings", good(`,"booking_id":"bk_1"`))); status != http.StatusOK || body != again {
		t.Error("again:", status, body)
	}
	if status, body := ask(h, request("POST", "/bookings", good(`,"booking_id":"bk_1","duration_hours":1`))); status != http.StatusConflict {
		t.Error("different:", status, body)
	}
}

func TestAddNumbers(t *testing.T) {
	d := &desk{}
	status, body := ask(serve(d), request("POST", "/pool", `{"numbers":["+13125550111","+13125550100","+13125550111"]}`))
	if want := []any{[]phone.Number{alice, proxy}}; !reflect.DeepEqual(d.calls, want) {
		t.Errorf("the switch was asked %+v, want %+v", d.calls, want)
	}
	if want := `{"status":"added","pool_size":2,"added":2}` + "\n"; status != http.StatusOK || body != want {
		t.Error(status, body)
	}
	many := make([]string, 10_000)
	for i := range many {
		many[i] = fmt.Sprintf(`"+1312555%04d"`, i)
	}
	if status, body := ask(serve(d), request("POST", "/pool", `{"numbers":[`+strings.Join(many, ",")+`]}`)); status != http.StatusOK {
		t.Error("ten thousand:", status, body)
	}
}

// TestMediaTypes: what was taken always, is taken still.
func TestMediaTypes(t *testing.T) {
	for _, media := range []string{"", "application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8"} {
		r := request("POST", "/bookings", good(""))
		r.Header.Set("Content-Type", media)
		if status, body := ask(serve(&desk{}), r); status != http.StatusOK {
			t.Errorf("%q: %d %s", media, status, body)
		}
	}
}

// TestLife follows bookings, numbers and orders through the routes, those that
// the replaced application had first, to the byte.
func TestLife(t *testing.T) { atEpoch(t, testLife) }

func testLife(t *testing.T) {
	d := stocked()
	d.orders = []protocol.NumberOrder{fullOrder()}
	h := serve(d)
	var out strings.Builder
	for _, step := range []struct{ method, target, body string }{
		{"POST", "/pool", `{"numbers":["+13125550100"]}`},
		{"POST", "/bookings", good(`,"booking_id":"bk_123"`)},
		{"GET", "/bookings", ""},
		{"GET", "/bookings/bk_123", ""},
		{"GET", "/bookings/bk%5F123", ""},
		{"GET", "/bookings?status=quarantine", ""},
		{"GET", "/health", ""},
		{"DELETE", "/bookings/bk_123", ""},
		{"DELETE", "/bookings/bk_123", ""},
		{"GET", "/bookings", ""},
		{"GET", "/bookings/bk_123", ""},
		{"GET", "/bookings?status=quarantine", ""},
		{"GET", "/bookings/bk_124", ""},
		{"POST", "/bookings", good(`,"booking_id":"bk_125","masks":"pair","idle_hours":0.5` + allTerms)},
		{"PATCH", "/bookings/bk_125", `{"extend_hours":1}`},
		{"GET", "/bookings/bk_125", ""},
		{"GET", "/pool", ""},
		{"PATCH", "/pool/+13125550100", `{"state":"resting","rest_hours":12}`},
		{"GET", "/pool/%2B13125550100", ""},
		{"DELETE", "/pool/+13125550101", ""},
		{"DELETE", "/pool/+13125550100?force=true", ""},
		{"DELETE", "/pool/+13125550100", ""},
		{"GET", "/pool/headroom", ""},
		{"GET", "/pool/sizing?bookings=20000&hours=48&busiest=120", ""},
		{"POST", "/pool/import", `{"tag":"maskswitch"}`},
		{"POST", "/pool/order", ordered(`,"area_code":"312","order_id":"o/1"`)},
		{"POST", "/pool/order", ordered(`,"area_code":"312","order_id":"o1"`)},
		{"POST", "/pool/order", ordered(`,"area_code":"312","order_id":"o1"`)},
		{"POST", "/pool/order", ordered(`,"order_id":"o1"`)},
		{"GET", "/pool/orders/o1", ""},
		{"GET", "/pool/orders/spring-1", ""},
		{"GET", "/pool/orders?limit=1", ""},
	} {
		status, body := ask(h, request(step.method, step.target, step.body))
		fmt.Fprintf(&out, "%s %s %s\n  %d %s", step.method, step.target, step.body, status, varying(body))
	}
	golden(t, "life.golden", out.String())
}

var ourID = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`)

// varying hides the ids that we give, which are random.
func varying(s string) string { return ourID.ReplaceAllString(s, "(our id)") }

// TestPathIDs: what is in the path reaches the switch as the client meant it.
func TestPathIDs(t *testing.T) {
	for _, id := range []string{"bk_123", "a:b@c", "a+b", "a&b=c;d", "(x)*!~$',", strings.Repeat("b", 128)} {
		for _, escaped := range []string{id, url.PathEscape(id), everyByte(id)} {
			d := &desk{}
			ask(serve(d), request("GET", "/bookings/"+escaped, ""))
			ask(serve(d), request("DELETE", "/bookings/"+escaped, ""))
			if !reflect.DeepEqual(d.calls, []any{id, id}) {
				t.Errorf("%s: the switch was asked %q", escaped, d.calls)
			}
		}
	}
}

func everyByte(s string) string {
	var out strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&out, "%%%02X", s[i])
	}
	return out.String()
}

func TestListParameters(t *testing.T) {
	d := &desk{}
	ask(serve(d), request("POST", "/bookings", good("")))
	cursor := d.bookings[0].ID
	cases := []struct {
		query string
		want  protocol.BookingQuery
	}{
		{"", protocol.BookingQuery{Limit: 101}},
		{"limit=1", protocol.BookingQuery{Limit: 2}},
		{"limit=1000", protocol.BookingQuery{Limit: 1001}},
		{"status=live", protocol.BookingQuery{Limit: 101}},
		{"status=quarantine", protocol.BookingQuery{State: protocol.BookingQuarantined, Limit: 101}},
		{"status=closed", protocol.BookingQuery{State: protocol.BookingClosed, Limit: 101}},
		{"party=%2B13125550111", protocol.BookingQuery{Party: alice, Limit: 101}},
		{"party=+13125550111", protocol.BookingQuery{Party: alice, Limit: 101}},
		{"cursor=" + cursor.String(), protocol.BookingQuery{After: cursor, Limit: 101}},
		{
			"party=%2B13125550122&status=closed&limit=20&cursor=" + cursor.String(),
			protocol.BookingQuery{State: protocol.BookingClosed, Party: bob, After: cursor, Limit: 21},
		},
	}
	for _, c := range cases {
		d.calls = nil
		status, body := ask(serve(d), request("GET", "/bookings?"+c.query, ""))
		if status != http.StatusOK || !reflect.DeepEqual(d.calls, []any{c.want, "headcount"}) {
			t.Errorf("%s: %d %s; the switch was asked %+v", c.query, status, body, d.calls)
		}
	}
}

// TestPages walks through a list whose length is and is not a multiple of the
// page's, and meets every booking once.
func TestPages(t *testing.T) {
	for _, total := range []int{0, 1, 9, 10, 11, 30} {
		d := &desk{}
		h := serve(d)
		for i := range total {
			ask(h, request("POST", "/bookings", good(fmt.Sprintf(`,"booking_id":"bk_%d"`, i))))
		}
		seen, pages, cursor := 0, 0, ""
		for {
			var page struct {
				Bookings []struct {
					BookingID string `json:"booking_id"`
				} `json:"bookings"`
				Next string `json:"next_cursor"`
			}
			_, body := ask(h, request("GET", "/bookings?limit=10"+cursor, ""))
			if err := json.Unmarshal([]byte(body), &page); err != nil || page.Bookings == nil {
				t.Fatal(err, body)
			}
			for _, b := range page.Bookings {
				if b.BookingID != fmt.Sprintf("bk_%d", seen) {
					t.Fatalf("of %d: %s comes as number %d", total, b.BookingID, seen)
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

func TestHealth(t *testing.T) {
	d := &desk{err: protocol.Errorf(protocol.Unavailable, "recovering", "the switch starts")}
	w := httptest.NewRecorder()
	serve(d).ServeHTTP(w, request("GET", "/health", ""))
	want := `{"status":"unavailable","service":"edge-number-masking","error":"Temporarily unavailable",` +
		`"code":"unavailable","detail":"the switch cannot answer at the moment"}` + "\n"
	if w.Code != http.StatusServiceUnavailable || w.Body.String() != want || w.Header().Get("Retry-After") != "1" {
		t.Error(w.Code, w.Body, w.Header())
	}
}

// TestPatience: a switch that does not answer is given up, sooner by a probe,
// later where the carrier or many bookings are waited for.
func TestPatience(t *testing.T) {
	for target, want := range map[string]time.Duration{
		"GET /health": 2 * time.Second, "GET /bookings": 10 * time.Second, "GET /pool/+13125550100": 10 * time.Second,
		"DELETE /pool/+13125550100": 45 * time.Second, "POST /pool/import": 45 * time.Second,
	} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			h := serve(&desk{before: func(ctx context.Context) error { <-ctx.Done(); return fmt.Errorf("ask pool: %w", ctx.Err()) }})
			w := httptest.NewRecorder()
			method, path, _ := strings.Cut(target, " ")
			body := ""
			if method == "POST" {
				body = `{"tag":"maskswitch"}`
			}
			h.ServeHTTP(w, request(method, path, body))
			if took := time.Since(start); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "1" || took != want {
				t.Error(target, w.Code, w.Body, took)
			}
		})
	}
}
