package protocol

// The life of a proxy number. LIFE.md says it in words, and a test holds the two
// together.

// Lends says whether new bookings may get a number in this state.
func (s NumberState) Lends() bool { return s == NumberServing }

// Connects says whether the parties of its live bookings may call each other on
// it.
func (s NumberState) Connects() bool { return s != NumberRetired }

// Mover is who gives a number another state.
type Mover uint8

// The clock ends a rest. A draining number retires itself when it is empty: no
// live booking shows it, and no quarantine remembers it.
const (
	ByOperator Mover = iota
	ByClock
	ByItself
)

var moverNames = [...]string{"operator", "clock", "itself"}

func (m Mover) String() string { return moverNames[m] }

// A NumberMove is a change of state that is allowed.
type NumberMove struct {
	From, To NumberState
	By       Mover
	Empty    bool // only of an empty number
}

// NumberMoves lists every change of state that there is, besides that of a
// number which is new to the pool: it serves. An operator who insists may retire
// a number that is not empty; its bookings are ended first.
func NumberMoves() []NumberMove {
	return []NumberMove{
		{From: NumberServing, To: NumberResting},
		{From: NumberServing, To: NumberDraining},
		{From: NumberServing, To: NumberRetired, Empty: true},
		{From: NumberResting, To: NumberServing},
		{From: NumberResting, To: NumberServing, By: ByClock},
		{From: NumberResting, To: NumberDraining},
		{From: NumberResting, To: NumberRetired, Empty: true},
		{From: NumberDraining, To: NumberServing},
		{From: NumberDraining, To: NumberResting},
		{From: NumberDraining, To: NumberRetired, Empty: true},
		{From: NumberDraining, To: NumberRetired, By: ByItself, Empty: true},
		{From: NumberRetired, To: NumberServing},
	}
}

// MayMove says whether somebody may give a number another state, and whether
// only if it is empty.
func MayMove(from, to NumberState, by Mover) (may, onlyEmpty bool) {
	for _, m := range NumberMoves() {
		if m.From == from && m.To == to && m.By == by {
			return true, m.Empty
		}
	}
	return false, false
}
