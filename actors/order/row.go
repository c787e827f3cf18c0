package order

import (
	"encoding/json"
	"fmt"
	"time"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// detail is what the row of an order keeps as JSON. Its numbers are in full: it
// is written for the store alone.
type detail struct {
	Country     string         `json:"country"`
	AreaCode    string         `json:"area_code,omitempty"`
	Count       int            `json:"count"`
	MostMonthly protocol.Money `json:"most_monthly,omitempty"`
	Application string         `json:"application,omitempty"` // as it was asked for
	Connection  string         `json:"connection"`            // as it is used
	Currency    string         `json:"currency,omitempty"`
	Items       []itemRow      `json:"items,omitempty"`
	Known       []string       `json:"carrier_orders,omitempty"`
	Open        []string       `json:"open_orders,omitempty"`
	PostedAt    time.Time      `json:"posted_at,omitzero"`
	Doubt       bool           `json:"doubt,omitempty"`
	Looks       int            `json:"looks,omitempty"`
	Tries       int            `json:"tries,omitempty"`
	NextTryAt   time.Time      `json:"next_try_at,omitzero"`
	Deadline    time.Time      `json:"deadline"`
	Trouble     string         `json:"trouble,omitempty"`
	Why         string         `json:"why,omitempty"`
}

type itemRow struct {
	Number  string         `json:"number"`
	Monthly protocol.Money `json:"monthly"`
	Fate    string         `json:"fate"`
	Why     string         `json:"why,omitempty"`
}

// fates are stored by name.
var fates = [...]string{Wanted: "wanted", Bought: "bought", Assigned: "assigned", Added: "added", Stuck: "stuck"}

// Row is what the store keeps.
func (j Job) Row() protocol.OrderRow {
	d := detail{
		Country: j.Asked.Country, AreaCode: j.Asked.AreaCode, Count: j.Asked.Count, MostMonthly: j.Asked.MostMonthly,
		Application: j.Asked.Connection, Connection: j.Connection, Currency: j.Currency, Known: j.Known, Open: j.Open,
		PostedAt: j.PostedAt, Doubt: j.Doubt, Looks: j.Looks, Tries: j.Tries, NextTryAt: j.NextTryAt, Deadline: j.Deadline,
		Trouble: j.Trouble, Why: j.Why,
	}
	for _, it := range j.Items {
		d.Items = append(d.Items, itemRow{it.Number.E164(), it.Monthly, fates[it.Fate], it.Why})
	}
	raw, err := json.Marshal(d)
	if err != nil {
		panic(err) // a year beyond 9999
	}
	return protocol.OrderRow{
		ID: j.ID, Ref: j.Ref, Partition: j.Partition, Stage: j.Stage,
		CreatedAt: j.CreatedAt, ChangedAt: j.ChangedAt, Detail: string(raw),
	}
}

// Restore builds the job of a row, and says what is due. In the stage ordering
// that is never to buy: the purchase may be done, or under way.
func Restore(row protocol.OrderRow) (Job, Act, error) {
	var d detail
	if err := json.Unmarshal([]byte(row.Detail), &d); err != nil {
		return Job{}, ActNothing, fmt.Errorf("order %s: its row cannot be read: %w", row.ID, err)
	}
	j := Job{
		ID: row.ID, Ref: row.Ref, Partition: row.Partition, Stage: row.Stage, CreatedAt: row.CreatedAt, ChangedAt: row.ChangedAt,
		Asked: protocol.OrderNumbers{
			Ref: row.Ref, Country: d.Country, AreaCode: d.AreaCode, Count: d.Count, MostMonthly: d.MostMonthly, Connection: d.Application,
		},
		Connection: d.Connection, Currency: d.Currency, Known: d.Known, Open: d.Open, PostedAt: d.PostedAt, Doubt: d.Doubt,
		Looks: d.Looks, Tries: d.Tries, NextTryAt: d.NextTryAt, Deadline: d.Deadline, Trouble: d.Trouble, Why: d.Why,
	}
	for _, it := range d.Items {
		one := Item{Monthly: it.Monthly, Fate: Stuck + 1, Why: it.Why}
		for fate, name := range fates {
			if name == it.Fate {
				one.Fate = Fate(fate)
			}
		}
		var err error
		if one.Number, err = phone.FromStore(it.Number); err != nil || one.Fate > Stuck {
			return Job{}, ActNothing, fmt.Errorf("order %s: its row has a number that cannot be read", row.ID)
		}
		j.Items = append(j.Items, one)
	}
	if j.Stage == protocol.OrderOrdering {
		j.Doubt, j.NextTryAt = true, later(j.NextTryAt, j.PostedAt.Add(settle))
	}
	return j, j.due(), nil
}

// View is an order for whoever asks. The error says that the row is broken.
func View(row protocol.OrderRow) (protocol.NumberOrder, error) {
	j, _, err := Restore(row)
	if err != nil {
		return protocol.NumberOrder{}, err
	}
	return j.View(), nil
}

// View is the order for whoever asks.
func (j Job) View() protocol.NumberOrder {
	o := protocol.NumberOrder{
		ID: j.ID, Asked: j.Asked, Stage: j.Stage, Monthly: j.monthly(), Currency: j.Currency, Added: j.count(Added),
		Trouble: j.Trouble, NextTryAt: j.NextTryAt, CreatedAt: j.CreatedAt, ChangedAt: j.ChangedAt,
	}
	o.Asked.Connection = j.Connection
	for _, it := range j.Items {
		o.Numbers = append(o.Numbers, it.Number)
	}
	return o
}
