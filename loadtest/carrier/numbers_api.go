package carrier

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The members that the numbers API takes, held against the published schema by a
// test as those of the commands are.
var (
	orderRules = with(group{
		"phone_numbers": {is: list}, "connection_id": {}, "customer_reference": {},
		"billing_group_id": {}, "messaging_profile_id": {},
	})
	ownedRules = with(group{
		"connection_id": {}, "customer_reference": {}, "tags": {is: list}, "address_id": {},
		"billing_group_id": {}, "external_pin": {}, "hd_voice_enabled": {is: flag}, "id": {},
	})
)

// The filters that are played, by list.
var (
	searchFilters = []string{"country_code", "national_destination_code", "features", "limit", "best_effort", "exclude_held_numbers"}
	ordersFilters = []string{"customer_reference", "status"}
	ownedFilters  = []string{"tag", "connection_id", "customer_reference", "status", "phone_number"}
	features      = []string{"sms", "mms", "voice", "fax", "emergency", "hd_voice", "international_sms", "local_calling"}
	ownedStatuses = []string{"purchase-pending", "purchase-failed", "port-pending", "active", "deleted", "port-failed",
		"emergency-only", "ported-out", "port-out-pending"}
	ownedSorts = []string{"purchased_at", "phone_number", "connection_name", "usage_payment_method"}
)

// numbersCall is one request, without its dressing. It may be refused, but not
// fail.
type numbersCall func(n *Numbers, r *http.Request, raw []byte, now time.Time) (any, *problem)

func (n *Numbers) route(mux *http.ServeMux) {
	handle := func(pattern string, op NumbersOp, call numbersCall) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { n.serve(w, r, op, call) })
	}
	handle("GET /v2/available_phone_numbers", OpSearch, (*Numbers).searching)
	handle("POST /v2/number_orders", OpBuy, (*Numbers).buying)
	handle("GET /v2/number_orders", OpOrders, (*Numbers).listOrders)
	handle("GET /v2/number_orders/{order}", OpOrder, (*Numbers).showOrder)
	handle("GET /v2/phone_numbers", OpOwned, (*Numbers).listOwned)
	handle("GET /v2/phone_numbers/{number}", OpOwnedOne, (*Numbers).showOwned)
	handle("PATCH /v2/phone_numbers/{number}", OpOwnedEdit, (*Numbers).changeOwned)
}

// serve gives a request its faults, then its effect.
func (n *Numbers) serve(w http.ResponseWriter, r *http.Request, op NumbersOp, call numbersCall) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	n.mu.Lock()
	n.count++
	decide, about := n.trade.OnRequest, NumbersRequest{N: n.count, Op: op}
	n.mu.Unlock()
	reply := &noReply
	if decide != nil {
		if own := decide(about); own != nil {
			reply = own
		}
	}
	if !n.carrier.hold(reply) || reply.Cut == CutBefore {
		panic(http.ErrAbortHandler)
	}
	if reply.Status != 0 {
		reply.problem().write(w, reply)
		return
	}
	n.mu.Lock()
	now := time.Now()
	n.settle(now)
	answer, p := call(n, r, raw, now)
	n.mu.Unlock()
	switch {
	case reply.Cut == CutAfter:
		panic(http.ErrAbortHandler)
	case p != nil:
		p.write(w, nil)
	default:
		writeJSON(w, http.StatusOK, answer)
	}
}

// filtersOf reads filter[…] and page[…]. What the list does not play is refused,
// lest a misspelt filter finds everything.
func filtersOf(q url.Values, known []string, more ...string) (map[string]string, *problem) {
	got := map[string]string{}
	for name, values := range q {
		inner, ok := strings.CutPrefix(name, "filter[")
		inner = strings.TrimSuffix(inner, "]")
		switch {
		case ok && slices.Contains(known, inner) && len(values) == 1:
			got[inner] = values[0]
		case slices.Contains(more, name):
		default:
			return nil, bad("10015", "", "no such parameter here: %s", name)
		}
	}
	return got, nil
}

