package telnyx

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// Each kind of request to the numbers API, by name.
var numbersCalls = map[string]func(context.Context, *Client) error{
	"search": func(ctx context.Context, c *Client) error {
		_, err := c.SearchNumbers(ctx, protocol.NumberSearch{Country: "US", Limit: 1})
		return err
	},
	"buy": func(ctx context.Context, c *Client) error {
		n, _ := phone.Parse("+13125550199")
		_, err := c.BuyNumbers(ctx, protocol.NumberPurchase{Numbers: []phone.Number{n}, Connection: "77", Reference: "r"})
		return err
	},
	"order":  func(ctx context.Context, c *Client) error { _, err := c.CarrierOrder(ctx, "o-1"); return err },
	"orders": func(ctx context.Context, c *Client) error { _, err := c.CarrierOrders(ctx, "r"); return err },
	"owned": func(ctx context.Context, c *Client) error {
		_, err := c.OwnedNumbers(ctx, protocol.OwnedQuery{Tag: "pool"})
		return err
	},
	"assign": func(ctx context.Context, c *Client) error {
		return c.AssignNumber(ctx, protocol.NumberAssignment{ID: "7001", Connection: "77"})
	},
}

var numbersFaults = []struct {
	story    string
	line     func(*http.Request) (*http.Response, error)
	remedy   protocol.Remedy
	unsure   bool // of a purchase
	code     string
	status   int
	after    time.Duration
	attempts int    // of a question
	detail   string // is part of it
}{
	{"key revoked", says(401, fault("10009", "Authentication failed", "")), protocol.RemedyNone, false, "10009", 401, 0, 1, "Authentication failed"},
	{"no funds", says(403, fault("20100", "Insufficient Funds", "")), protocol.RemedyNone, false, "20100", 403, 0, 1, "Funds"},
	{"account blocked", says(403, fault("20013", "Blocked", "")), protocol.RemedyNone, false, "20013", 403, 0, 1, ""},
	{"not searched for", says(400, fault("85000", "x", "")), protocol.RemedySearch, false, "85000", 400, 0, 1, ""},
	{"gone", says(422, fault("85001", "x", "number +13125550199 is gone")), protocol.RemedySearch, false, "85001", 422, 0, 1, "***99"},
	{"reserved", says(409, fault("85006", "x", "")), protocol.RemedySearch, false, "85006", 409, 0, 1, ""},
	{"bad request", says(422, fault("10015", "x", "")), protocol.RemedyNone, false, "10015", 422, 0, 1, ""},
	{"throttled", says(429, fault("10011", "x", ""), "Retry-After", "7"), protocol.RemedyLater, false, "10011", 429, 7 * time.Second, mostAttempts, ""},
	{"throttled, by the other header", says(429, "", "X-Ratelimit-Reset", "5"), protocol.RemedyLater, false, "", 429, 5 * time.Second, mostAttempts, "Too Many"},
	{"a fault", says(500, "oops"), protocol.RemedyLater, true, "", 500, 0, mostAttempts, "Internal"},
	{"down", says(503, "", "Retry-After", "3"), protocol.RemedyLater, true, "", 503, 3 * time.Second, mostAttempts, ""},
	{"their own time-out, as a 4xx", says(422, fault("10008", "Timeout", "")), protocol.RemedyLater, true, "10008", 422, 0, mostAttempts, ""},
	{"too slow for somebody on the way", says(408, ""), protocol.RemedyLater, true, "", 408, 0, mostAttempts, ""},
	{"a redirect", says(307, "", "Location", "https://elsewhere.example/"), protocol.RemedyNone, false, "", 307, 0, 1, "base URL"},
	{"nothing there", says(404, "<html>"), protocol.RemedyNone, false, "", 404, 0, 1, "Not Found"},
	{"broken", breaks, protocol.RemedyLater, true, "", 0, 0, mostAttempts, "connection reset"},
	{"silence", hangs, protocol.RemedyLater, true, "", 0, 0, mostAttempts, "no answer"},
}

