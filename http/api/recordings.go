package api

import (
	"fmt"
	"net/http"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gorilla/mux"
	"go.uber.org/zap"

	"maskswitch/actors/protocol"
)

// recordingRow is a recording as it is shown. Speakers are who is on the first
// and the second channel of a dual one.
type recordingRow struct {
	ID              string     `json:"id"`
	BookingID       string     `json:"booking_id,omitzero"`
	CallID          string     `json:"call_id,omitzero"`
	State           string     `json:"state"`
	Why             string     `json:"why,omitzero"`
	Format          string     `json:"format,omitzero"`
	Channels        string     `json:"channels,omitzero"`
	Caller          string     `json:"caller,omitzero"`
	Speakers        []string   `json:"speakers,omitzero"`
	StartedAt       stamp      `json:"started_at,omitzero"`
	EndedAt         stamp      `json:"ended_at,omitzero"`
	DurationSeconds float64    `json:"duration_seconds,omitzero"`
	NoticedAt       stamp      `json:"noticed_at"`
	Bytes           int64      `json:"bytes,omitzero"`
	SHA256          string     `json:"sha256,omitzero"`
	ContentType     string     `json:"content_type,omitzero"`
	ArchivedAt      stamp      `json:"archived_at,omitzero"`
	ErasedAt        stamp      `json:"erased_at,omitzero"`
	Hold            string     `json:"hold,omitzero"`
	AtCarrier       bool       `json:"at_carrier"`
	NextTryAt       stamp      `json:"next_try_at,omitzero"`
	Tries           int        `json:"tries,omitzero"`
	Summary         summaryRow `json:"summary"`
	Transcript      *textRow   `json:"transcript,omitzero"`
}

type summaryRow struct {
	State       string `json:"state"`
	Why         string `json:"why,omitzero"`
	Text        string `json:"text,omitzero"`
	Model       string `json:"model,omitzero"`
	MadeAt      stamp  `json:"made_at,omitzero"`
	MachineMade bool   `json:"machine_made,omitzero"`
}

// textRow is a transcript. Machines misunderstand, so it says who made it.
type textRow struct {
	Text        string `json:"text"`
	MadeBy      string `json:"made_by"`
	MadeAt      stamp  `json:"made_at"`
	MachineMade bool   `json:"machine_made"`
}

func recordingRowOf(r protocol.Recording, booking string) recordingRow {
	row := recordingRow{
		ID: string(r.ID), BookingID: booking, State: r.Status.String(), Why: r.Why, Format: r.Format, Channels: r.Channels,
		Caller: partyName(r.Caller), StartedAt: at(r.StartedAt), EndedAt: at(r.EndedAt), DurationSeconds: r.Duration().Seconds(),
		NoticedAt: at(r.NoticedAt), Bytes: r.Bytes, SHA256: r.SHA256, ContentType: r.ContentType,
		ArchivedAt: at(r.ArchivedAt), ErasedAt: at(r.ErasedAt), Hold: r.Hold, AtCarrier: !r.CarrierGone,
		NextTryAt: at(r.NextTryAt), Tries: r.Tries, Summary: summaryRow{State: r.Summary.String(), Why: r.SummaryWhy},
	}
	if r.Call != (protocol.CallID{}) {
		row.CallID = r.Call.String()
	}
	switch {
	case r.Channels != "dual":
	case r.Caller == protocol.PartyA:
		row.Speakers = []string{"party_a", "party_b"}
	case r.Caller == protocol.PartyB:
		row.Speakers = []string{"party_b", "party_a"}
	}
	return row
}

type recordingList struct {
	Recordings []recordingRow `json:"recordings"`
}

// listRecordings shows the recordings of a booking.
func (s *Server) listRecordings(w http.ResponseWriter, r *http.Request) error {
	booking, err := s.bookingOf(r)
	if err != nil {
		return err
	}
	found, err := s.config.Switch.BookingRecordings(r.Context(), booking.ID.String())
	if err != nil {
		return err
	}
	list := recordingList{make([]recordingRow, len(found))}
	for i, rec := range found {
		list.Recordings[i] = recordingRowOf(rec, booking.PublicID())
	}
	return reply(w, http.StatusOK, list)
}