func (n *Numbers) searching(r *http.Request, _ []byte, now time.Time) (any, *problem) {
	f, p := filtersOf(r.URL.Query(), searchFilters)
	if p != nil {
		return nil, p
	}
	limit := 100
	if s, given := f["limit"]; given {
		v, err := strconv.Atoi(s)
		if err != nil || v < 1 {
			return nil, bad("10015", "", "filter[limit] must be a whole number")
		}
		limit = v
	}
	for _, name := range []string{"best_effort", "exclude_held_numbers"} {
		if s, given := f[name]; given && s != "true" && s != "false" {
			return nil, bad("10015", "", "filter[%s] must be a boolean", name)
		}
	}
	switch {
	case len(f["country_code"]) != 2:
		return nil, bad("10004", "", "filter[country_code] is required")
	case f["features"] != "" && slices.ContainsFunc(strings.Split(f["features"], ","), func(s string) bool { return !slices.Contains(features, s) }):
		return nil, bad("10032", "", "filter[features] has a word that is none")
	}
	data := []any{}
	for _, l := range n.search(f["country_code"], f["national_destination_code"], limit, now) {
		data = append(data, map[string]any{
			"record_type": "available_phone_number", "phone_number": l.number, "vanity_format": "", "best_effort": false,
			"quickship": true, "reservable": true,
			"cost_information":   map[string]string{"monthly_cost": l.Monthly, "upfront_cost": l.Upfront, "currency": l.Currency},
			"features":           []map[string]string{{"name": "voice"}},
			"region_information": []map[string]string{{"region_type": "country_code", "region_name": l.Country}},
		})
	}
	meta := map[string]int{"total_results": len(data), "best_effort_results": 0}
	return map[string]any{"data": data, "meta": meta, "metadata": meta}, nil
}

func (n *Numbers) buying(_ *http.Request, raw []byte, now time.Time) (any, *problem) {
	in, p := orderRules.read(raw)
	if p != nil {
		return nil, p
	}
	items, _ := in["phone_numbers"].([]any)
	if len(items) == 0 {
		return nil, bad("10004", "/phone_numbers", "the 'phone_numbers' parameter is required")
	}
	var numbers []string
	for _, v := range items {
		item, _ := v.(map[string]any)
		text, _ := item["phone_number"].(string)
		if len(item) != 1 || !e164(text) {
			return nil, bad("10016", "/phone_numbers", "each must be an object with a phone_number in +E.164 format, and nothing else here")
		}
		numbers = append(numbers, text)
	}
	if id := in.text("connection_id"); id != "" && id != n.carrier.cfg.ConnectionID {
		return nil, bad("10015", "/connection_id", "no such connection")
	}
	o, p := n.buy(numbers, in.text("connection_id"), in.text("customer_reference"), now)
	if p != nil {
		return nil, p
	}
	return map[string]any{"data": n.orderResource(o, true)}, nil
}

func (n *Numbers) orderResource(o *numberOrder, whole bool) map[string]any {
	items := []any{}
	for _, it := range o.items {
		item := map[string]any{"id": it.id, "phone_number": it.number}
		if whole {
			item["record_type"], item["status"], item["requirements_met"] = "number_order_phone_number", it.status, !n.trade.Requirements
			item["phone_number_type"], item["country_iso_alpha2"] = "local", it.listing.Country
		}
		items = append(items, item)
	}
	return map[string]any{
		"record_type": "number_order", "id": o.ID, "status": o.status(), "customer_reference": o.Reference,
		"connection_id": o.Connection, "phone_numbers_count": len(o.items), "phone_numbers": items,
		"requirements_met": !n.trade.Requirements, "created_at": wireTime(o.At), "updated_at": wireTime(o.At),
	}
}

func (n *Numbers) showOrder(r *http.Request, _ []byte, _ time.Time) (any, *problem) {
	for _, o := range n.orders {
		if o.ID == r.PathValue("order") {
			return map[string]any{"data": n.orderResource(o, true)}, nil
		}
	}
	return nil, notFound("no such order")
}

func (n *Numbers) listOrders(r *http.Request, _ []byte, now time.Time) (any, *problem) {
	q := r.URL.Query()
	f, p := filtersOf(q, ordersFilters, "page[number]", "page[size]")
	if p != nil {
		return nil, p
	}
	var rows []any
	for _, o := range slices.Backward(n.orders) { // newest first
		if n.visible(o.At, now) && matches(f, map[string]string{"customer_reference": o.Reference, "status": o.status()}) {
			rows = append(rows, n.orderResource(o, false))
		}
	}
	return page(q, rows)
}

// matches says whether a row has what the filters ask for.
func matches(filters, row map[string]string) bool {
	for name, want := range filters {
		if has, equality := row[name]; equality && has != want {
			return false
		}
	}
	return true
}

