package carrier

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"maskswitch/actors/phone"
)

// shopRig is a rig whose shop has n numbers of one area, and two of another.
func shopRig(t *testing.T, n int) *rig {
	r := newRig(t, Config{}, idle)
	var stock []phone.Number
	for i := range n {
		stock = append(stock, shopNumber(i))
	}
	r.Numbers().Stock(Stock{Numbers: stock, Area: "312"},
		Stock{Numbers: []phone.Number{shopNumber(8001), shopNumber(8002)}, Area: "773", Monthly: "2.50000"})
	return r
}

func shopNumber(i int) phone.Number { return number(fmt.Sprintf("+1312555%04d", i)) }

// rows lists a member of each row of an answer.
func rows(out map[string]any, member string) (all []string) {
	data, _ := out["data"].([]any)
	for _, v := range data {
		row, _ := v.(map[string]any)
		all = append(all, fmt.Sprint(row[member]))
	}
	return all
}

func (r *rig) search() {
	r.Helper()
	if status, out := r.request("GET", "/available_phone_numbers?filter[country_code]=US&filter[features]=voice", ""); status != 200 {
		r.Fatalf("search: %d %v", status, out)
	}
}

// order sends an order for numbers of the shop by their places.
func (r *rig) order(places ...int) (int, map[string]any) {
	r.Helper()
	var items []string
	for _, i := range places {
		items = append(items, fmt.Sprintf(`{"phone_number":%q}`, shopNumber(i).E164()))
	}
	return r.request("POST", "/number_orders", fmt.Sprintf(
		`{"phone_numbers":[%s],"connection_id":%q,"customer_reference":"ref-1"}`, strings.Join(items, ","), r.cfg.ConnectionID))
}

func TestNumbersAreSearched(t *testing.T) {
	r := shopRig(t, 3)
	r.Numbers().Stock(Lot("646", 4))
	var tests = []struct {
		query  string
		status int
		found  int
	}{
		{"filter[country_code]=US", 200, 9},
		{"filter[country_code]=US&filter[limit]=2", 200, 2},
		{"filter[country_code]=US&filter[national_destination_code]=773", 200, 2},
		{"filter[country_code]=US&filter[national_destination_code]=646", 200, 4},
		{"filter[country_code]=US&filter[features]=voice,sms&filter[best_effort]=false", 200, 9},
		{"filter[country_code]=GB", 200, 0},
		{"", 422, 0},
		{"filter[country_code]=US&filter[limit]=none", 422, 0},
		{"filter[country_code]=US&filter[limit]=0", 422, 0},
		{"filter[country_code]=US&filter[features]=telepathy", 422, 0},
		{"filter[country_code]=US&filter[best_effort]=no", 422, 0},
		{"filter[country_code]=US&filter[area]=312", 422, 0},
		{"filter[country_code]=US&country_code=US", 422, 0},
	}
	for _, test := range tests {
		status, out := r.request("GET", "/available_phone_numbers?"+test.query, "")
		if got := rows(out, "phone_number"); status != test.status || len(got) != test.found {
			t.Errorf("%s: %d with %d numbers, want %d with %d", test.query, status, len(got), test.status, test.found)
		}
	}
}

func TestAnOrderIsRefused(t *testing.T) {
	r := shopRig(t, 3)
	if status, out := r.order(0); status != 400 || code(out) != "85000" {
		t.Errorf("never searched for: %d %v", status, out)
	}
	r.search()
	r.Numbers().Snatch(shopNumber(1))
	if status, out := r.order(0, 1); status != 400 || code(out) != "85001" {
		t.Errorf("snatched: %d %v", status, out)
	}
	if status, out := r.order(0, 0); status != 422 || code(out) != "10015" {
		t.Errorf("one number twice: %d %v", status, out)
	}
	for _, body := range []string{
		`{}`, `{"phone_numbers":[]}`, `{"phone_numbers":["+13125550000"]}`, `{"phone_numbers":[{"phone_number":"3125550000"}]}`,
		`{"phone_numbers":[{"phone_number":"+13125550000","tags":["a"]}]}`, `{"phone_number":"+13125550000"}`,
		`{"phone_numbers":[{"phone_number":"+13125550000"}],"connection_id":"99"}`, `{"phone_numbers":[{"phone_number":"+13125550000"}],"reference":"r"}`,
	} {
		if status, out := r.request("POST", "/number_orders", body); status != 422 {
			t.Errorf("%s: %d %v", body, status, out)
		}
	}
	if orders := r.Numbers().Orders(); len(orders) != 0 {
		t.Errorf("%d orders were taken", len(orders))
	}
	if status, out := r.order(0); status != 200 {
		t.Errorf("what is in order: %d %v", status, out)
	}
	if status, out := r.order(0); status != 400 || code(out) != "85001" {
		t.Errorf("the same again: %d %v", status, out)
	}
}

