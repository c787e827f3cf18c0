package telnyx_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
	"maskswitch/http/telnyx"
	"maskswitch/loadtest/carrier"
)

const application = "2811000000000000001"

// checked is a way to the carrier that holds every request and every answer
// against the carrier's own description.
type checked struct {
	t      *testing.T
	router routers.Router
	next   http.RoundTripper
}

func (c checked) RoundTrip(r *http.Request) (*http.Response, error) {
	route, params, err := c.router.FindRoute(r)
	if err != nil {
		c.t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
		return c.next.RoundTrip(r)
	}
	var raw []byte
	if r.Body != nil {
		if raw, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(raw))
		var in map[string]any
		if err := json.Unmarshal(raw, &in); err != nil {
			c.t.Errorf("%s: %v", r.URL.Path, err)
		}
		known := route.Operation.RequestBody.Value.Content["application/json"].Schema.Value.Properties
		for name := range in {
			if known[name] == nil {
				c.t.Errorf("%s %s has no member %s", r.Method, r.URL.Path, name)
			}
		}
	}
	in := &openapi3filter.RequestValidationInput{
		Request: listed(r), PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, MultiError: true, SkipSettingDefaults: true},
	}
	if err := openapi3filter.ValidateRequest(r.Context(), in); err != nil {
		c.t.Errorf("%s %s: %v", r.Method, r.URL, err)
	}
	for name := range r.URL.Query() {
		if !c.describes(route, name) {
			c.t.Errorf("%s %s has no parameter %s", r.Method, r.URL.Path, name)
		}
	}
	if raw != nil {
		r.Body = io.NopCloser(bytes.NewReader(raw))
	}
	res, err := c.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(res.Body)
	res.Body.Close()
	res.Body = io.NopCloser(bytes.NewReader(body))
	if err == nil {
		err = openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{
			RequestValidationInput: in, Status: res.StatusCode, Header: res.Header, Body: io.NopCloser(bytes.NewReader(body)),
		})
	}
	if err != nil {
		c.t.Errorf("the carrier's answer to %s %s: %v", r.Method, r.URL.Path, err)
	}
	return res, nil
}

// listed writes the one list among the parameters as the check understands it:
// the carrier's own clients join it with commas, which the description does not
// tell.
func listed(r *http.Request) *http.Request {
	const list = "filter[features]"
	query := r.URL.Query()
	if !query.Has(list) {
		return r
	}
	for i, one := range strings.Split(query.Get(list), ",") {
		query.Set(fmt.Sprintf("%s[%d]", list, i), one)
	}
	query.Del(list)
	again := r.Clone(r.Context())
	again.URL.RawQuery = query.Encode()
	return again
}

// describes says whether a parameter, such as filter[tag], is published.
func (c checked) describes(route *routers.Route, name string) bool {
	outer, inner, deep := strings.Cut(strings.TrimSuffix(name, "]"), "[")
	for _, p := range route.Operation.Parameters {
		if p.Value.Name == outer && p.Value.In == "query" && (!deep || p.Value.Schema.Value.Properties[inner] != nil) {
			return true
		}
	}
	return false
}

