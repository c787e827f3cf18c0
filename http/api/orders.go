package api

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/gorilla/mux"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// numberImport is a request to take numbers of the account. Null is absent.
type numberImport struct {
	Tag          *string `json:"tag"`
	ConnectionID *string `json:"connection_id"`
}

func (in numberImport) command() (q protocol.ImportNumbers, err error) {
	switch {
	case in.Tag == nil && in.ConnectionID == nil:
		return q, refuse(invalid, "missing", "tag", "send a tag, or a connection_id: all numbers of the account may be too many")
	case in.Tag != nil && in.ConnectionID != nil:
		return q, refuse(invalid, "several_selections", "connection_id", "send only one of tag and connection_id")
	case in.Tag != nil && !isTag(*in.Tag):
		return q, refuse(invalid, "bad_tag", "tag", fmt.Sprintf("a tag has 1 to %d characters, and none of them controls", maxTag))
	case in.Tag != nil:
		return protocol.ImportNumbers{Tag: *in.Tag}, nil
	}
	q.Connection, err = parseConnection(*in.ConnectionID)
	return q, err
}

const maxTag = 100

func isTag(s string) bool {
	return s != "" && utf8.RuneCountInString(s) <= maxTag && strings.IndexFunc(s, unicode.IsControl) < 0
}

// parseConnection takes what may be a carrier's id of an application. Whether
// there is one, the carrier knows.
func parseConnection(id string) (string, error) {
	if id == "" || len(id) > 64 || strings.Trim(id, alphanumeric+"-_") != "" {
		return "", refuse(invalid, "bad_connection_id", "connection_id",
			"a connection_id has 1 to 64 letters, digits, '-' or '_', as the carrier shows it")
	}
	return id, nil
}

type numbersImported struct {
	Status   string          `json:"status"`
	PoolSize int             `json:"pool_size"`
	Added    int             `json:"added"`
	Found    int             `json:"found"`
	Skipped  []skippedNumber `json:"skipped"`
}

type skippedNumber struct {
	Number string `json:"number"`
	Reason string `json:"reason"`
}

// importNumbers takes numbers that the account has into the pool.
func (s *Server) importNumbers(w http.ResponseWriter, r *http.Request) error {
	var in numberImport
	if err := decode(r, &in, invalid.text); err != nil {
		return err
	}
	query, err := in.command()
	if err != nil {
		return err
	}
	found, err := s.config.Switch.ImportNumbers(r.Context(), query)
	if err != nil {
		return err
	}
	out := numbersImported{"imported", found.Pool, found.New, found.Found, make([]skippedNumber, len(found.Skipped))}
	for i, n := range found.Skipped {
		out.Skipped[i] = skippedNumber(n)
	}
	return reply(w, http.StatusOK, out)
}

// newOrder is a request to buy numbers. The cost is kept as it was written,
// since a float would not be exact.
type newOrder struct {
	Country        string         `json:"country"`
	AreaCode       *string        `json:"area_code"`
	Count          *float64       `json:"count"`
	MaxMonthlyCost jsontext.Value `json:"max_monthly_cost"`
	OrderID        string         `json:"order_id"`
	ConnectionID   *string        `json:"connection_id"`
}

// maxOrder bounds one order. A mistyped count buys no more than that.
const maxOrder = 500

func (in newOrder) command() (o protocol.OrderNumbers, err error) {
	switch region, err := phone.ParseRegion(in.Country); {
	case in.Country == "":
		return o, refuse(invalid, "missing", "country", "country is missing: two capitals, such as US")
	case err != nil || region.Area() != 0:
		return o, refuse(invalid, "unknown_country", "country", "country is two capitals (ISO 3166-1), such as US, of a country with telephone numbers")
	case in.Count == nil:
		return o, refuse(invalid, "missing", "count", "count is missing")
	case in.AreaCode != nil && !isAreaCode(*in.AreaCode):
		return o, refuse(invalid, "bad_area_code", "area_code", "an area_code has 1 to 5 digits, and no leading 0")
	case in.OrderID != "" && !isName(in.OrderID):
		return o, badName("order_id")
	}
	o.Country, o.Ref = in.Country, protocol.Ref(in.OrderID)
	if in.AreaCode != nil {
		o.AreaCode = *in.AreaCode
	}
	count, err := whole("count", *in.Count, 1, maxOrder)
	if err != nil {
		return o, err
	}
	o.Count = int(count)
	if o.MostMonthly, err = parseCost(in.MaxMonthlyCost); err != nil {
		return o, err
	}
	if in.ConnectionID != nil {
		o.Connection, err = parseConnection(*in.ConnectionID)
	}
	return o, err
}

func isAreaCode(s string) bool {
	return s != "" && len(s) <= 5 && s[0] != '0' && strings.Trim(s, "0123456789") == ""
}

