package api_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"maskswitch/actors/protocol"
	"maskswitch/http/api"
)

// good is a body that createBooking takes, with a place for one more member.
func good(more string) string {
	return `{"party_a":"+13125550111","party_b":"+13125550122"` + more + `}`
}

// allTerms are the terms that masks and idleness leave over.
const allTerms = `,"region":"US-312","region_strict":true,"on_checkout":"cut","grace_seconds":10,"recording":"dual-wav","summary":true`

// ordered is a body that orderNumbers takes, with a place for more members.
func ordered(more string) string {
	return `{"country":"US","count":2,"max_monthly_cost":"5.00"` + more + `}`
}

// TestRefusals puts every kind of bad request to the API and compares what is
// said, to the byte. Nothing of it may reach the switch.
func TestRefusals(t *testing.T) {
	post := func(path, body string) *http.Request { return request("POST", path, body) }
	patch := func(path, body string) *http.Request { return request("PATCH", path, body) }
	media := func(name, value string) *http.Request {
		r := request("POST", "/bookings", good(""))
		r.Header.Set(name, value)
		return r
	}
	unsized := request("POST", "/pool", `{"numbers":["`+strings.Repeat("1", 1<<20)+`"]}`)
	unsized.ContentLength = -1
	broken := request("POST", "/bookings", "")
	broken.Body = brokenBody{}
	many := strings.Repeat(`"+13125550100",`, 10_001)

	cases := []struct {
		story string
		r     *http.Request
	}{
		{"no body", post("/pool", "")},
		{"only spaces", post("/pool", " \r\n\t")},
		{"no numbers", post("/pool", `{}`)},
		{"numbers null", post("/pool", `{"numbers":null}`)},
		{"numbers empty", post("/pool", `{"numbers":[]}`)},
		{"numbers a string", post("/pool", `{"numbers":"+13125550100"}`)},
		{"numbers an object", post("/pool", `{"numbers":{}}`)},
		{"an array", post("/pool", `["+13125550100"]`)},
		{"null", post("/pool", `null`)},
		{"a string", post("/pool", `"numbers"`)},
		{"number as a number", post("/pool", `{"numbers":["+13125550100",13125550101]}`)},
		{"null among numbers", post("/pool", `{"numbers":["+13125550100",null]}`)},
		{"empty among numbers", post("/pool", `{"numbers":["+13125550100","+13125550101",""]}`)},
		{"digits after a comma", post("/pool", `{"numbers":["+13125550100","+13125550101","+13125550102","+13125550103,,1234"]}`)},
		{"SIP address", post("/pool", `{"numbers":["sip:eve@example.com"]}`)},
		{"no plus", post("/pool", `{"numbers":["13125550100"]}`)},
		{"too short for its country", post("/pool", `{"numbers":["+1312555"]}`)},
		{"too many numbers", post("/pool", `{"numbers":[`+many[:len(many)-1]+`]}`)},
		{"misspelt member", post("/pool", `{"number":["+13125550100"]}`)},
		{"member with a capital", post("/pool", `{"Numbers":["+13125550100"]}`)},
		{"body too large", post("/pool", `{"numbers":["`+strings.Repeat("1", 1<<20)+`"]}`)},
		{"body too large, of no stated length", unsized},

		{"no body", post("/bookings", "")},
		{"no parties", post("/bookings", `{}`)},
		{"an array", post("/bookings", `[]`)},
		{"a boolean", post("/bookings", `true`)},
		{"no party_a", post("/bookings", `{"party_b":"+13125550122"}`)},
		{"no party_b", post("/bookings", `{"party_a":"+13125550111"}`)},
		{"party_a null", post("/bookings", `{"party_a":null,"party_b":"+13125550122"}`)},
		{"party_a empty", post("/bookings", `{"party_a":"","party_b":"+13125550122"}`)},
		{"party_a a number", post("/bookings", `{"party_a":13125550111,"party_b":"+13125550122"}`)},
		{"party_b an object", post("/bookings", `{"party_a":"+13125550111","party_b":{"e164":"+13125550122"}}`)},
		{"party_a with a space", post("/bookings", `{"party_a":" +13125550111","party_b":"+13125550122"}`)},
		{"party_b with digits after a comma", post("/bookings", `{"party_a":"+13125550111","party_b":"+13125550122,99"}`)},
		{"party_b a SIP address", post("/bookings", `{"party_a":"+13125550111","party_b":"sip:bob@example.com"}`)},
		{"party_b with other digits", post("/bookings", `{"party_a":"+13125550111","party_b":"+١٣١٢٥٥٥٠١٢٢"}`)},
		{"party_b too long for its country", post("/bookings", `{"party_a":"+13125550111","party_b":"+131255501221"}`)},
		{"one phone in both roles", post("/bookings", `{"party_a":"+13125550111","party_b":"+13125550111"}`)},
		{"booking_id with a slash", post("/bookings", good(`,"booking_id":"a/b"`))},
		{"booking_id with a space", post("/bookings", good(`,"booking_id":"bk 123"`))},
		{"booking_id with a percent sign", post("/bookings", good(`,"booking_id":"bk%2f"`))},
		{"booking_id with a question mark", post("/bookings", good(`,"booking_id":"bk?"`))},
		{"booking_id beyond ASCII", post("/bookings", good(`,"booking_id":"bök"`))},
		{"booking_id with a control character", post("/bookings", good(`,"booking_id":"bk\u0000"`))},
		{"booking_id of dots", post("/bookings", good(`,"booking_id":".."`))},
		{"booking_id too long", post("/bookings", good(`,"booking_id":"`+strings.Repeat("b", 129)+`"`))},
		{"booking_id a number", post("/bookings", good(`,"booking_id":123`))},
		{"duration zero", post("/bookings", good(`,"duration_hours":0`))},
		{"duration minus zero", post("/bookings", good(`,"duration_hours":-0.0`))},
		{"duration negative", post("/bookings", good(`,"duration_hours":-1`))},
		{"duration tiny", post("/bookings", good(`,"duration_hours":1e-300`))},
		{"duration above the bound", post("/bookings", good(`,"duration_hours":8784.5`))},
		{"duration beyond a float", post("/bookings", good(`,"duration_hours":1e999`))},
		{"duration a string", post("/bookings", good(`,"duration_hours":"24"`))},
		{"duration NaN", post("/bookings", good(`,"duration_hours":NaN`))},
		{"duration a boolean", post("/bookings", good(`,"duration_hours":true`))},
		{"unknown member", post("/bookings", good(`,"duration":24`))},
		{"unknown member with a long name", post("/bookings", good(`,"`+strings.Repeat("ä", 100)+`":1`))},
		{"unknown member with a slash", post("/bookings", good(`,"a/b~c":1`))},
		{"a member twice", post("/bookings", good(`,"party_a":"+13125550133"`))},
		{"broken JSON", post("/bookings", `{"party_a":}`)},
		{"single quotes", post("/bookings", `{'party_a':'+13125550111'}`)},
		{"a form", post("/bookings", `party_a=%2B13125550111`)},
		{"cut short", post("/bookings", `{"party_a":"+13125`)},
		{"something behind it", post("/bookings", good("")+good(""))},
		{"a letter behind it", post("/bookings", good("")+" x")},
		{"a comma too many", post("/bookings", good(","))},
		{"not UTF-8", post("/bookings", good(",\"booking_id\":\"\xff\""))},
		{"half a surrogate", post("/bookings", good(`,"booking_id":"\ud800"`))},
		{"byte order mark", post("/bookings", "\ufeff"+good(""))},
		{"body that breaks off", broken},
		{"a form's type", media("Content-Type", "application/x-www-form-urlencoded")},
		{"text", media("Content-Type", "text/plain")},
		{"a type that is none", media("Content-Type", "json")},
		{"another charset", media("Content-Type", "application/json; charset=latin1")},
		{"compressed", media("Content-Encoding", "gzip")},

		{"masks of no kind", post("/bookings", good(`,"masks":"both"`))},
		{"masks empty", post("/bookings", good(`,"masks":""`))},
		{"masks with a capital", post("/bookings", good(`,"masks":"Pair"`))},
		{"masks a number", post("/bookings", good(`,"masks":2`))},
		{"region in small letters", post("/bookings", good(`,"region":"gb"`))},
		{"region of no country", post("/bookings", good(`,"region":"XX"`))},
		{"region empty", post("/bookings", good(`,"region":""`))},
		{"region with an area outside North America", post("/bookings", good(`,"region":"GB-20"`))},
		{"strict about nothing", post("/bookings", good(`,"region_strict":true`))},
		{"strict a word", post("/bookings", good(`,"region":"GB","region_strict":"yes"`))},
		{"idle zero", post("/bookings", good(`,"idle_hours":0`))},
		{"idle negative", post("/bookings", good(`,"idle_hours":-1`))},
		{"idle tiny", post("/bookings", good(`,"idle_hours":1e-9`))},
		{"idle above the bound", post("/bookings", good(`,"idle_hours":8785`))},
		{"idle a string", post("/bookings", good(`,"idle_hours":"1"`))},
		{"on_checkout of no kind", post("/bookings", good(`,"on_checkout":"hang up"`))},
		{"grace without a cut", post("/bookings", good(`,"grace_seconds":30`))},
		{"grace, and calls finish", post("/bookings", good(`,"on_checkout":"finish","grace_seconds":0`))},
		{"grace negative", post("/bookings", good(`,"on_checkout":"cut","grace_seconds":-1`))},
		{"grace above the bound", post("/bookings", good(`,"on_checkout":"cut","grace_seconds":601`))},
		{"grace of half a second", post("/bookings", good(`,"on_checkout":"cut","grace_seconds":0.5`))},
		{"a term twice", post("/bookings", good(`,"masks":"pair","masks":"pair"`))},

		{"no body", patch("/bookings/bk_1", "")},
		{"no end", patch("/bookings/bk_1", `{}`)},
		{"ends null", patch("/bookings/bk_1", `{"expires_at":null,"extend_hours":null}`)},
		{"two ends", patch("/bookings/bk_1", `{"expires_at":1767312000,"extend_hours":1}`)},
		{"two ends, one of them wrong", patch("/bookings/bk_1", `{"shorten_hours":0,"extend_hours":1}`)},
		{"expires_at in milliseconds", patch("/bookings/bk_1", `{"expires_at":1767312000000}`)},
		{"expires_at with a fraction", patch("/bookings/bk_1", `{"expires_at":1767312000.5}`)},
		{"expires_at a string", patch("/bookings/bk_1", `{"expires_at":"1767312000"}`)},
		{"expires_at a date", patch("/bookings/bk_1", `{"expires_at":"2026-01-02T00:00:00Z"}`)},
		{"expires_at negative", patch("/bookings/bk_1", `{"expires_at":-1}`)},
		{"extend by nothing", patch("/bookings/bk_1", `{"extend_hours":0}`)},
		{"extend backwards", patch("/bookings/bk_1", `{"extend_hours":-1}`)},
		{"extend too far", patch("/bookings/bk_1", `{"extend_hours":8785}`)},
		{"shorten by less than a millisecond", patch("/bookings/bk_1", `{"shorten_hours":1e-9}`)},
		{"another member", patch("/bookings/bk_1", `{"party_a":"+13125550111"}`)},
		{"an id that can be nobody's", patch("/bookings/bk%20123", `{"extend_hours":1}`)},

		{"limit too large", request("GET", "/pool?limit=1001", "")},
		{"cursor with a plus", request("GET", "/pool?cursor=%2B13125550100", "")},
		{"cursor of nobody", request("GET", "/pool?cursor=bk_1", "")},
		{"unknown state", request("GET", "/pool?state=live", "")},
		{"state empty", request("GET", "/pool?state=", "")},
		{"unknown region", request("GET", "/pool?region=us", "")},
		{"unknown parameter", request("GET", "/pool?status=serving", "")},
		{"a parameter twice", request("GET", "/pool?state=serving&state=resting", "")},

		{"no number", request("GET", "/pool/numbers", "")},
		{"number without a plus", request("GET", "/pool/13125550100", "")},
		{"number with a space", request("DELETE", "/pool/%2B1312%205550100", "")},
		{"number with digits after a comma", patch("/pool/+13125550100,1", `{"state":"serving"}`)},
		{"number impossible", request("GET", "/pool/+1312555", "")},
		{"a slash too many", request("GET", "/pool/", "")},
		{"a slash behind a number", request("GET", "/pool/+13125550100/", "")},

		{"no body", patch("/pool/+13125550100", "")},
		{"nothing to do", patch("/pool/+13125550100", `{}`)},
		{"unknown state", patch("/pool/+13125550100", `{"state":"asleep"}`)},
		{"state empty", patch("/pool/+13125550100", `{"state":"","rest_hours":1}`)},
		{"state a boolean", patch("/pool/+13125550100", `{"state":true}`)},
		{"two ends of the rest", patch("/pool/+13125550100", `{"state":"resting","rest_hours":1,"rest_until":1767312000}`)},
		{"a rest that serves", patch("/pool/+13125550100", `{"state":"serving","rest_hours":1}`)},
		{"a rest that drains", patch("/pool/+13125550100", `{"state":"draining","rest_until":1767312000}`)},
		{"no rest", patch("/pool/+13125550100", `{"rest_hours":0}`)},
		{"a rest too long", patch("/pool/+13125550100", `{"state":"resting","rest_hours":8785}`)},
		{"rest_until with a fraction", patch("/pool/+13125550100", `{"rest_until":1.5}`)},
		{"misspelt member", patch("/pool/+13125550100", `{"status":"resting"}`)},

		{"force of no kind", request("DELETE", "/pool/+13125550100?force=1", "")},
		{"force empty", request("DELETE", "/pool/+13125550100?force", "")},
		{"force misspelt", request("DELETE", "/pool/+13125550100?forced=true", "")},

		{"no question", request("GET", "/pool/sizing", "")},
		{"no hours", request("GET", "/pool/sizing?bookings=1&busiest=1", "")},
		{"no busiest", request("GET", "/pool/sizing?bookings=1&hours=1", "")},
		{"bookings zero", request("GET", "/pool/sizing?bookings=0&hours=1&busiest=1", "")},
		{"bookings no number", request("GET", "/pool/sizing?bookings=many&hours=1&busiest=1", "")},
		{"bookings NaN", request("GET", "/pool/sizing?bookings=NaN&hours=1&busiest=1", "")},
		{"bookings beyond all bounds", request("GET", "/pool/sizing?bookings=1e10&hours=1&busiest=1", "")},
		{"hours infinite", request("GET", "/pool/sizing?bookings=1&hours=Inf&busiest=1", "")},
		{"half a booking", request("GET", "/pool/sizing?bookings=1&hours=1&busiest=0.5", "")},
		{"unknown parameter", request("GET", "/pool/sizing?bookings=1&hours=1&busiest=1&days=2", "")},

		{"no body", post("/pool/import", "")},
		{"no selection", post("/pool/import", `{}`)},
		{"both selections", post("/pool/import", `{"tag":"a","connection_id":"1"}`)},
		{"tag empty", post("/pool/import", `{"tag":""}`)},
		{"tag too long", post("/pool/import", `{"tag":"`+strings.Repeat("ä", 101)+`"}`)},
		{"tag with a line break", post("/pool/import", `{"tag":"a\nb"}`)},
		{"tag an array", post("/pool/import", `{"tag":["a"]}`)},
		{"connection_id empty", post("/pool/import", `{"connection_id":""}`)},
		{"connection_id with a slash", post("/pool/import", `{"connection_id":"1/2"}`)},
		{"connection_id a number", post("/pool/import", `{"connection_id":1494404757140276705}`)},

		{"no body", post("/pool/order", "")},
		{"no country", post("/pool/order", `{"count":1,"max_monthly_cost":"1"}`)},
		{"country in small letters", post("/pool/order", `{"country":"us","count":1,"max_monthly_cost":"1"}`)},
		{"country of nobody's", post("/pool/order", `{"country":"XX","count":1,"max_monthly_cost":"1"}`)},
		{"country with an area", post("/pool/order", `{"country":"US-312","count":1,"max_monthly_cost":"1"}`)},
		{"no count", post("/pool/order", `{"country":"US","max_monthly_cost":"1"}`)},
		{"count zero", post("/pool/order", `{"country":"US","count":0,"max_monthly_cost":"1"}`)},
		{"count too high", post("/pool/order", `{"country":"US","count":501,"max_monthly_cost":"1"}`)},
		{"count with a fraction", post("/pool/order", `{"country":"US","count":1.5,"max_monthly_cost":"1"}`)},
		{"count a string", post("/pool/order", `{"country":"US","count":"1","max_monthly_cost":"1"}`)},
		{"no cost", post("/pool/order", `{"country":"US","count":1}`)},
		{"cost null", post("/pool/order", `{"country":"US","count":1,"max_monthly_cost":null}`)},
		{"cost zero", post("/pool/order", `{"country":"US","count":1,"max_monthly_cost":"0.00"}`)},
		{"cost negative", post("/pool/order", `{"country":"US","count":1,"max_monthly_cost":-1}`)},
		{"cost with an exponent", post("/pool/order", `{"country":"US","count":1,"max_monthly_cost":1e3}`)},
		{"cost finer than is kept", post("/pool/order", `{"country":"US","count":1,"max_monthly_cost":"1.00001"}`)},
		{"cost beyond all bounds", post("/pool/order", `{"country":"US","count":1,"max_monthly_cost":1000000000000}`)},
		{"cost with a sign of a currency", post("/pool/order", `{"country":"US","count":1,"max_monthly_cost":"$1"}`)},
		{"cost empty", post("/pool/order", `{"country":"US","count":1,"max_monthly_cost":""}`)},
		{"cost an object", post("/pool/order", `{"country":"US","count":1,"max_monthly_cost":{"usd":1,"usd":2}}`)},
		{"cost an array", post("/pool/order", `{"country":"US","count":1,"max_monthly_cost":[1]}`)},
		{"cost with half a surrogate", post("/pool/order", `{"country":"US","count":1,"max_monthly_cost":"\ud800"}`)},
		{"area code with letters", post("/pool/order", ordered(`,"area_code":"31x"`))},
		{"area code empty", post("/pool/order", ordered(`,"area_code":""`))},
		{"area code too long", post("/pool/order", ordered(`,"area_code":"123456"`))},
		{"area code a number", post("/pool/order", ordered(`,"area_code":312`))},
		{"order_id with a slash", post("/pool/order", ordered(`,"order_id":"o/1"`))},
		{"connection_id with a space", post("/pool/order", ordered(`,"connection_id":"1 2"`))},
		{"unknown member", post("/pool/order", ordered(`,"max_cost":1`))},

		{"limit zero", request("GET", "/pool/orders?limit=0", "")},
		{"unknown parameter", request("GET", "/pool/orders?cursor=1", "")},
		{"an order that can be nobody's", request("GET", "/pool/orders/o%201", "")},

		{"limit zero", request("GET", "/bookings?limit=0", "")},
		{"limit too large", request("GET", "/bookings?limit=1001", "")},
		{"limit no number", request("GET", "/bookings?limit=ten", "")},
		{"limit empty", request("GET", "/bookings?limit=", "")},
		{"cursor of nobody", request("GET", "/bookings?cursor=abc", "")},
		{"cursor empty", request("GET", "/bookings?cursor=", "")},
		{"unknown status", request("GET", "/bookings?status=active", "")},
		{"party no number", request("GET", "/bookings?party=bob", "")},
		{"party impossible", request("GET", "/bookings?party=%2B1312555", "")},
		{"unknown parameter", request("GET", "/bookings?page=2", "")},
		{"parameter not UTF-8", request("GET", "/bookings?%ff=2", "")},
		{"a parameter twice", request("GET", "/bookings?limit=1&limit=2", "")},
		{"broken escape", request("GET", "/bookings?limit=%zz", "")},
		{"two faults", request("GET", "/bookings?status=x&limit=x", "")},

		{"an id that can be nobody's", request("GET", "/bookings/bk%20123", "")},
		{"an id of dots", request("DELETE", "/bookings/%2E%2E", "")},
		{"an id too long", request("DELETE", "/bookings/"+strings.Repeat("b", 129), "")},

		{"no such path", request("GET", "/nothing", "")},
		{"a slash too many", request("GET", "/bookings/", "")},
		{"two slashes", request("POST", "//bookings", good(""))},
		{"an escaped slash", request("GET", "/bookings/a%2Fb", "")},
		{"dots in the path", request("POST", "/pool/../bookings", good(""))},
		{"wrong method", request("PUT", "/pool", "")},
		{"wrong method, of a fixed path", request("DELETE", "/pool/orders", "")},
		{"wrong method, of a number", request("POST", "/pool/+13125550100", "{}")},
		{"wrong method", request("PATCH", "/bookings", good(""))},
		{"wrong method", request("POST", "/bookings/bk_123", "{}")},
		{"method of nobody's", request("FROB", "/health", "")},
		{"the carrier with a GET", request("GET", "/webhooks/voice", "")},
	}
	var out strings.Builder
	for _, c := range []struct{ story, target string }{
		{"a time that is none", "/calls?from=yesterday"},
		{"a time before all times", "/calls?to=-1"},
		{"an end before the beginning", "/calls?from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z"},
		{"an outcome that is none", "/calls?outcome=lost"},
		{"an empty outcome", "/calls?outcome="},
		{"a number that is none", "/calls?number=13125550100"},
		{"an order that is none", "/calls?order=random"},
		{"a cursor that is none", "/calls?cursor=1"},
		{"a filter that is none", "/calls?booking=bk_1"},
		{"nobody rings", "/explain?to=%2B13125550100"},
		{"nobody is rung", "/explain?from=%2B13125550100"},
		{"no number rings", "/explain?from=me&to=%2B13125550100"},
		{"a word too many", "/explain?from=%2B13125550111&to=%2B13125550100&when=now"},
	} {
		cases = append(cases, struct {
			story string
			r     *http.Request
		}{c.story, request("GET", c.target, "")})
	}
	picture := request("GET", "/calls", "")
	picture.Header.Set("Accept", "image/png, text/csv;q=0")
	cases = append(cases, struct {
		story string
		r     *http.Request
	}{"a form that it has not", picture})
	d := &desk{}
	h := serve(d, func(c *api.Config) { c.Webhook = http.NotFoundHandler() })
	for _, c := range cases {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, c.r)
		fmt.Fprintf(&out, "%s %s: %s\n  %d %s", c.r.Method, c.r.URL.Path[:min(40, len(c.r.URL.Path))], c.story, w.Code, w.Body)
		if allow := w.Header().Get("Allow"); allow != "" {
			fmt.Fprintf(&out, "  Allow: %s\n", allow)
		}
		if w.Code < 400 || w.Code >= 500 {
			t.Errorf("%s: status %d", c.story, w.Code)
		}
		if (w.Code == http.StatusMethodNotAllowed) != (w.Header().Get("Allow") != "") {
			t.Errorf("%s: status %d with Allow %q", c.story, w.Code, w.Header().Get("Allow"))
		}
	}
	golden(t, "refusals.golden", out.String())
	if len(d.calls) > 0 {
		t.Errorf("the switch was asked: %v", d.calls)
	}
}

