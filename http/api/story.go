package api

import (
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"maskswitch/actors/protocol"
	"maskswitch/actors/story"
)

// toldCall is a call with its story, and what that adds up to.
type toldCall struct {
	callRow
	SetupSeconds         float64       `json:"setup_seconds,omitzero"`
	PostDialDelaySeconds float64       `json:"post_dial_delay_seconds,omitzero"`
	SwitchingSeconds     float64       `json:"switching_seconds,omitzero"`
	Commands             []toldCommand `json:"commands"`
	Story                []storyLine   `json:"story"`
}

type toldCommand struct {
	Command     string  `json:"command"`
	Leg         string  `json:"leg,omitzero"`
	What        string  `json:"what,omitzero"`
	At          stamp   `json:"at"`
	Result      string  `json:"result,omitzero"`
	Attempts    int     `json:"attempts,omitzero"`
	OwnSeconds  float64 `json:"own_seconds,omitzero"`
	TookSeconds float64 `json:"took_seconds,omitzero"`
	Status      int     `json:"status,omitzero"`
	Code        string  `json:"code,omitzero"`
}

type storyLine struct {
	N    int            `json:"n"`
	At   stamp          `json:"at"`
	What jsontext.Value `json:"what"`
}

// readCall shows one call and what happened to it: as a document, or as the text
// that package story has for it, if the client would rather have that.
func (s *Server) readCall(w http.ResponseWriter, r *http.Request) error {
	id, err := callID(r)
	if err != nil {
		return err
	}
	media, err := negotiate(r, mediaJSON, mediaText)
	if err != nil {
		return err
	}
	call, lines, err := s.config.Switch.Call(r.Context(), id)
	if err != nil {
		return err
	}
	booking, err := s.publicName(r, call.Booking)
	if err != nil {
		return err
	}
	w.Header().Set("Vary", "Accept")
	told := storyOf(call, booking, lines)
	if media == mediaText {
		w.Header().Set("Content-Type", mediaText+"; charset=utf-8")
		text := told.String()
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write([]byte(text)) // that the client has left is no error
		return nil
	}
	return reply(w, http.StatusOK, toldCallOf(callRowOf(call, booking), lines, told))
}

func storyOf(c protocol.Call, booking string, lines []protocol.Line) story.Story {
	told := make([]story.Told, len(lines))
	for i, l := range lines {
		told[i] = story.Told{At: l.At, What: l.What}
	}
	head := story.Story{
		Call: c.ID.String(), Session: string(c.Session), Booking: booking, Number: c.Number.E164(), Caller: partyName(c.Caller),
		Stage: c.Stage, Outcome: c.Outcome.String(), Reason: c.Reason,
	}
	if c.Stage == story.Closed {
		head.Stage = ""
	}
	if len(lines) == 0 {
		head.Began = c.RangAt
	}
	return story.New(head, told)
}

func toldCallOf(row callRow, lines []protocol.Line, s story.Story) toldCall {
	sums := s.Sums()
	told := toldCall{
		callRow: row, SetupSeconds: sums.Setup.Seconds(), PostDialDelaySeconds: sums.PostDial.Seconds(), SwitchingSeconds: sums.Own.Seconds(),
		Commands: []toldCommand{}, Story: make([]storyLine, len(lines)),
	}
	for _, c := range s.Commands() {
		told.Commands = append(told.Commands, toldCommand{
			Command: c.Name, Leg: c.Leg, What: c.What, At: at(c.At), Result: c.Result, Attempts: c.Attempts,
			OwnSeconds: c.Own.Seconds(), TookSeconds: c.Took.Seconds(), Status: c.Status, Code: c.Code,
		})
	}
	for i, l := range lines {
		told.Story[i] = storyLine{l.N, at(l.At), jsontext.Value(l.What)}
	}
	return told
}
