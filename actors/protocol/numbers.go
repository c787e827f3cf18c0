package protocol

import (
	"time"

	"maskswitch/actors/phone"
)

// MoveBooking gives a booking another end: To, or By later (earlier if negative)
// than the one it has. One of them is set.
type MoveBooking struct {
	To time.Time
	By time.Duration
}

// NumberStatus is a number of the pool and what it carries.
type NumberStatus struct {
	Number
	Region         phone.Region
	Live           int       // live bookings that show it
	Quarantined    int       // ended bookings whose parties it still remembers
	CallsPerMinute float64   // rings, averaged over the last minutes
	LastCallAt     time.Time // zero: none since the switch started
}

// NumberQuery selects numbers in the order of their digits.
type NumberQuery struct {
	State  NumberState
	States bool         // false: State is not asked for
	Region phone.Region // nowhere: any
	After  phone.Number // unknown: from the first
	Limit  int          // 0: all
}

// MoveNumberTo asks for another state of a number. See NumberMoves.
type MoveNumberTo struct {
	Number    phone.Number
	State     NumberState
	RestUntil time.Time // with NumberResting: it serves again then; zero: when it is told to
}

// RetiredNumber is the answer to a request to take a number out: what it is now,
// and the bookings that were ended for it.
type RetiredNumber struct {
	Number NumberStatus
	Ended  []Booking
}

// RegionRoom says how much fits into the numbers of one country.
type RegionRoom struct {
	Region  phone.Region // a country; nowhere: of numbers at home in none
	Serving int          // numbers in service
	Live    int          // live bookings that they show
	Room    int          // how many more they could show, by the cap on each
	// Busiest is the most live bookings of any one party on these numbers. He
	// cannot have more than there are numbers.
	Busiest int
}

// Headroom says how many more bookings fit.
type Headroom struct {
	Regions        []RegionRoom // in order of their names
	All            RegionRoom
	PairsPerNumber int
}

// SizingQuestion describes a marketplace, to be told how many numbers it needs.
type SizingQuestion struct {
	Bookings float64 // new bookings a day
	Hours    float64 // how long one lives
	Busiest  int     // live bookings of the busiest party at his busiest
}

// Sizing is how many numbers a marketplace needs, and why.
type Sizing struct {
	Numbers    int      // what we advise
	LowerBound int      // fewer cannot do, whatever the policy
	OnePerBook int      // what one number for each booking would take
	Live       int      // live bookings to expect
	Reasoning  []string // the rule, step by step, in sentences
}

// ImportNumbers selects numbers that the account has at the carrier. One of
// them is set.
type ImportNumbers struct {
	Tag        string
	Connection string
}

// Imported is the answer to ImportNumbers.
type Imported struct {
	Found   int // active numbers of the account that were selected
	New     int // how many were not in the pool before
	Pool    int // how many the pool has now
	Skipped []SkippedNumber
}

// SkippedNumber is a number of the account that was not taken, and why.
type SkippedNumber struct{ Number, Reason string }

// OrderID is ours: a UUIDv7. It is also the customer reference under which the
// carrier knows the order.
type OrderID BookingID

func (id OrderID) String() string { return BookingID(id).String() }

// NewOrderID makes an id whose order is the order of now.
func NewOrderID(now time.Time) OrderID { return OrderID(NewBookingID(now)) }

// ParseOrderID reads the 36-character form only.
func ParseOrderID(s string) (OrderID, error) {
	id, err := ParseBookingID(s)
	return OrderID(id), err
}

// OrderNumbers asks for new numbers from the carrier.
type OrderNumbers struct {
	Ref         Ref    // makes the request repeatable; may be empty
	Country     string // ISO 3166-1 alpha-2
	AreaCode    string // national destination code; empty: any
	Count       int
	MostMonthly Money  // all of them together may cost this much a month; zero: no limit
	Connection  string // application that gets their calls; empty: the configured one
}

// Money is an amount in ten-thousandths of the carrier's currency, which writes
// costs as decimal texts.
type Money int64

// OrderStage is how far an order of numbers is.
type OrderStage uint8

// The stages in their order. The last two are ends.
const (
	OrderSearching OrderStage = iota // looking for numbers that may be bought
	OrderOrdering                    // asking the carrier to sell them
	OrderPending                     // the carrier is working on it
	OrderAssigning                   // leading their calls to us, and tagging them
	OrderAdding                      // taking them into the pool
	OrderDone
	OrderFailed
)

var orderStageNames = [...]string{"searching", "ordering", "pending", "assigning", "adding", "done", "failed"}

func (s OrderStage) String() string { return orderStageNames[s] }

// Over says that nothing is due any more.
func (s OrderStage) Over() bool { return s >= OrderDone }

// ParseOrderStage reads a stored stage.
func ParseOrderStage(s string) (OrderStage, bool) {
	return parseName[OrderStage](orderStageNames[:], s)
}

// NumberOrder is an order as it stands, for whoever asks.
type NumberOrder struct {
	ID        OrderID
	Asked     OrderNumbers
	Stage     OrderStage
	Numbers   []phone.Number // those bought, or being bought
	Monthly   Money          // what they cost a month together
	Currency  string
	Added     int    // how many the pool has taken
	Trouble   string // what went wrong last, in words; empty if nothing has
	NextTryAt time.Time
	CreatedAt time.Time
	ChangedAt time.Time
}

// OrderRow is the row of an order: what the store keeps, and what the order is
// built again from.
type OrderRow struct {
	ID        OrderID
	Ref       Ref // unique if it is there
	Partition Partition
	Stage     OrderStage
	CreatedAt time.Time
	ChangedAt time.Time
	Detail    string // JSON: the rest
}

// PlaceOrder asks for a new order. The same ref again is answered with the same
// order: Repeated.
type PlaceOrder struct {
	Asked OrderNumbers
	Done  func(order NumberOrder, repeated bool, err error)
}

// RestoreOrder gives an unfinished order read from the store its actor back.
type RestoreOrder struct{ Row OrderRow }

// AddNumbers asks the pool to take numbers in. Done comes when the disk knows.
type AddNumbers struct {
	Numbers []phone.Number
	Done    func(Added, error)
}

// PoolFigures are the gauges of a pool, or of its numbers in one country.
type PoolFigures struct {
	Numbers [4]int // by NumberState
	Idle    int    // serving numbers that show no live booking
	Live    int    // live bookings, of which the first party dials one of these numbers
	Room    int    // how many more the serving numbers could show, by the cap on each
}