// parseCost reads an amount above nothing: a string, or a number.
func parseCost(value jsontext.Value) (protocol.Money, error) {
	const field = "max_monthly_cost"
	text := string(value)
	switch kind := value.Kind(); kind {
	case jsontext.KindInvalid, jsontext.KindNull: // absent, or as good as
		return 0, refuse(invalid, "missing", field, field+" is missing: what all of the numbers together may cost a month")
	case jsontext.KindString:
		unquoted, err := jsontext.AppendUnquote(nil, value)
		if err != nil {
			return 0, err
		}
		text = string(unquoted)
	case jsontext.KindNumber:
	default:
		return 0, refuse(invalid, "wrong_type", field, "expected a string or a number, got "+kindWords(kind))
	}
	amount, err := protocol.ParseMoney(text)
	switch {
	case err != nil:
		return 0, refuse(invalid, "bad_amount", field, err.Error())
	case amount == 0:
		return 0, refuse(invalid, "out_of_range", field, field+" must be more than 0")
	}
	return amount, nil
}

// orderRow is an order as it is shown.
type orderRow struct {
	OrderID        string   `json:"order_id"`
	Reference      string   `json:"reference"`
	Stage          string   `json:"stage"`
	Country        string   `json:"country"`
	AreaCode       string   `json:"area_code,omitzero"`
	Count          int      `json:"count"`
	MaxMonthlyCost string   `json:"max_monthly_cost"`
	ConnectionID   string   `json:"connection_id,omitzero"`
	Numbers        []string `json:"numbers"`
	MonthlyCost    string   `json:"monthly_cost,omitzero"`
	Currency       string   `json:"currency,omitzero"`
	Added          int      `json:"added"`
	Trouble        string   `json:"trouble,omitzero"`
	NextTryAt      int64    `json:"next_try_at,omitzero"`
	CreatedAt      int64    `json:"created_at"`
	ChangedAt      int64    `json:"changed_at"`
	Repeated       *bool    `json:"repeated,omitzero"` // of the answer to who ordered
}

func orderRowOf(o protocol.NumberOrder) orderRow {
	row := orderRow{
		OrderID: string(o.Asked.Ref), Reference: o.ID.String(), Stage: o.Stage.String(),
		Country: o.Asked.Country, AreaCode: o.Asked.AreaCode, Count: o.Asked.Count,
		MaxMonthlyCost: o.Asked.MostMonthly.String(), ConnectionID: o.Asked.Connection,
		Numbers: make([]string, len(o.Numbers)), Currency: o.Currency, Added: o.Added, Trouble: o.Trouble,
		NextTryAt: unix(o.NextTryAt), CreatedAt: unix(o.CreatedAt), ChangedAt: unix(o.ChangedAt),
	}
	if row.OrderID == "" {
		row.OrderID = row.Reference
	}
	if o.Monthly > 0 {
		row.MonthlyCost = o.Monthly.String()
	}
	for i, n := range o.Numbers {
		row.Numbers[i] = n.E164()
	}
	return row
}

// orderNumbers takes an order: 202, or 200 if it was there already; 409 if its
// order_id belongs to a different one.
func (s *Server) orderNumbers(w http.ResponseWriter, r *http.Request) error {
	var in newOrder
	if err := decode(r, &in, invalid.text); err != nil {
		return err
	}
	cmd, err := in.command()
	if err != nil {
		return err
	}
	order, repeated, err := s.config.Switch.OrderNumbers(r.Context(), cmd)
	if err != nil {
		return err
	}
	row, status := orderRowOf(order), http.StatusAccepted
	row.Repeated = &repeated
	if repeated {
		status = http.StatusOK
	}
	w.Header().Set("Location", "/pool/orders/"+url.PathEscape(row.OrderID))
	return reply(w, status, row)
}

// readOrder shows one order, over or not.
func (s *Server) readOrder(w http.ResponseWriter, r *http.Request) error {
	id := mux.Vars(r)["id"]
	if !isName(id) {
		return refuse(notFound, "order_not_found", "", "no order has this id")
	}
	found, err := s.config.Switch.NumberOrder(r.Context(), id)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, orderRowOf(found))
}

type orderList struct {
	Orders []orderRow `json:"orders"`
}

// listOrders shows the newest orders, newest first.
func (s *Server) listOrders(w http.ResponseWriter, r *http.Request) error {
	limit := defaultLimit
	err := parameters(r, func(name, value string) (err error) {
		if name != "limit" {
			return unknownParameter(name, "this list takes limit")
		}
		limit, err = limitParameter(value)
		return err
	})
	if err != nil {
		return err
	}
	found, err := s.config.Switch.NumberOrders(r.Context(), limit)
	if err != nil {
		return err
	}
	list := orderList{make([]orderRow, len(found))}
	for i := range found {
		list.Orders[i] = orderRowOf(found[i])
	}
	return reply(w, http.StatusOK, list)
}
