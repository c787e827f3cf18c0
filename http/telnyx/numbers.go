package telnyx

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"maskswitch/actors/protocol"
)

// The numbers API. Its methods block until the carrier has answered, ctx is
// done, or the bounds of numbers_send.go are reached. Their errors wrap a
// *protocol.NumbersError, which says what helps.

const (
	ownedPage = 250 // the most that one page holds
	// mostPages bounds a list that is cut into pages: 50,000 numbers.
	mostPages = 200
)

// SearchNumbers lists numbers that are for sale, in the carrier's order: fewer
// than q.Limit, or none, if there are no more.
func (c *Client) SearchNumbers(ctx context.Context, q protocol.NumberSearch) ([]protocol.NumberOffer, error) {
	query := url.Values{
		"filter[country_code]": {q.Country},
		"filter[features]":     {"voice"},
		"filter[limit]":        {strconv.Itoa(q.Limit)},
		// Numbers from elsewhere are no substitute: people are to see a number
		// of their own region. Nor are numbers that others hold reserved.
		"filter[best_effort]":          {"false"},
		"filter[exclude_held_numbers]": {"true"},
	}
	if q.AreaCode != "" {
		query.Set("filter[national_destination_code]", q.AreaCode)
	}
	offers, err := ask(ctx, c, numbersRequest{method: http.MethodGet, path: "/available_phone_numbers", query: query}, readOffers)
	if err != nil {
		return nil, fmt.Errorf("search numbers: %w", err)
	}
	return offers, nil
}

// BuyNumbers orders numbers, which costs money, and says what became of the
// order so far. It is sent once, whatever comes of it: the carrier would sell
// again what is ordered again. An error that is Unsure leaves open whether the
// carrier has sold; CarrierOrders tells, a little later.
func (c *Client) BuyNumbers(ctx context.Context, p protocol.NumberPurchase) (protocol.CarrierOrder, error) {
	type item struct {
		Number string `json:"phone_number"`
	}
	body := struct {
		Numbers    []item `json:"phone_numbers"`
		Connection string `json:"connection_id"`
		Reference  string `json:"customer_reference"`
	}{make([]item, len(p.Numbers)), p.Connection, p.Reference}
	for i, n := range p.Numbers {
		body.Numbers[i].Number = n.E164()
	}
	raw, _ := json.Marshal(body) // texts always have a form in JSON
	raw, err := c.sendOnce(ctx, numbersRequest{method: http.MethodPost, path: "/number_orders", body: raw})
	if err != nil {
		return protocol.CarrierOrder{}, fmt.Errorf("buy numbers: %w", err)
	}
	order, err := readOrder(raw)
	if err != nil { // it was taken, and we do not know its name
		return order, fmt.Errorf("buy numbers: %w", &protocol.NumbersError{
			Remedy: protocol.RemedyLater, Unsure: true, Status: http.StatusOK, Detail: c.redact(err.Error()),
		})
	}
	return order, nil
}

// CarrierOrder reads one order.
func (c *Client) CarrierOrder(ctx context.Context, id string) (protocol.CarrierOrder, error) {
	order, err := ask(ctx, c, numbersRequest{method: http.MethodGet, path: "/number_orders/" + url.PathEscape(id)}, readOrder)
	if err != nil {
		return order, fmt.Errorf("read order %.40s of the carrier: %w", id, err)
	}
	return order, nil
}

// CarrierOrders lists the ids of the orders that carry a reference.
func (c *Client) CarrierOrders(ctx context.Context, reference string) ([]string, error) {
	query := url.Values{"filter[customer_reference]": {reference}}
	rows, err := pages(ctx, c, numbersRequest{path: "/number_orders", query: query}, mostPages, readOrderRows)
	if err != nil {
		return nil, fmt.Errorf("list orders of the carrier: %w", err)
	}
	var ids []string
	for _, row := range rows {
		if row.Reference == reference && !slices.Contains(ids, row.ID) {
			ids = append(ids, row.ID)
		}
	}
	return ids, nil
}

// OwnedNumbers lists numbers of the account, all pages of them.
func (c *Client) OwnedNumbers(ctx context.Context, q protocol.OwnedQuery) ([]protocol.OwnedNumber, error) {
	query := url.Values{"sort": {"phone_number"}} // lest pages shift while they are read
	for name, value := range map[string]string{
		"tag": q.Tag, "connection_id": q.Connection, "customer_reference": q.Reference,
		// Digits only: with a plus the filter finds nothing.
		"phone_number": strings.TrimPrefix(q.Number.E164(), "+"),
	} {
		if value != "" {
			query.Set("filter["+name+"]", value)
		}
	}
	if q.ActiveOnly {
		query.Set("filter[status]", string(protocol.OwnedActive))
	}
	rows, err := pages(ctx, c, numbersRequest{path: "/phone_numbers", query: query}, mostPages, readOwned)
	if err != nil {
		return nil, fmt.Errorf("list numbers of the account: %w", err)
	}
	seen := make(map[string]bool, len(rows))
	return slices.DeleteFunc(rows, func(n protocol.OwnedNumber) bool {
		again := seen[n.ID]
		seen[n.ID] = true
		// The filter by number also finds parts of numbers.
		return again || q.Number.Known() && n.Number != q.Number
	}), nil
}

// AssignNumber leads a number's calls to an application, and labels it. Doing it
// twice is doing it once.
func (c *Client) AssignNumber(ctx context.Context, a protocol.NumberAssignment) error {
	body, _ := json.Marshal(struct {
		Connection string   `json:"connection_id"`
		Tags       []string `json:"tags"`
		Reference  string   `json:"customer_reference,omitempty"`
	}{a.Connection, append([]string{}, a.Tags...), a.Reference}) // no tags are a list, not null
	_, err := ask(ctx, c, numbersRequest{method: http.MethodPatch, path: "/phone_numbers/" + url.PathEscape(a.ID), body: body},
		func([]byte) (struct{}, error) { return struct{}{}, nil })
	if err != nil {
		return fmt.Errorf("assign number: %w", err)
	}
	return nil
}

// pages reads a list to its end, which is at most so many pages away.
func pages[T any](ctx context.Context, c *Client, r numbersRequest, most int, read func([]byte) ([]T, int, error)) ([]T, error) {
	r.method = http.MethodGet
	r.query.Set("page[size]", strconv.Itoa(ownedPage))
	type page struct {
		rows  []T
		total int
	}
	var all []T
	for n := 1; ; n++ {
		r.query.Set("page[number]", strconv.Itoa(n))
		got, err := ask(ctx, c, r, func(raw []byte) (page, error) {
			rows, total, err := read(raw)
			return page{rows, total}, err
		})
		switch {
		case err != nil:
			return nil, err
		case got.total > most:
			return nil, &protocol.NumbersError{Detail: fmt.Sprintf(
				"the list has %d pages of %d, and at most %d are read: select fewer", got.total, ownedPage, most)}
		}
		all = append(all, got.rows...)
		if n >= got.total {
			return all, nil
		}
	}
}