// market is a client and the carrier that it talks to, over real connections.
func market(t *testing.T) (*telnyx.Client, *carrier.Numbers) {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile("testdata/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	doc.Servers = nil
	fake := carrier.New(carrier.Config{ConnectionID: application, APIKey: "KEY", Logf: t.Logf})
	if err := fake.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	for path, item := range doc.Paths.Map() { // the base has a path of its own
		doc.Paths.Delete(path)
		doc.Paths.Set("/v2"+path, item)
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	wire := &http.Transport{}
	t.Cleanup(wire.CloseIdleConnections)
	c, err := telnyx.New(telnyx.Config{BaseURL: fake.BaseURL(), APIKey: "KEY", Transport: checked{t, router, wire}})
	if err != nil {
		t.Fatal(err)
	}
	return c, fake.Numbers()
}

func number(i int) phone.Number {
	n, err := phone.Parse(fmt.Sprintf("+1312555%04d", i))
	if err != nil {
		panic(err)
	}
	return n
}

func numbers(count int) (all []phone.Number) {
	for i := range count {
		all = append(all, number(i))
	}
	return all
}

func refusalOf(t *testing.T, err error) *protocol.NumbersError {
	t.Helper()
	var refusal *protocol.NumbersError
	if !errors.As(err, &refusal) {
		t.Fatalf("error %v, want a refusal of the carrier's", err)
	}
	return refusal
}

// TestNumbersAreBought goes the whole way: from the offers to a number that
// leads its calls to us.
func TestNumbersAreBought(t *testing.T) {
	c, shop := market(t)
	shop.Stock(carrier.Stock{Numbers: numbers(3), Area: "312", Monthly: "1.00000", Upfront: "0.5"},
		carrier.Stock{Numbers: []phone.Number{number(900)}, Area: "773"})
	ctx := t.Context()
	offers, err := c.SearchNumbers(ctx, protocol.NumberSearch{Country: "US", AreaCode: "312", Limit: 2})
	want := []protocol.NumberOffer{
		{Number: number(0), Monthly: 10_000, Upfront: 5_000, Currency: "USD"}, {Number: number(1), Monthly: 10_000, Upfront: 5_000, Currency: "USD"},
	}
	if err != nil || !slices.Equal(offers, want) {
		t.Fatalf("offers %+v, %v", offers, err)
	}
	shop.Behave(carrier.Trade{Pending: 1 << 40, Fails: []phone.Number{number(1)}})
	order, err := c.BuyNumbers(ctx, protocol.NumberPurchase{Numbers: numbers(2), Connection: application, Reference: "ref-1"})
	if err != nil || order.Status != protocol.PurchasePending || order.Reference != "ref-1" || len(order.Numbers) != 2 {
		t.Fatalf("order %+v, %v", order, err)
	}
	if bought := shop.Orders(); len(bought) != 1 || bought[0].ID != order.ID || bought[0].Connection != application {
		t.Fatalf("the carrier has %+v", bought)
	}
	if ids, err := c.CarrierOrders(ctx, "ref-1"); err != nil || !slices.Equal(ids, []string{order.ID}) {
		t.Errorf("orders %v, %v", ids, err)
	}
	if ids, err := c.CarrierOrders(ctx, "ref-2"); err != nil || len(ids) != 0 {
		t.Errorf("orders of another reference: %v, %v", ids, err)
	}
	shop.Behave(carrier.Trade{Requirements: true})
	if order, err = c.CarrierOrder(ctx, order.ID); err != nil || !order.Requirements || order.Status != protocol.PurchasePending {
		t.Errorf("order %+v, %v", order, err)
	}
}

func TestAnOrderEnds(t *testing.T) {
	c, shop := market(t)
	shop.Stock(carrier.Stock{Numbers: numbers(3)})
	ctx := t.Context()
	if _, err := c.SearchNumbers(ctx, protocol.NumberSearch{Country: "US", Limit: 9}); err != nil {
		t.Fatal(err)
	}
	shop.Behave(carrier.Trade{Fails: []phone.Number{number(1)}})
	placed, err := c.BuyNumbers(ctx, protocol.NumberPurchase{Numbers: numbers(2), Connection: application, Reference: "ref-1"})
	if err != nil {
		t.Fatal(err)
	}
	order, err := c.CarrierOrder(ctx, placed.ID)
	want := []protocol.OrderedNumber{{Number: number(0), Status: protocol.PurchaseSuccess}, {Number: number(1), Status: protocol.PurchaseFailure}}
	if err != nil || order.Status != protocol.PurchaseSuccess || !slices.Equal(order.Numbers, want) {
		t.Errorf("order %+v, %v", order, err)
	}
	owned, err := c.OwnedNumbers(ctx, protocol.OwnedQuery{Reference: "ref-1"})
	if err != nil || len(owned) != 1 || owned[0].Number != number(0) || owned[0].Status != protocol.OwnedActive {
		t.Fatalf("owned %+v, %v", owned, err)
	}
	assignment := protocol.NumberAssignment{ID: owned[0].ID, Connection: application, Reference: "ref-1", Tags: []string{"sales", "maskswitch"}}
	for range 2 {
		if err := c.AssignNumber(ctx, assignment); err != nil {
			t.Fatal(err)
		}
	}
	owned, err = c.OwnedNumbers(ctx, protocol.OwnedQuery{Tag: "maskswitch", Connection: application, ActiveOnly: true})
	if err != nil || len(owned) != 1 || !slices.Equal(owned[0].Tags, assignment.Tags) || owned[0].Connection != application {
		t.Errorf("owned %+v, %v", owned, err)
	}
	assignment.ID = "404"
	if refusal := refusalOf(t, c.AssignNumber(ctx, assignment)); refusal.Remedy != protocol.RemedyNone || refusal.Status != 404 {
		t.Errorf("a number that is not ours: %+v", refusal)
	}
}

func TestOwnedNumbersOfAllPages(t *testing.T) {
	c, shop := market(t)
	for i, n := range numbers(600) {
		one := carrier.Owned{Number: n, Tags: []string{"pool"}}
		if i%2 == 0 {
			one.Connection = application
		}
		shop.Own(one)
	}
	shop.Own(carrier.Owned{Text: "12345", Tags: []string{"pool"}}, carrier.Owned{Number: number(700), Status: "port-pending", Tags: []string{"pool"}})
	var tests = []struct {
		query    protocol.OwnedQuery
		want     int
		requests uint64
	}{
		{protocol.OwnedQuery{Tag: "pool"}, 602, 3},
		{protocol.OwnedQuery{Tag: "pool", ActiveOnly: true}, 601, 3},
		{protocol.OwnedQuery{Connection: application}, 300, 2},
		{protocol.OwnedQuery{Tag: "other"}, 0, 1},
		{protocol.OwnedQuery{Number: number(7)}, 1, 1},
		{protocol.OwnedQuery{Number: number(9999)}, 0, 1},
	}
	for _, test := range tests {
		before := shop.Requests()
		got, err := c.OwnedNumbers(t.Context(), test.query)
		if err != nil || len(got) != test.want || shop.Requests()-before != test.requests {
			t.Errorf("%+v: %d numbers with %d requests, %v; want %d with %d",
				test.query, len(got), shop.Requests()-before, err, test.want, test.requests)
		}
	}
}

// TestAPurchaseIsSentOnce has the answer to a purchase vanish on a connection
// that was in use before: the case in which a transport repeats what it may.
func TestAPurchaseIsSentOnce(t *testing.T) {
	var tests = []struct {
		name   string
		reply  carrier.Reply
		orders int
		unsure bool
		remedy protocol.Remedy
	}{
		{"it was taken, and nobody heard of it", carrier.Reply{Cut: carrier.CutAfter}, 1, true, protocol.RemedyLater},
		{"it was not taken, and nobody heard of it", carrier.Reply{Cut: carrier.CutBefore}, 0, true, protocol.RemedyLater},
		{"a fault", carrier.Reply{Status: 500}, 0, true, protocol.RemedyLater},
		{"busy", carrier.Reply{Status: 503}, 0, true, protocol.RemedyLater},
		{"throttled", carrier.Reply{Status: 429}, 0, false, protocol.RemedyLater},
		{"blocked", carrier.Reply{Status: 403, Code: "20100"}, 0, false, protocol.RemedyNone},
		{"gone", carrier.Reply{Status: 400, Code: "85001"}, 0, false, protocol.RemedySearch},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, shop := market(t)
			shop.Stock(carrier.Stock{Numbers: numbers(3)})
			if _, err := c.SearchNumbers(t.Context(), protocol.NumberSearch{Country: "US", Limit: 9}); err != nil {
				t.Fatal(err)
			}
			var purchases atomic.Int64
			shop.Behave(carrier.Trade{OnRequest: func(r carrier.NumbersRequest) *carrier.Reply {
				if r.Op == carrier.OpBuy {
					purchases.Add(1)
				}
				return &test.reply
			}})
			_, err := c.BuyNumbers(t.Context(), protocol.NumberPurchase{Numbers: numbers(2), Connection: application, Reference: "ref-1"})
			refusal := refusalOf(t, err)
			if refusal.Unsure != test.unsure || refusal.Remedy != test.remedy || refusal.Status != test.reply.Status {
				t.Errorf("%+v", refusal)
			}
			if n := purchases.Load(); n != 1 || len(shop.Orders()) != test.orders {
				t.Errorf("sent %d times, taken %d times", n, len(shop.Orders()))
			}
			if strings.Contains(err.Error(), "5550000") || strings.Contains(err.Error(), "KEY") {
				t.Errorf("the error tells too much: %v", err)
			}
		})
	}
}