func TestNumbersFaults(t *testing.T) {
	for _, test := range numbersFaults {
		for name, call := range numbersCalls {
			t.Run(test.story+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					attempts := 0
					c := newClient(t, carrier(func(r *http.Request) (*http.Response, error) {
						attempts++
						_, replayable := r.Header["Idempotency-Key"]
						if buys := name == "buy"; buys == replayable {
							t.Errorf("the transport may repeat it: %t", replayable)
						}
						return test.line(r)
					}))
					err := call(t.Context(), c)
					var got *protocol.NumbersError
					if !errors.As(err, &got) {
						t.Fatalf("error %v", err)
					}
					want, unsure := test.attempts, false
					if name == "buy" {
						want, unsure = 1, test.unsure
					}
					if attempts != want || got.Remedy != test.remedy || got.Unsure != unsure || got.Code != test.code ||
						got.Status != test.status || got.After != test.after || !strings.Contains(got.Detail, test.detail) {
						t.Errorf("after %d attempts %+v, want %d and %+v", attempts, got, want, test)
					}
					if strings.Contains(err.Error(), "5550199") || strings.Contains(err.Error(), testKey) {
						t.Errorf("the error tells too much: %v", err)
					}
				})
			})
		}
	}
}

// TestAPurchaseWithoutAName is taken, and its answer does not say what it is
// called: nobody knows, so it must be looked for.
func TestAPurchaseWithoutAName(t *testing.T) {
	for _, body := range []string{"", "{}", `{"data":null}`, `{"data":{"status":"pending"}}`, `{"data":{"id":"o1","status":"done"}}`, `{"data":{"id":"a/b","status":"pending"}}`} {
		c := newClient(t, carrier(says(200, body)))
		_, err := c.BuyNumbers(t.Context(), protocol.NumberPurchase{})
		var got *protocol.NumbersError
		if !errors.As(err, &got) || !got.Unsure || got.Remedy != protocol.RemedyLater {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestQuestionsEndWithTheirContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, carrier(hangs))
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()
		if err := numbersCalls["owned"](ctx, c); err == nil || time.Since(began) != 3*time.Second {
			t.Errorf("%v after %s", err, time.Since(began))
		}
	})
}

// TestFewQuestionsAtOnce holds the carrier's answers and counts who waits there.
func TestFewQuestionsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open, arrived := make(chan struct{}), make(chan struct{}, 100)
		c := newClient(t, carrier(func(*http.Request) (*http.Response, error) {
			arrived <- struct{}{}
			<-open
			return answer(200, `{"data":[],"meta":{"total_pages":0}}`), nil
		}))
		for range 20 {
			go numbersCalls["owned"](t.Context(), c)
		}
		synctest.Wait()
		if n := len(arrived); n != mostQuestions {
			t.Errorf("%d requests are with the carrier, want %d", n, mostQuestions)
		}
		close(open)
		synctest.Wait()
		if n := len(arrived); n != 20 {
			t.Errorf("%d requests in all", n)
		}
	})
}

func TestTooManyPages(t *testing.T) {
	c := newClient(t, carrier(says(200, fmt.Sprintf(`{"data":[],"meta":{"total_pages":%d}}`, mostPages+1))))
	if _, err := c.OwnedNumbers(t.Context(), protocol.OwnedQuery{}); err == nil || !strings.Contains(err.Error(), "select fewer") {
		t.Errorf("%v", err)
	}
}

// TestPagesThatShift shows a number twice, as happens when somebody removes one
// while the pages are read.
func TestPagesThatShift(t *testing.T) {
	row := `{"id":"1","phone_number":"+13125550199","status":"active","tags":[]}`
	c := newClient(t, carrier(says(200, `{"data":[`+row+`],"meta":{"total_pages":2}}`)))
	if got, err := c.OwnedNumbers(t.Context(), protocol.OwnedQuery{}); err != nil || len(got) != 1 {
		t.Errorf("%d numbers, %v", len(got), err)
	}
}