type brokenBody struct{}

func (brokenBody) Read([]byte) (int, error) { return 0, errors.New("connection reset") }
func (brokenBody) Close() error             { return nil }

// TestSwitchErrors says how each error of the switch looks from outside.
func TestSwitchErrors(t *testing.T) {
	secret := errors.New("disk /var/lib is full")
	cases := []struct {
		story string
		err   error
	}{
		{"invalid", &protocol.Error{Kind: protocol.Invalid, Code: "region_unknown", Detail: "no such region", Field: "region"}},
		{"not found", protocol.Errorf(protocol.NotFound, "booking_not_found", "no live booking has this id")},
		{"conflict", &protocol.Error{Kind: protocol.Conflict, Code: "booking_exists", Detail: "it is another's", Field: "booking_id"}},
		{"exhausted", &protocol.Error{Kind: protocol.Exhausted, Code: "pool_exhausted", Detail: "add numbers", Err: secret}},
		{"unavailable", &protocol.Error{Kind: protocol.Unavailable, Code: "recovering", Detail: "the switch starts", Err: secret}},
		{"wrapped", fmt.Errorf("open booking: %w", protocol.Errorf(protocol.Unavailable, "busy", "too busy"))},
		{"internal", &protocol.Error{Kind: protocol.Internal, Code: "journal", Detail: "secret words", Err: secret}},
		{"not ours", secret},
		{"too late", fmt.Errorf("ask pool: %w", context.DeadlineExceeded)},
		{"cancelled, but not by the client", context.Canceled},
	}
	var out strings.Builder
	for _, c := range cases {
		w := httptest.NewRecorder()
		serve(&desk{err: c.err}).ServeHTTP(w, request("POST", "/bookings", good("")))
		fmt.Fprintf(&out, "%s\n  %d %s", c.story, w.Code, w.Body)
		if retry := w.Header().Get("Retry-After"); retry != "" {
			fmt.Fprintf(&out, "  Retry-After: %s\n", retry)
		}
	}
	golden(t, "switch_errors.golden", out.String())
}