// TestQuestionsAreRepeated loses answers to what may be asked twice.
func TestQuestionsAreRepeated(t *testing.T) {
	c, shop := market(t)
	shop.Own(carrier.Owned{ID: "7001", Number: number(1)})
	lose := func(op carrier.NumbersOp, reply carrier.Reply) {
		var lost atomic.Bool
		shop.Behave(carrier.Trade{OnRequest: func(r carrier.NumbersRequest) *carrier.Reply {
			if r.Op != op || !lost.CompareAndSwap(false, true) {
				return nil
			}
			return &reply
		}})
	}
	lose(carrier.OpOwned, carrier.Reply{Cut: carrier.CutBefore})
	if got, err := c.OwnedNumbers(t.Context(), protocol.OwnedQuery{}); err != nil || len(got) != 1 {
		t.Errorf("list: %v, %v", got, err)
	}
	lose(carrier.OpOwnedEdit, carrier.Reply{Cut: carrier.CutAfter})
	if err := c.AssignNumber(t.Context(), protocol.NumberAssignment{ID: "7001", Connection: application}); err != nil {
		t.Errorf("assign: %v", err)
	}
	lose(carrier.OpSearch, carrier.Reply{Status: 503})
	if _, err := c.SearchNumbers(t.Context(), protocol.NumberSearch{Country: "US", Limit: 1}); err != nil {
		t.Errorf("search: %v", err)
	}
	if got := shop.Owned()[0]; got.Assigned != 2 || got.Connection != application {
		t.Errorf("%+v", got)
	}
}