// TestTheFilterByNumberFindsParts has the carrier answer with another number that
// contains the digits.
func TestTheFilterByNumberFindsParts(t *testing.T) {
	c := newClient(t, carrier(func(r *http.Request) (*http.Response, error) {
		if got := r.URL.Query().Get("filter[phone_number]"); got != "13125550199" {
			t.Errorf("asked for %q", got)
		}
		return answer(200, `{"data":[{"id":"1","phone_number":"+131255501990","status":"active"},{"id":"2","phone_number":"+13125550199","status":"active"}],"meta":{"total_pages":1}}`), nil
	}))
	got, err := c.OwnedNumbers(t.Context(), protocol.OwnedQuery{Number: number(t, "+13125550199")})
	if err != nil || len(got) != 1 || got[0].ID != "2" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestOffersAreChecked(t *testing.T) {
	offer := func(number, monthly, rest string) string {
		return fmt.Sprintf(`{"data":[{"phone_number":%q,"cost_information":{"monthly_cost":%s,"currency":"USD"}%s}]}`, number, monthly, rest)
	}
	var tests = []struct {
		story string
		body  string
		want  []protocol.NumberOffer
		err   string // is part of it; empty: none
	}{
		{"one", offer("+13125550199", `"1.50000"`, ""), []protocol.NumberOffer{{Number: number(t, "+13125550199"), Monthly: 15_000, Currency: "USD"}}, ""},
		{"a part of a cent", offer("+13125550199", `"0.0001"`, ""), []protocol.NumberOffer{{Number: number(t, "+13125550199"), Monthly: 1, Currency: "USD"}}, ""},
		{"from elsewhere", offer("+13125550199", `"1"`, `,"best_effort":true`), nil, ""},
		{"none", `{"data":[]}`, nil, ""},
		{"no data", `{}`, nil, "no data"},
		{"broken off", `{"data":[{"phone_nu`, nil, "broke off"},
		{"a cost that money cannot hold", offer("+13125550199", `"1.00001"`, ""), nil, "monthly cost"},
		{"a cost as a number", offer("+13125550199", `1.5`, ""), nil, "another type in data"},
		{"a cost that is none", offer("+13125550199", `"free"`, ""), nil, "monthly cost"},
		{"a negative cost", offer("+13125550199", `"-1"`, ""), nil, "monthly cost"},
		{"an empty cost", offer("+13125550199", `""`, ""), nil, "monthly cost"},
		{"no cost", `{"data":[{"phone_number":"+13125550199"}]}`, nil, "what the number costs"},
		{"no currency", `{"data":[{"phone_number":"+13125550199","cost_information":{"monthly_cost":"1"}}]}`, nil, "currency"},
		{"a bad upfront cost", `{"data":[{"phone_number":"+13125550199","cost_information":{"monthly_cost":"1","upfront_cost":"x","currency":"USD"}}]}`, nil, "upfront cost"},
		{"no number", offer("", `"1"`, ""), nil, "offer 1: not an E.164"},
		{"a number without a plus", offer("13125550199", `"1"`, ""), nil, "not an E.164"},
	}
	for _, test := range tests {
		got, err := readOffers([]byte(test.body))
		if test.err == "" && (err != nil || !slices.Equal(got, test.want)) || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
			t.Errorf("%s: %+v, %v; want %+v, %q", test.story, got, err, test.want, test.err)
		}
		if err != nil && strings.Contains(err.Error(), "5550199") {
			t.Errorf("%s: a number is in the error: %v", test.story, err)
		}
	}
}

