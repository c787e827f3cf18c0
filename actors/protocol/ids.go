package protocol

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
)

// A Partition owns a set of proxy numbers with everything that hangs off them.
type Partition uint16

// BookingID is ours: a UUIDv7, so that rows append in the order of time.
type BookingID uuid.UUID

// CallID is ours: a UUIDv7 made from the carrier's session, so that a ring
// which is delivered again after a crash makes the same call.
type CallID uuid.UUID

// Ref is the name a marketplace gave its booking; it makes a create repeatable.
type Ref string

// LegID is the carrier's call control id: it commands one leg.
type LegID string

// SessionID is the carrier's call session id: both legs of a call share it.
type SessionID string

// RecordingID is the carrier's.
type RecordingID string

// NewBookingID makes an id whose order is the order of now.
func NewBookingID(now time.Time) BookingID {
	id := uuid.New()
	stampV7(&id, now)
	return BookingID(id)
}

// NewCallID derives the id of the call that a session is. The same session at
// the same instant of the carrier's clock gives the same id.
func NewCallID(session SessionID, at time.Time) CallID {
	sum := sha256.Sum256([]byte(session))
	id := uuid.UUID(sum[:16])
	stampV7(&id, at)
	return CallID(id)
}

func stampV7(id *uuid.UUID, at time.Time) {
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(max(at.UnixMilli(), 0)))
	copy(id[:6], ms[2:])
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
}

func (id BookingID) String() string { return uuid.UUID(id).String() }
func (id CallID) String() string    { return uuid.UUID(id).String() }

// ParseBookingID reads the 36-character form only: one booking, one spelling.
func ParseBookingID(s string) (BookingID, error) {
	id, err := parseUUID(s)
	return BookingID(id), err
}

// ParseCallID reads the 36-character form only.
func ParseCallID(s string) (CallID, error) {
	id, err := parseUUID(s)
	return CallID(id), err
}

func parseUUID(s string) (uuid.UUID, error) {
	id, err := uuid.Parse(s)
	if err != nil || id.String() != s {
		return uuid.UUID{}, fmt.Errorf("%.40q is not an id", s)
	}
	return id, nil
}

// commandSpace keeps our version 5 UUIDs apart from everybody else's.
var commandSpace = uuid.MustParse("6f1c2f3e-58a1-5c8e-9f0d-6d61736b7377")

// CommandID names one step on one leg, the same each time it is computed. The
// carrier ignores a repeat on the same leg for 60 s.
func CommandID(leg LegID, step string) string {
	return uuid.NewSHA1(commandSpace, []byte(string(leg)+"\x00"+step)).String()
}

// A Tag is what we hang on a leg as its client state, so that its events find
// their way home after any restart. It never holds a party's number.
type Tag struct {
	Booking BookingID // zero for a call that was refused
	Call    CallID
	Leg     Leg
}

const tagVersion = "ms1"

// String is the form that travels, before base64.
func (t Tag) String() string {
	return tagVersion + "." + t.Booking.String() + "." + t.Call.String() + "." + t.Leg.String()
}

// Known says whether the leg carried a tag of ours.
func (t Tag) Known() bool { return t.Leg != LegUnknown }

// ParseTag reads a tag of ours; the client state of anybody else is no tag.
func ParseTag(s string) (Tag, bool) {
	parts := strings.Split(s, ".")
	if len(parts) != 4 || parts[0] != tagVersion {
		return Tag{}, false
	}
	booking, err := ParseBookingID(parts[1])
	if err != nil {
		return Tag{}, false
	}
	call, err := ParseCallID(parts[2])
	if err != nil {
		return Tag{}, false
	}
	leg, ok := ParseLeg(parts[3])
	if !ok {
		return Tag{}, false
	}
	return Tag{booking, call, leg}, true
}
