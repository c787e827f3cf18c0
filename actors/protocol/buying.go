package protocol

import (
	"fmt"
	"time"

	"maskswitch/actors/phone"
)

// What the switch and the carrier say to each other about numbers that are for
// sale or sold.

// NumberSearch asks for numbers that can be bought now.
type NumberSearch struct {
	Country  string // ISO 3166-1 alpha-2
	AreaCode string // national destination code; empty: any
	Limit    int
}

// NumberOffer is a number that the carrier would sell.
type NumberOffer struct {
	Number   phone.Number
	Monthly  Money
	Upfront  Money
	Currency string // of both, such as USD
}

// NumberPurchase asks the carrier to sell numbers that it has just offered.
type NumberPurchase struct {
	Numbers    []phone.Number
	Connection string
	Reference  string // ours, which the carrier keeps with the order
}

// PurchaseStatus is how far a purchase is, of one number or of a whole order.
type PurchaseStatus uint8

// The carrier's three words.
const (
	PurchasePending PurchaseStatus = iota
	PurchaseSuccess
	PurchaseFailure
)

var purchaseStatusNames = [...]string{"pending", "success", "failure"}

func (s PurchaseStatus) String() string { return purchaseStatusNames[s] }

// ParsePurchaseStatus reads the carrier's word.
func ParsePurchaseStatus(s string) (PurchaseStatus, bool) {
	return parseName[PurchaseStatus](purchaseStatusNames[:], s)
}

// CarrierOrder is an order of numbers as the carrier has it.
type CarrierOrder struct {
	ID           string
	Reference    string
	Status       PurchaseStatus // of the whole; the numbers are the truth
	Requirements bool           // somebody has to hand in documents before it goes on
	Numbers      []OrderedNumber
}

// OrderedNumber is one number of an order.
type OrderedNumber struct {
	Number phone.Number
	Status PurchaseStatus
}

// OwnedQuery selects numbers of the account. Members that are empty are not
// asked for.
type OwnedQuery struct {
	Tag, Connection, Reference string
	Number                     phone.Number
	ActiveOnly                 bool
}

// OwnedNumber is a number of the account.
type OwnedNumber struct {
	ID         string       // the carrier's, decimal
	Number     phone.Number // unknown if it is not E.164, as short codes are not
	Text       string       // as the carrier writes it: as private as Number
	Status     OwnedStatus
	Connection string // empty: none
	Reference  string
	Tags       []string
}

// OwnedStatus is the state of a number of the account, in the carrier's words.
type OwnedStatus string

// OwnedActive takes calls. Of the other words see Hopeful.
const OwnedActive OwnedStatus = "active"

var ownedStatuses = map[OwnedStatus]bool{ // true: it may become active
	OwnedActive: true, "purchase-pending": true, "port-pending": true, "provision-pending": true,
	"requirement-info-pending": true, "requirement-info-under-review": true, "requirement-info-exception": true,
	"emergency-only": false, "port-out-pending": false, "ported-out": false,
	"purchase-failed": false, "port-failed": false, "deleted": false,
}

// ParseOwnedStatus reads the carrier's word.
func ParseOwnedStatus(s string) (OwnedStatus, bool) {
	_, known := ownedStatuses[OwnedStatus(s)]
	return OwnedStatus(s), known
}

// Hopeful says that the number takes calls, or may do so later.
func (s OwnedStatus) Hopeful() bool { return ownedStatuses[s] }

// NumberAssignment leads a number's calls to an application and labels it.
type NumberAssignment struct {
	ID         string // the carrier's
	Connection string
	Reference  string
	Tags       []string // all it shall have
}

// Remedy is what helps against a refusal of the carrier's.
type Remedy uint8

// Again later helps by itself; searching anew helps against numbers that are
// gone; against the rest somebody has to do something.
const (
	RemedyNone Remedy = iota
	RemedyLater
	RemedySearch
)

func (r Remedy) String() string { return [...]string{"none", "later", "search"}[r] }

// NumbersError says why the carrier did not do what was asked about numbers.
type NumbersError struct {
	Remedy Remedy
	Unsure bool          // it may have done it nevertheless: nobody knows
	Status int           // of HTTP; 0 if there was no answer
	Code   string        // the carrier's, such as 85001; may be empty
	Detail string        // in words, with the digits of numbers masked
	After  time.Duration // the carrier asks to wait so long; 0: it does not say
}

func (e *NumbersError) Error() string {
	s := e.Detail
	switch {
	case e.Code != "":
		s += fmt.Sprintf(" (carrier error %s, HTTP %d)", e.Code, e.Status)
	case e.Status != 0:
		s += fmt.Sprintf(" (HTTP %d)", e.Status)
	}
	return s
}
