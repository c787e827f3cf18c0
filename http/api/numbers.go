package api

import (
	"math"
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// numberRow is a proxy number as it is shown.
type numberRow struct {
	Number         string  `json:"number"`
	State          string  `json:"state"`
	Region         string  `json:"region,omitzero"`
	Live           int     `json:"live"`
	CallsPerMinute float64 `json:"calls_per_minute"`
	Quarantined    int     `json:"quarantined"`
	LastCallAt     int64   `json:"last_call_at,omitzero"`
	RestUntil      int64   `json:"rest_until,omitzero"`
	ChangedAt      int64   `json:"changed_at"`
}

func numberRowOf(n protocol.NumberStatus) numberRow {
	return numberRow{
		n.Number.Number.E164(), n.State.String(), n.Region.String(), n.Live, math.Round(n.CallsPerMinute*10) / 10,
		n.Quarantined, unix(n.LastCallAt), unix(n.RestUntil), unix(n.ChangedAt),
	}
}

// unix is 0, which is not shown, for no instant.
func unix(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return at.Unix()
}

type numberList struct {
	Numbers    []numberRow `json:"numbers"`
	NextCursor string      `json:"next_cursor,omitzero"`
}

// listNumbers shows proxy numbers in the order of their digits. A cursor is the
// digits of the last number shown, without the plus that a query would take for
// a space.
func (s *Server) listNumbers(w http.ResponseWriter, r *http.Request) error {
	query := protocol.NumberQuery{Limit: defaultLimit}
	err := parameters(r, func(name, value string) (err error) {
		switch name {
		case "limit":
			query.Limit, err = limitParameter(value)
		case "cursor":
			if query.After, err = phone.Parse("+" + value); err != nil {
				return badCursor()
			}
		case "state":
			query.State, err = parseState(value)
			query.States = true
		case "region":
			query.Region, err = parseRegion(value)
		default:
			return unknownParameter(name, "this list takes limit, cursor, state and region")
		}
		return err
	})
	if err != nil {
		return err
	}
	limit := query.Limit
	query.Limit++ // one more than is shown tells whether there is a next page
	found, err := s.config.Switch.Numbers(r.Context(), query)
	if err != nil {
		return err
	}
	var list numberList
	if len(found) > limit {
		found = found[:limit]
		list.NextCursor = found[limit-1].Number.Number.E164()[1:]
	}
	list.Numbers = make([]numberRow, len(found))
	for i := range found {
		list.Numbers[i] = numberRowOf(found[i])
	}
	return reply(w, http.StatusOK, list)
}

func parseState(text string) (protocol.NumberState, error) {
	state, ok := protocol.ParseNumberState(text)
	if !ok {
		return state, refuse(invalid, "unknown_state", "state", "state is serving, draining, resting or retired")
	}
	return state, nil
}

// pathNumber is the number in the path.
func pathNumber(r *http.Request) (phone.Number, error) {
	return parseNumber(mux.Vars(r)["number"], "number")
}

// readNumber shows one proxy number.
func (s *Server) readNumber(w http.ResponseWriter, r *http.Request) error {
	number, err := pathNumber(r)
	if err != nil {
		return err
	}
	found, err := s.config.Switch.Number(r.Context(), number)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, numberRowOf(found))
}

// maxRest bounds a number's rest, in hours: a leap year.
const maxRest = 8784

// numberMove is a request for another state. Null is absent.
type numberMove struct {
	State     *string  `json:"state"`
	RestHours *float64 `json:"rest_hours"`
	RestUntil *float64 `json:"rest_until"`
}

// command checks the request and says it in the switch's words. That a rest has
// not ended already, the switch sees.
func (in numberMove) command(number phone.Number, now time.Time) (m protocol.MoveNumberTo, err error) {
	m = protocol.MoveNumberTo{Number: number, State: protocol.NumberResting}
	field := "" // that has the end of the rest
	if in.RestHours != nil {
		field = "rest_hours"
		var rest time.Duration
		rest, err = hours(field, *in.RestHours, maxRest)
		m.RestUntil = now.Add(rest)
	}
	if in.RestUntil != nil {
		if field != "" {
			return m, refuse(invalid, "several_ends", "rest_until", "send only one of rest_hours and rest_until")
		}
		field = "rest_until"
		m.RestUntil, err = instant(field, *in.RestUntil)
	}
	switch {
	case in.State == nil && field == "":
		return m, refuse(invalid, "missing", "state", "state is missing: serving, draining, resting or retired")
	case in.State == nil || err != nil:
		return m, err
	}
	if m.State, err = parseState(*in.State); err == nil && field != "" && m.State != protocol.NumberResting {
		err = refuse(invalid, "needs_resting", field, field+" is for the state resting")
	}
	return m, err
}

// moveNumber gives a number another state: 409 if it cannot go there from the
// one it has.
func (s *Server) moveNumber(w http.ResponseWriter, r *http.Request) error {
	number, err := pathNumber(r)
	if err != nil {
		return err
	}
	var in numberMove
	if err := decode(r, &in, invalid.text); err != nil {
		return err
	}
	move, err := in.command(number, time.Now())
	if err != nil {
		return err
	}
	moved, err := s.config.Switch.MoveNumber(r.Context(), move)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, numberRowOf(moved))
}

type numberRetired struct {
	Status string   `json:"status"`
	Ended  []string `json:"ended"`
	numberRow
}

// retireNumber takes a number out: once its last booking has ended or, with
// force, now.
func (s *Server) retireNumber(w http.ResponseWriter, r *http.Request) error {
	number, err := pathNumber(r)
	if err != nil {
		return err
	}
	force := false
	err = parameters(r, func(name, value string) error {
		switch {
		case name != "force":
			return unknownParameter(name, "this request takes force")
		case value != "true" && value != "false":
			return refuse(invalid, "wrong_type", name, "force is true or false")
		}
		force = value == "true"
		return nil
	})
	if err != nil {
		return err
	}
	retired, err := s.config.Switch.RetireNumber(r.Context(), number, force)
	if err != nil {
		return err
	}
	ended := make([]string, len(retired.Ended))
	for i := range retired.Ended {
		ended[i] = retired.Ended[i].PublicID()
	}
	return reply(w, http.StatusOK, numberRetired{retired.Number.State.String(), ended, numberRowOf(retired.Number)})
}
