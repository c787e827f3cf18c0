package api

import (
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"maskswitch/actors/protocol"
)

// stamp is how calls and recordings tell a time: they are evidence, to the
// microsecond. Zero is left out.
type stamp string

func at(t time.Time) stamp {
	if t.IsZero() {
		return ""
	}
	return stamp(t.UTC().Format("2006-01-02T15:04:05.999999Z07:00"))
}

// partyName is a role as the rest of the API calls it; empty if there is none.
func partyName(p protocol.Party) string {
	if p == protocol.PartyNone {
		return ""
	}
	return "party_" + p.String()
}

// callRow is a call as it is shown: roles, and nobody's number but ours.
type callRow struct {
	CallID       string  `json:"call_id"`
	BookingID    string  `json:"booking_id,omitzero"`
	Caller       string  `json:"caller,omitzero"`
	ProxyNumber  string  `json:"proxy_number,omitzero"`
	SessionID    string  `json:"session_id"`
	Stage        string  `json:"stage"`
	Outcome      string  `json:"outcome,omitzero"`
	Reason       string  `json:"reason,omitzero"`
	RangAt       stamp   `json:"rang_at,omitzero"`
	AnsweredAt   stamp   `json:"answered_at,omitzero"`
	RingingAt    stamp   `json:"ringing_at,omitzero"`
	TalkAt       stamp   `json:"talk_at,omitzero"`
	EndedAt      stamp   `json:"ended_at,omitzero"`
	TalkSeconds  float64 `json:"talk_seconds,omitzero"`
	HangupCause  string  `json:"hangup_cause,omitzero"`
	HangupSource string  `json:"hangup_source,omitzero"`
	ConsentAt    stamp   `json:"consent_at,omitzero"`
}

func callRowOf(c protocol.Call, booking string) callRow {
	row := callRow{
		CallID: c.ID.String(), BookingID: booking, Caller: partyName(c.Caller), ProxyNumber: c.Number.E164(),
		SessionID: string(c.Session), Stage: c.Stage, Outcome: c.Outcome.String(), Reason: c.Reason,
		RangAt: at(c.RangAt), AnsweredAt: at(c.AnsweredAt), RingingAt: at(c.DialedAt), TalkAt: at(c.TalkAt),
		EndedAt: at(c.EndAt), HangupCause: c.HangupCause.String(), ConsentAt: at(c.ConsentAt),
	}
	if !c.EndAt.IsZero() {
		row.HangupSource = c.HangupSource.String()
	}
	if !c.TalkAt.IsZero() && c.EndAt.After(c.TalkAt) {
		row.TalkSeconds = c.EndAt.Sub(c.TalkAt).Round(time.Millisecond).Seconds()
	}
	return row
}

type callList struct {
	Calls      []callRow `json:"calls"`
	NextCursor string    `json:"next_cursor,omitzero"`
}

// listCalls shows the calls of a booking in the order of time.
func (s *Server) listCalls(w http.ResponseWriter, r *http.Request) error {
	booking, err := s.bookingOf(r)
	if err != nil {
		return err
	}
	media, err := negotiate(r, mediaJSON, mediaCSV)
	if err != nil {
		return err
	}
	limit, after := defaultLimit, protocol.CallID{}
	err = parameters(r, func(name, value string) (err error) {
		switch name {
		case "limit":
			limit, err = limitParameter(value)
		case "cursor":
			if after, err = protocol.ParseCallID(value); err != nil {
				return badCursor()
			}
		default:
			return unknownParameter(name, "this list takes limit and cursor")
		}
		return err
	})
	if err != nil {
		return err
	}
	found, err := s.config.Switch.Calls(r.Context(), booking.ID.String(), after, limit+1)
	if err != nil {
		return err
	}
	list := callList{}
	if len(found) > limit {
		found = found[:limit]
		list.NextCursor = found[limit-1].ID.String()
	}
	list.Calls = make([]callRow, len(found))
	for i := range found {
		list.Calls[i] = callRowOf(found[i], booking.PublicID())
	}
	return s.replyCalls(w, r, media, list)
}

// bookingOf reads the booking in the path.
func (s *Server) bookingOf(r *http.Request) (protocol.Booking, error) {
	id, err := bookingID(r)
	if err != nil {
		return protocol.Booking{}, err
	}
	return s.config.Switch.Booking(r.Context(), id)
}

// publicName is what the marketplace calls a booking; empty if there is none.
func (s *Server) publicName(r *http.Request, id protocol.BookingID) (string, error) {
	if id == (protocol.BookingID{}) {
		return "", nil
	}
	b, err := s.config.Switch.Booking(r.Context(), id.String())
	return b.PublicID(), err
}

// callID is the id in the path. One that no call can have is not found.
func callID(r *http.Request) (protocol.CallID, error) {
	id, err := protocol.ParseCallID(mux.Vars(r)["id"])
	if err != nil {
		return id, refuse(notFound, "call_not_found", "", "no call has this id")
	}
	return id, nil
}

// tapeAction is a request to pause the recording of a live call, or to resume it.
type tapeAction struct {
	Action string `json:"action"`
}

type tapeRow struct {
	CallID string `json:"call_id"`
	Paused bool   `json:"paused"`
	Since  stamp  `json:"since"`
}

// pauseRecording answers when the carrier has done so: 404 if the call is over,
// 409 if it is not being recorded, 503 if the carrier has not done it.
func (s *Server) pauseRecording(w http.ResponseWriter, r *http.Request) error {
	id, err := callID(r)
	if err != nil {
		return err
	}
	var in tapeAction
	if err := decode(r, &in, invalid.text); err != nil {
		return err
	}
	if in.Action != "pause" && in.Action != "resume" {
		return refuse(invalid, "unknown_action", "action", "action is pause or resume")
	}
	stands, err := s.config.Switch.PauseRecording(r.Context(), id, in.Action == "pause")
	if err != nil {
		return err
	}
	s.audit(r, in.Action+" recording", id.String())
	return reply(w, http.StatusOK, tapeRow{stands.Call.String(), stands.Paused, at(stands.Since)})
}