// page cuts a list as page[number] and page[size] ask.
func page(q url.Values, rows []any) (any, *problem) {
	size, p := pageSize(q, "page[size]")
	if p != nil {
		return nil, p
	}
	number := 1
	if s := q.Get("page[number]"); s != "" {
		v, err := strconv.Atoi(s)
		if err != nil || v < 1 {
			return nil, bad("10033", "", "page[number] counts from 1")
		}
		number = v
	}
	first := min((number-1)*size, len(rows))
	return map[string]any{
		"data": append([]any{}, rows[first:min(first+size, len(rows))]...),
		"meta": map[string]int{"page_number": number, "page_size": size,
			"total_pages": (len(rows) + size - 1) / size, "total_results": len(rows)},
	}, nil
}

func (n *Numbers) listOwned(r *http.Request, _ []byte, now time.Time) (any, *problem) {
	q := r.URL.Query()
	f, p := filtersOf(q, ownedFilters, "page[number]", "page[size]", "sort")
	digits, byNumber := f["phone_number"]
	switch {
	case p != nil:
		return nil, p
	case f["status"] != "" && !slices.Contains(ownedStatuses, f["status"]):
		return nil, bad("10032", "", "filter[status] is no status")
	case q.Has("sort") && !slices.Contains(ownedSorts, q.Get("sort")):
		return nil, bad("10032", "", "sort is by nothing that is known")
	case byNumber && len(digits) < 3:
		return nil, bad("10033", "", "filter[phone_number] takes three digits at least")
	}
	all := slices.Clone(n.owned)
	slices.SortStableFunc(all, byText)
	var rows []any
	for _, one := range all {
		row := map[string]string{"connection_id": one.Connection, "customer_reference": one.Reference, "status": one.Status}
		if tag, given := f["tag"]; given && !slices.Contains(one.Tags, tag) || !matches(f, row) {
			continue
		}
		// Its own numbers have a plus, and the filter only looks at digits: one
		// with a plus finds nothing.
		if byNumber && !strings.Contains(strings.TrimPrefix(one.Text, "+"), digits) || !n.visible(one.made, now) {
			continue
		}
		rows = append(rows, one.resource())
	}
	return page(q, rows)
}

func (one *ownedNumber) resource() map[string]any {
	tags := one.Tags
	if tags == nil {
		tags = []string{}
	}
	return map[string]any{
		"record_type": "phone_number", "id": one.ID, "phone_number": one.Text, "country_iso_alpha2": one.Country,
		"status": one.Status, "tags": tags, "connection_id": one.Connection, "customer_reference": one.Reference,
		"external_pin": nil, "phone_number_type": "local", "deletion_lock_enabled": false,
		"created_at": wireTime(one.made), "purchased_at": wireTime(one.made),
	}
}

func (n *Numbers) ownedNamed(id string) *ownedNumber {
	for _, one := range n.owned {
		if one.ID == id {
			return one
		}
	}
	return nil
}

func (n *Numbers) showOwned(r *http.Request, _ []byte, _ time.Time) (any, *problem) {
	one := n.ownedNamed(r.PathValue("number"))
	if one == nil {
		return nil, notFound("no such number")
	}
	return map[string]any{"data": one.resource()}, nil
}

func (n *Numbers) changeOwned(r *http.Request, raw []byte, _ time.Time) (any, *problem) {
	in, p := ownedRules.read(raw)
	one := n.ownedNamed(r.PathValue("number"))
	switch {
	case one == nil:
		return nil, notFound("no such number")
	case p != nil:
		return nil, p
	}
	changed := one.Owned // whole or not at all
	if id, given := in["connection_id"].(string); given {
		if id != "" && id != n.carrier.cfg.ConnectionID {
			return nil, bad("10015", "/connection_id", "no such connection")
		}
		changed.Connection = id
	}
	if reference, given := in["customer_reference"].(string); given {
		changed.Reference = reference
	}
	if given, ok := in["tags"].([]any); ok { // all it has from now on
		changed.Tags = nil
		for _, v := range given {
			tag, ok := v.(string)
			if !ok || tag == "" {
				return nil, bad("10015", "/tags", "tags must be strings")
			}
			changed.Tags = append(changed.Tags, tag)
		}
	}
	changed.Assigned++
	one.Owned = changed
	return map[string]any{"data": one.resource()}, nil
}