// TestTheCheckCanFail shows that a wrong request would be found.
func TestTheCheckCanFail(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromFile("testdata/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	doc.Servers = nil
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	answer := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }
	for _, wrong := range []struct{ method, path, body string }{
		{http.MethodGet, "/phone_numbers?page[size]=500", ""},
		{http.MethodGet, "/phone_numbers?filter[tags]=a", ""},
		{http.MethodGet, "/phone_numbers?filter[status]=on", ""},
		{http.MethodGet, "/available_phone_numbers?filter[features]=telepathy", ""},
		{http.MethodGet, "/available_phone_numbers?filter[limit]=many", ""},
		{http.MethodPost, "/number_orders", `{"phone_numbers":["+13125550000"]}`},
		{http.MethodPost, "/number_orders", `{"numbers":[]}`},
	} {
		var seen testing.T // takes the failure that is wanted
		fake := httptest.NewServer(http.HandlerFunc(answer))
		r, err := http.NewRequest(wrong.method, fake.URL+wrong.path, strings.NewReader(wrong.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		if wrong.body == "" {
			r.Body = nil
		}
		res, err := checked{&seen, router, http.DefaultTransport}.RoundTrip(r)
		if err == nil {
			res.Body.Close()
		}
		fake.Close()
		if !seen.Failed() {
			t.Errorf("%s %s %s was not caught", wrong.method, wrong.path, wrong.body)
		}
	}
}