// recordingID is the id in the path. One that no recording can have is not found.
func recordingID(r *http.Request) (protocol.RecordingID, error) {
	id := mux.Vars(r)["id"]
	if !isName(id) {
		return "", refuse(notFound, "recording_not_found", "", "no recording has this id")
	}
	return protocol.RecordingID(id), nil
}

// readRecording shows one recording with what machines made of it.
func (s *Server) readRecording(w http.ResponseWriter, r *http.Request) error {
	id, err := recordingID(r)
	if err != nil {
		return err
	}
	rec, err := s.config.Switch.Recording(r.Context(), id)
	if err != nil {
		return err
	}
	booking, err := s.publicName(r, rec.Booking)
	if err != nil {
		return err
	}
	texts, err := s.config.Switch.RecordingTexts(r.Context(), id)
	if err != nil {
		return err
	}
	row := recordingRowOf(rec, booking)
	for _, t := range texts {
		switch t.Kind {
		case protocol.TextTranscript:
			row.Transcript = &textRow{t.Text, t.MadeBy, at(t.At), true}
		case protocol.TextSummary:
			row.Summary.Text, row.Summary.Model, row.Summary.MadeAt, row.Summary.MachineMade = t.Text, t.MadeBy, at(t.At), true
		}
	}
	if len(texts) > 0 {
		s.audit(r, "read texts of recording", string(id))
	}
	return reply(w, http.StatusOK, row)
}

// newHold is a request that a recording be kept, whatever happens.
type newHold struct {
	Reason string `json:"reason"`
}

const maxReason = 500 // characters

// holdRecording forbids to erase a recording: 409 if it is being erased already.
func (s *Server) holdRecording(w http.ResponseWriter, r *http.Request) error {
	id, err := recordingID(r)
	if err != nil {
		return err
	}
	var in newHold
	if err := decode(r, &in, invalid.text); err != nil {
		return err
	}
	switch {
	case in.Reason == "":
		return refuse(invalid, "missing", "reason", "reason is missing: whoever wants it erased is told")
	case utf8.RuneCountInString(in.Reason) > maxReason || containsControl(in.Reason):
		return refuse(invalid, "bad_reason", "reason", fmt.Sprintf("a reason has 1 to %d characters, and none of them controls", maxReason))
	}
	return s.setHold(w, r, id, in.Reason, "hold recording")
}

// releaseRecording takes a hold back. Without one it changes nothing.
func (s *Server) releaseRecording(w http.ResponseWriter, r *http.Request) error {
	id, err := recordingID(r)
	if err != nil {
		return err
	}
	return s.setHold(w, r, id, "", "release recording")
}

func (s *Server) setHold(w http.ResponseWriter, r *http.Request, id protocol.RecordingID, reason, deed string) error {
	rec, err := s.config.Switch.HoldRecording(r.Context(), id, reason)
	if err != nil {
		return err
	}
	s.audit(r, deed, string(id))
	return s.replyRecording(w, r, http.StatusOK, rec)
}

func (s *Server) replyRecording(w http.ResponseWriter, r *http.Request, status int, rec protocol.Recording) error {
	booking, err := s.publicName(r, rec.Booking)
	if err != nil {
		return err
	}
	return reply(w, status, recordingRowOf(rec, booking))
}

// eraseRecording has a recording erased: 202 when that is promised, 200 when it
// has been done; 409 if it is held.
func (s *Server) eraseRecording(w http.ResponseWriter, r *http.Request) error {
	id, err := recordingID(r)
	if err != nil {
		return err
	}
	rec, err := s.config.Switch.EraseRecording(r.Context(), id)
	if err != nil {
		return err
	}
	s.audit(r, "erase recording", string(id))
	status := http.StatusAccepted
	if rec.Status == protocol.RecordingErased {
		status = http.StatusOK
	}
	return s.replyRecording(w, r, status, rec)
}

// audit writes down who did something to a recording: later somebody will ask.
// Ids of recordings and calls are the carrier's and ours, and tell of nobody.
func (s *Server) audit(r *http.Request, deed, id string) {
	key, _ := r.Context().Value(keyName{}).(string)
	s.config.Log.Info(deed, zap.String("id", id), zap.String("key", key), zap.Time("at", time.Now()))
}

func containsControl(s string) bool {
	for _, r := range s {
		if unicode.IsControl(r) {
			return true
		}
	}
	return false
}
