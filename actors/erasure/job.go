package erasure

import (
	"encoding/json"
	"fmt"
	"time"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// Job is one erasure: a value, of which its row has everything.
type Job struct {
	ID         protocol.ErasureID
	Partition  protocol.Partition
	CreatedAt  time.Time
	DoneAt     time.Time
	Asked      protocol.AskErasure
	Subject    string // for people: the booking's public id, or the party, masked
	Bookings   int    // that hold the subject no more
	Recordings int    // erased
	Waiting    int    // recordings that are being erased, or may still come
	Refused    []protocol.ErasureRefusal
	More       int    // refusals beyond those
	Trouble    string // why the last look came to no end
	Tries      int    // looks that changed nothing
}

// refusedMost is how many refusals a receipt lists; further ones are counted.
const refusedMost = 1000

func (j *Job) refuse(r protocol.ErasureRefusal) {
	if len(j.Refused) >= refusedMost {
		j.More++
		return
	}
	j.Refused = append(j.Refused, r)
}

// wait is how long until the next look.
func (j *Job) wait() time.Duration { return min(lookFirst<<min(j.Tries, 10), lookMost) }

// sides says which parties of a booking are the subject.
func (j *Job) sides(b protocol.Booking) (a, b2 bool) {
	if j.Asked.Booking != (protocol.BookingID{}) {
		return true, true
	}
	return b.PartyA == j.Asked.Party, b.PartyB == j.Asked.Party
}

// detail is the JSON of a row.
type detail struct {
	V          int       `json:"v"`
	Party      string    `json:"party,omitempty"` // until it is done
	Booking    string    `json:"booking,omitempty"`
	Subject    string    `json:"subject"`
	Bookings   int       `json:"bookings"`
	Recordings int       `json:"recordings"`
	Waiting    int       `json:"waiting"`
	Refused    []refusal `json:"refused,omitempty"`
	More       int       `json:"more,omitempty"`
	Trouble    string    `json:"trouble,omitempty"`
}

type refusal struct {
	Booking   string `json:"booking"`
	Recording string `json:"recording,omitempty"`
	Code      string `json:"code"`
	Detail    string `json:"detail"`
}

const detailVersion = 1

// Row is the job as the store keeps it. Once it is done, it holds no digit of the
// party's number.
func (j *Job) Row() protocol.ErasureRow {
	d := detail{
		V: detailVersion, Subject: j.Subject, Bookings: j.Bookings, Recordings: j.Recordings,
		Waiting: j.Waiting, More: j.More, Trouble: j.Trouble,
	}
	if j.DoneAt.IsZero() {
		d.Party = j.Asked.Party.E164()
	}
	if j.Asked.Booking != (protocol.BookingID{}) {
		d.Booking = j.Asked.Booking.String()
	}
	for _, r := range j.Refused {
		d.Refused = append(d.Refused, refusal{r.Booking, string(r.Recording), r.Code, r.Detail})
	}
	text, err := json.Marshal(d)
	if err != nil {
		panic(err) // texts and numbers always marshal
	}
	return protocol.ErasureRow{ID: j.ID, Partition: j.Partition, CreatedAt: j.CreatedAt, DoneAt: j.DoneAt, Detail: string(text)}
}

// Restore reads a job back from its row.
func Restore(row protocol.ErasureRow) (Job, error) {
	var d detail
	if err := json.Unmarshal([]byte(row.Detail), &d); err != nil {
		return Job{}, fmt.Errorf("erasure %s: detail: %w", row.ID, err)
	}
	if d.V != detailVersion {
		return Job{}, fmt.Errorf("erasure %s: detail: version %d, this program knows %d", row.ID, d.V, detailVersion)
	}
	j := Job{
		ID: row.ID, Partition: row.Partition, CreatedAt: row.CreatedAt, DoneAt: row.DoneAt, Subject: d.Subject,
		Bookings: d.Bookings, Recordings: d.Recordings, Waiting: d.Waiting, More: d.More, Trouble: d.Trouble,
	}
	for _, r := range d.Refused {
		j.Refused = append(j.Refused, protocol.ErasureRefusal{Booking: r.Booking, Recording: protocol.RecordingID(r.Recording), Code: r.Code, Detail: r.Detail})
	}
	var err error
	if d.Booking != "" {
		if j.Asked.Booking, err = protocol.ParseBookingID(d.Booking); err != nil {
			return Job{}, fmt.Errorf("erasure %s: booking: %w", row.ID, err)
		}
	}
	if j.Asked.Party, err = phone.FromStore(d.Party); err != nil {
		return Job{}, fmt.Errorf("erasure %s: party: %w", row.ID, err)
	}
	if j.DoneAt.IsZero() && j.Asked.Party.Known() == (d.Booking != "") {
		return Job{}, fmt.Errorf("erasure %s: it names a party and a booking, or neither", row.ID)
	}
	return j, nil
}

// View is the receipt of an erasure as its row tells it.
func View(row protocol.ErasureRow) (protocol.Erasure, error) {
	j, err := Restore(row)
	return j.View(), err
}

// View is the receipt as it stands.
func (j *Job) View() protocol.Erasure {
	v := protocol.Erasure{
		ID: j.ID, CreatedAt: j.CreatedAt, DoneAt: j.DoneAt, Subject: j.Subject,
		Bookings: j.Bookings, Recordings: j.Recordings, Waiting: j.Waiting, Refused: j.Refused, Trouble: j.Trouble,
	}
	if j.More > 0 {
		more := fmt.Sprintf("%d more were refused than are listed", j.More)
		if v.Trouble != "" {
			more = v.Trouble + "; " + more
		}
		v.Trouble = more
	}
	return v
}