func TestOrdersAndNumbersAreChecked(t *testing.T) {
	order := func(s string) error { _, err := readOrder([]byte(s)); return err }
	rows := func(s string) error { _, _, err := readOrderRows([]byte(s)); return err }
	owned := func(s string) error { _, _, err := readOwned([]byte(s)); return err }
	const meta = `,"meta":{"total_pages":1}}`
	var tests = []struct {
		read func(string) error
		body string
		want string // is part of the error; empty: none
	}{
		{order, `{"data":{"id":"o-1","status":"pending","phone_numbers":[{"phone_number":"+13125550199","status":"success"}]}}`, ""},
		{order, `{"data":{"id":"o-1","status":"success","phone_numbers":[{"phone_number":"+13125550199"}]}}`, ""},
		{order, `{"data":{"id":"o-1","status":"partial"}}`, `status "partial"`},
		{order, `{"data":{"id":"o-1"}}`, `status ""`},
		{order, `{"data":{"id":"","status":"pending"}}`, "no id"},
		{order, `{"data":{"id":"../calls","status":"pending"}}`, "no id"},
		{order, `{"data":{"id":"o-1","status":"pending","phone_numbers":[{"phone_number":"+13125550199","status":"shipped"}]}}`, `number 1: status "shipped"`},
		{order, `{"data":{"id":"o-1","status":"pending","phone_numbers":[{"phone_number":"3125550199"}]}}`, "number 1: not an E.164"},
		{order, `{"data":[]}`, "another type"},
		{rows, `{"data":[{"id":"o-1"}]` + meta, ""},
		{rows, `{"data":[{"id":"o/1"}]` + meta, "row 1"},
		{rows, `{"data":[]}`, "how many pages"},
		{rows, `{"data":[],"meta":{"total_pages":-1}}`, "how many pages"},
		{rows, `{"meta":{"total_pages":1}}`, "no data"},
		{owned, `{"data":[{"id":"1293384261075731499","phone_number":"+13125550199","status":"active","connection_id":null,"tags":null}]` + meta, ""},
		{owned, `{"data":[{"id":"1","phone_number":"12345","status":"active"}]` + meta, ""},
		{owned, `{"data":[{"id":"1a","status":"active"}]` + meta, "row 1: its id"},
		{owned, `{"data":[{"id":"","status":"active"}]` + meta, "row 1: its id"},
		{owned, `{"data":[{"id":"123456789012345678901","status":"active"}]` + meta, "row 1: its id"},
		{owned, `{"data":[{"id":1,"status":"active"}]` + meta, "another type in data.id"},
		{owned, `{"data":[{"id":"1","status":"asleep"}]` + meta, `status "asleep"`},
	}
	for _, test := range tests {
		err := test.read(test.body)
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v, want %q", test.body, err, test.want)
		}
	}
}

// longDigits is what must be in no error: something that could be dialled.
var longDigits = regexp.MustCompile(`[0-9]{7}`)

// FuzzNumbersAnswers feeds the readers anything. What they let pass is whole, and
// what they say of the rest holds no number.
func FuzzNumbersAnswers(f *testing.F) {
	f.Add(`{"data":[{"phone_number":"+13125550199","cost_information":{"monthly_cost":"1.50000","upfront_cost":"1","currency":"USD"}}],"meta":{"total_pages":1}}`)
	f.Add(`{"data":{"id":"o-1","status":"pending","phone_numbers":[{"phone_number":"+13125550199","status":"success"}]}}`)
	f.Add(`{"data":[{"id":"1","phone_number":"+13125550199","status":"active","tags":["a"]}],"meta":{"total_pages":1}}`)
	f.Add(`{"data":[{"id":"13125550199","phone_number":"x","status":"13125550199"}],"meta":{"total_pages":1}}`)
	f.Fuzz(func(t *testing.T, body string) {
		c := newClient(t, carrier(says(200, body)))
		quiet := func(err error) {
			if err != nil && longDigits.MatchString(err.Error()) {
				t.Errorf("the error holds digits: %v", err)
			}
		}
		offers, err := c.SearchNumbers(t.Context(), protocol.NumberSearch{Country: "US", Limit: 1})
		quiet(err)
		seen := map[phone.Number]bool{}
		for _, o := range offers {
			if !o.Number.Known() || o.Monthly < 0 || o.Upfront < 0 || !isCurrency(o.Currency) || seen[o.Number] {
				t.Errorf("offer %+v", o)
			}
			seen[o.Number] = true
		}
		order, err := c.CarrierOrder(t.Context(), "o-1")
		quiet(err)
		if err == nil && !isOrderID(order.ID) {
			t.Errorf("order %+v", order)
		}
		for _, n := range order.Numbers {
			if err == nil && (!n.Number.Known() || n.Status > protocol.PurchaseFailure) {
				t.Errorf("order %+v", order)
			}
		}
		rows, total, err := readOwned([]byte(body))
		for _, n := range rows {
			if err == nil && (n.ID == "" || n.Status == "" || total < 0) {
				t.Errorf("number %+v of %d pages", n, total)
			}
		}
	})
}
