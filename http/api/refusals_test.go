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

// TestRefusals puts every kind of bad request to the API and compares what is
// said, to the byte. Nothing of it may reach the switch.
func TestRefusals(t *testing.T) {
	post := func(path, body string) *http.Request { return request("POST", path, body) }
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
		{"wrong method", request("GET", "/pool", "")},
		{"wrong method", request("PATCH", "/bookings", good(""))},
		{"wrong method", request("POST", "/bookings/bk_123", "{}")},
		{"method of nobody's", request("FROB", "/health", "")},
		{"the carrier with a GET", request("GET", "/webhooks/voice", "")},
	}
	var out strings.Builder
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
		{"not found", protocol.Errorf(protocol.NotFound, "no_such_booking", "no live booking has this id")},
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
