package telnyx

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// What the carrier says about numbers is checked here, once, and strictly: an
// amount or a word that is not understood must not become a purchase. No error
// holds a number.

var errNoData = errors.New("the carrier's answer has no data")

type wireOffer struct {
	Number     string `json:"phone_number"`
	BestEffort bool   `json:"best_effort"`
	Cost       *struct {
		Monthly  string `json:"monthly_cost"`
		Upfront  string `json:"upfront_cost"`
		Currency string `json:"currency"`
	} `json:"cost_information"`
}

func readOffers(raw []byte) ([]protocol.NumberOffer, error) {
	var in struct {
		Data *[]wireOffer `json:"data"`
	}
	if err := unmarshal(raw, &in); err != nil {
		return nil, err
	}
	if in.Data == nil {
		return nil, errNoData
	}
	offers := make([]protocol.NumberOffer, 0, len(*in.Data))
	seen := make(map[phone.Number]bool)
	for i, wire := range *in.Data {
		offer, err := wire.read()
		if err != nil {
			return nil, fmt.Errorf("offer %d: %w", i+1, err)
		}
		// We asked for none that are best effort: such a number is from elsewhere.
		if !wire.BestEffort && !seen[offer.Number] {
			seen[offer.Number] = true
			offers = append(offers, offer)
		}
	}
	return offers, nil
}

func (w wireOffer) read() (offer protocol.NumberOffer, err error) {
	if offer.Number, err = readNumber(w.Number); err != nil {
		return offer, err
	}
	if w.Cost == nil {
		return offer, errors.New("it does not say what the number costs")
	}
	if offer.Monthly, err = protocol.ParseMoney(w.Cost.Monthly); err != nil {
		return offer, fmt.Errorf("monthly cost: %w", err)
	}
	if w.Cost.Upfront != "" {
		if offer.Upfront, err = protocol.ParseMoney(w.Cost.Upfront); err != nil {
			return offer, fmt.Errorf("upfront cost: %w", err)
		}
	}
	if offer.Currency = w.Cost.Currency; !isCurrency(offer.Currency) {
		return offer, errors.New("currency: three capitals are expected")
	}
	return offer, nil
}

func isCurrency(s string) bool {
	return len(s) == 3 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// readNumber takes strict E.164. Whether such a number is possible is not asked:
// who sells it knows.
func readNumber(s string) (phone.Number, error) {
	n, err := phone.FromStore(s)
	if err != nil || !n.Known() {
		return phone.Number{}, phone.ErrSyntax
	}
	return n, nil
}

type wireOrder struct {
	ID           string `json:"id"`
	Status       string `json:"status"`
	Reference    string `json:"customer_reference"`
	Requirements *bool  `json:"requirements_met"`
	Numbers      []struct {
		Number string `json:"phone_number"`
		Status string `json:"status"`
	} `json:"phone_numbers"`
}

func readOrder(raw []byte) (protocol.CarrierOrder, error) {
	var in struct {
		Data *wireOrder `json:"data"`
	}
	if err := unmarshal(raw, &in); err != nil {
		return protocol.CarrierOrder{}, err
	}
	if in.Data == nil {
		return protocol.CarrierOrder{}, errNoData
	}
	return in.Data.read()
}

func (w wireOrder) read() (order protocol.CarrierOrder, err error) {
	if !isOrderID(w.ID) {
		return order, errors.New("the order has no id that could be asked for")
	}
	order.ID, order.Reference = w.ID, w.Reference
	order.Requirements = w.Requirements != nil && !*w.Requirements
	if order.Status, err = readStatus(w.Status); err != nil {
		return order, fmt.Errorf("order %s: %w", w.ID, err)
	}
	for i, wire := range w.Numbers {
		one := protocol.OrderedNumber{Status: order.Status}
		if one.Number, err = readNumber(wire.Number); err != nil {
			return order, fmt.Errorf("order %s, number %d: %w", w.ID, i+1, err)
		}
		if wire.Status != "" { // else it is as far as its order
			if one.Status, err = readStatus(wire.Status); err != nil {
				return order, fmt.Errorf("order %s, number %d: %w", w.ID, i+1, err)
			}
		}
		order.Numbers = append(order.Numbers, one)
	}
	return order, nil
}

func readStatus(s string) (protocol.PurchaseStatus, error) {
	status, ok := protocol.ParsePurchaseStatus(s)
	if !ok {
		return 0, fmt.Errorf("status %.30q is none that is known", s)
	}
	return status, nil
}

// idLetters are what the carrier's ids are made of. Case is not folded: there
// are letters outside of ASCII whose lower case is inside.
const idLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-"

func isOrderID(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, idLetters) == ""
}

// orderRow is an order in a list, which need not show its numbers.
type orderRow struct{ ID, Reference string }

func readOrderRows(raw []byte) ([]orderRow, int, error) {
	wires, total, err := readPage[wireOrder](raw)
	rows := make([]orderRow, len(wires))
	for i, wire := range wires {
		if !isOrderID(wire.ID) {
			return nil, 0, fmt.Errorf("row %d: the order has no id that could be asked for", i+1)
		}
		rows[i] = orderRow{wire.ID, wire.Reference}
	}
	return rows, total, err
}

type wireOwned struct {
	ID         string   `json:"id"`
	Number     string   `json:"phone_number"`
	Status     string   `json:"status"`
	Connection string   `json:"connection_id"`
	Reference  string   `json:"customer_reference"`
	Tags       []string `json:"tags"`
}

func readOwned(raw []byte) ([]protocol.OwnedNumber, int, error) {
	wires, total, err := readPage[wireOwned](raw)
	rows := make([]protocol.OwnedNumber, len(wires))
	for i, wire := range wires {
		if wire.ID == "" || len(wire.ID) > 20 || strings.Trim(wire.ID, "0123456789") != "" {
			return nil, 0, fmt.Errorf("row %d: its id is no decimal number", i+1)
		}
		status, ok := protocol.ParseOwnedStatus(wire.Status)
		if !ok {
			return nil, 0, fmt.Errorf("row %d: status %.30q is none that is known", i+1, wire.Status)
		}
		n, _ := readNumber(wire.Number) // an account may have short codes too
		rows[i] = protocol.OwnedNumber{
			ID: wire.ID, Number: n, Text: wire.Number, Status: status,
			Connection: wire.Connection, Reference: wire.Reference, Tags: wire.Tags,
		}
	}
	return rows, total, err
}

// readPage reads a page of a list, and how many pages there are.
func readPage[T any](raw []byte) ([]T, int, error) {
	var in struct {
		Data *[]T `json:"data"`
		Meta *struct {
			Total *int `json:"total_pages"`
		} `json:"meta"`
	}
	if err := unmarshal(raw, &in); err != nil {
		return nil, 0, err
	}
	switch {
	case in.Data == nil:
		return nil, 0, errNoData
	case in.Meta == nil || in.Meta.Total == nil || *in.Meta.Total < 0:
		return nil, 0, errors.New("the carrier's answer does not say how many pages there are")
	}
	return *in.Data, *in.Meta.Total, nil
}

// unmarshal says what is wrong without repeating what was there.
func unmarshal(raw []byte, in any) error {
	err := json.Unmarshal(raw, in)
	if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
		return fmt.Errorf("the carrier's answer has another type in %s", wrong.Field)
	}
	if err != nil {
		return errors.New("the carrier's answer is no JSON, or broke off")
	}
	return nil
}