// TestAnOrderTakesItsTime lets an order and what it sold become visible by and by.
func TestAnOrderTakesItsTime(t *testing.T) {
	r := shopRig(t, 3)
	shop := r.Numbers()
	shop.Behave(Trade{Pending: time.Hour, Hidden: 2 * time.Hour, Fails: []phone.Number{shopNumber(1)}})
	r.search()
	_, out := r.order(0, 1)
	placed, _ := out["data"].(map[string]any)
	id := fmt.Sprint(placed["id"])
	if placed["status"] != "pending" || len(shop.Owned()) != 0 {
		t.Errorf("at once: %v, %d owned", placed["status"], len(shop.Owned()))
	}
	if _, out := r.request("GET", "/number_orders?filter[customer_reference]=ref-1", ""); len(rows(out, "id")) != 0 {
		t.Errorf("a hidden order is listed: %v", out)
	}
	past := func(d time.Duration) {
		shop.mu.Lock()
		defer shop.mu.Unlock()
		for _, o := range shop.orders {
			o.At, o.ends = o.At.Add(-d), o.ends.Add(-d)
		}
		for _, one := range shop.owned {
			one.made, one.active = one.made.Add(-d), one.active.Add(-d)
		}
	}
	past(90 * time.Minute)
	_, out = r.request("GET", "/number_orders/"+id, "")
	if got, _ := out["data"].(map[string]any); got["status"] != "success" || fmt.Sprint(rows(map[string]any{"data": got["phone_numbers"]}, "status")) != "[success failure]" {
		t.Errorf("when it has ended: %v", got)
	}
	if owned := shop.Owned(); len(owned) != 1 || owned[0].Reference != "ref-1" || owned[0].Order != id || owned[0].Connection != r.cfg.ConnectionID {
		t.Errorf("owned %+v", owned)
	}
	if _, out := r.request("GET", "/phone_numbers", ""); len(rows(out, "id")) != 0 {
		t.Errorf("a hidden number is listed: %v", out)
	}
	past(time.Hour)
	if _, out := r.request("GET", "/number_orders?filter[customer_reference]=ref-1", ""); !slices.Equal(rows(out, "id"), []string{id}) {
		t.Errorf("the order is not listed: %v", out)
	}
	if _, out := r.request("GET", "/phone_numbers?filter[customer_reference]=ref-1", ""); len(rows(out, "id")) != 1 {
		t.Errorf("the number is not listed: %v", out)
	}
	if status, _ := r.request("GET", "/number_orders/none", ""); status != 404 {
		t.Errorf("an order that never was: %d", status)
	}
}

func TestNumbersNeedNotInherit(t *testing.T) {
	r := shopRig(t, 3)
	r.Numbers().Behave(Trade{Bare: true, Settle: time.Hour})
	r.search()
	r.order(0)
	if got := r.Numbers().Owned()[0]; got.Reference != "" || got.Status != "provision-pending" {
		t.Errorf("%+v", got)
	}
}

func TestOwnedNumbersAreListed(t *testing.T) {
	r := shopRig(t, 0)
	for i := range 30 {
		one := Owned{Number: shopNumber(i)}
		if i < 25 {
			one.Tags, one.Connection = []string{"pool"}, r.cfg.ConnectionID
		}
		r.Numbers().Own(one)
	}
	r.Numbers().Own(Owned{Text: "12345", Status: "port-pending"})
	var tests = []struct {
		query  string
		status int
		found  int
		pages  int
	}{
		{"", 200, 20, 2},
		{"page[size]=250", 200, 31, 1},
		{"page[number]=2&sort=phone_number", 200, 11, 2},
		{"page[number]=3", 200, 0, 2},
		{"filter[tag]=pool", 200, 20, 2},
		{"filter[tag]=none", 200, 0, 0},
		{"filter[status]=port-pending", 200, 1, 1},
		{"filter[phone_number]=13125550007", 200, 1, 1},
		{"filter[phone_number]=" + url.QueryEscape("+13125550007"), 200, 0, 0},
		{"filter[phone_number]=12", 422, 0, 0},
		{"filter[status]=awake", 422, 0, 0},
		{"filter[tags]=pool", 422, 0, 0},
		{"page[size]=251", 422, 0, 0},
		{"page[number]=0", 422, 0, 0},
		{"sort=colour", 422, 0, 0},
	}
	for _, test := range tests {
		status, out := r.request("GET", "/phone_numbers?"+test.query, "")
		meta, _ := out["meta"].(map[string]any)
		pages, _ := meta["total_pages"].(float64)
		if got := rows(out, "id"); status != test.status || len(got) != test.found || int(pages) != test.pages {
			t.Errorf("%s: %d with %d numbers of %v pages, want %d with %d of %d", test.query, status, len(got), pages, test.status, test.found, test.pages)
		}
	}
}

func TestANumberIsChanged(t *testing.T) {
	r := shopRig(t, 0)
	r.Numbers().Own(Owned{ID: "7001", Number: shopNumber(1), Tags: []string{"old"}, Reference: "r"})
	change := func(body string) (int, map[string]any) { return r.request("PATCH", "/phone_numbers/7001", body) }
	if status, out := change(fmt.Sprintf(`{"connection_id":%q,"tags":["a","b"]}`, r.cfg.ConnectionID)); status != 200 {
		t.Fatalf("%d %v", status, out)
	}
	got := r.Numbers().Owned()[0]
	if got.Connection != r.cfg.ConnectionID || !slices.Equal(got.Tags, []string{"a", "b"}) || got.Reference != "r" || got.Assigned != 1 {
		t.Errorf("%+v", got)
	}
	for _, body := range []string{`{"tags":null}`, `{"tags":[1]}`, `{"tags":"a"}`, `{"connection_id":"99"}`, `{"label":"a"}`} {
		if status, out := change(body); status != 422 {
			t.Errorf("%s: %d %v", body, status, out)
		}
	}
	if now := r.Numbers().Owned()[0]; !slices.Equal(now.Tags, got.Tags) || now.Assigned != 1 {
		t.Errorf("a refused change has changed %+v", now)
	}
	if status, _ := r.request("PATCH", "/phone_numbers/7002", `{}`); status != 404 {
		t.Errorf("a number that is not ours: %d", status)
	}
}

// TestNumbersFaults decides about requests by what they are for.
func TestNumbersFaults(t *testing.T) {
	r := shopRig(t, 3)
	r.search()
	shop := r.Numbers()
	breaking := func(cut Cut) Trade {
		return Trade{OnRequest: func(q NumbersRequest) *Reply {
			if q.Op != OpBuy {
				return nil
			}
			return &Reply{Cut: cut}
		}}
	}
	shop.Behave(breaking(CutBefore))
	if status, _ := r.order(0); status != 0 || len(shop.Orders()) != 0 {
		t.Errorf("cut before: %d, %d orders", status, len(shop.Orders()))
	}
	shop.Behave(breaking(CutAfter))
	if status, _ := r.order(0); status != 0 || len(shop.Orders()) != 1 {
		t.Errorf("cut after: %d, %d orders", status, len(shop.Orders()))
	}
	shop.Behave(Trade{OnRequest: func(NumbersRequest) *Reply {
		return &Reply{Status: http.StatusTooManyRequests, RetryAfter: 3 * time.Second}
	}})
	if status, out := r.order(1); status != 429 || code(out) != "10011" {
		t.Errorf("throttled: %d %v", status, out)
	}
}

// TestNumbersRulesAreThePublishedOnes compares members and filters with the
// published schema: each that is played must be there.
func TestNumbersRulesAreThePublishedOnes(t *testing.T) {
	doc := publishedAPI(t)
	bodies := []struct {
		op    *openapi3.Operation
		rules rules
	}{
		{doc.Paths.Find("/number_orders").Post, orderRules},
		{doc.Paths.Find("/phone_numbers/{id}").Patch, ownedRules},
	}
	for _, b := range bodies {
		schema := b.op.RequestBody.Value.Content.Get("application/json").Schema.Value
		var differences []string
		for member, p := range schema.Properties {
			r, known := b.rules.of[member]
			if !known {
				t.Errorf("%s is not known", member)
				continue
			}
			compareRule(func(format string, args ...any) { differences = append(differences, fmt.Sprintf(format, args...)) }, member, r, p.Value)
		}
		for member := range b.rules.of {
			if schema.Properties[member] == nil {
				t.Errorf("%s is not published", member)
			}
		}
		for _, d := range differences {
			t.Error(d)
		}
	}
	lists := []struct {
		path    string
		filters []string
	}{
		{"/available_phone_numbers", searchFilters}, {"/number_orders", ordersFilters}, {"/phone_numbers", ownedFilters},
	}
	for _, l := range lists {
		published := doc.Paths.Find(l.path).Get.Parameters.GetByInAndName("query", "filter").Schema.Value.Properties
		for _, name := range l.filters {
			if published[name] == nil {
				t.Errorf("%s has no filter %s", l.path, name)
			}
		}
	}
	filter := doc.Paths.Find("/phone_numbers").Get.Parameters.GetByInAndName("query", "filter").Schema.Value.Properties
	search := doc.Paths.Find("/available_phone_numbers").Get.Parameters.GetByInAndName("query", "filter").Schema.Value.Properties
	sort := doc.Paths.Find("/phone_numbers").Get.Parameters.GetByInAndName("query", "sort").Schema.Value
	for name, both := range map[string][2][]string{
		"status":   {ownedStatuses, words(filter["status"].Value)},
		"features": {features, words(search["features"].Value.Items.Value)},
		"sort":     {ownedSorts, words(sort)},
	} {
		slices.Sort(both[1])
		if own := slices.Sorted(slices.Values(both[0])); !slices.Equal(own, both[1]) {
			t.Errorf("%s: %v, published %v", name, own, both[1])
		}
	}
}

func words(p *openapi3.Schema) (all []string) {
	for _, w := range p.Enum {
		all = append(all, fmt.Sprint(w))
	}
	return all
}
