package app

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"maskswitch/loadtest/carrier"
	"maskswitch/loadtest/party"
)

// shown is a recording as REST shows it.
type shown struct {
	ID, State, Why, SHA256, Channels, Format, Hold string
	Bytes                                          int64
	AtCarrier                                      bool `json:"at_carrier"`
	Caller                                         string
	Speakers                                       []string
	CallID                                         string `json:"call_id"`
	BookingID                                      string `json:"booking_id"`
	Summary                                        struct {
		State, Why, Text, Model string
		MachineMade             bool `json:"machine_made"`
	}
	Transcript *struct {
		Text        string
		MachineMade bool `json:"machine_made"`
	}
}

// recordingsOf waits until all recordings of a booking stand as they should.
func (r *rig) recordingsOf(id string, n int, holds func(shown) bool) []shown {
	r.Helper()
	var list struct{ Recordings []shown }
	r.until("recordings of "+id, func() bool {
		r.must("GET", "/bookings/"+id+"/recordings", nil, &list)
		for _, s := range list.Recordings {
			if !holds(s) {
				return false
			}
		}
		return len(list.Recordings) == n
	})
	return list.Recordings
}

func inState(state string) func(shown) bool { return func(s shown) bool { return s.State == state } }

// bookAs opens a booking with more members than the two parties.
func (r *rig) bookAs(more map[string]any) stay {
	r.Helper()
	s := stay{a: r.person(), b: r.person()}
	body := map[string]any{"party_a": s.a, "party_b": s.b}
	for name, value := range more {
		body[name] = value
	}
	r.must("POST", "/bookings", body, &s)
	return s
}

// talked plays a call in which two talk, to its end.
func (r *rig) talked(s stay) carrier.Ledger {
	r.Helper()
	return r.finish(r.PlaceCall(s.b, s.Proxy, party.Script{Talk: talk, Leaves: party.Caller}))
}

// A recording's whole way: from the talk to the archive, to somebody's ear, and
// to nowhere.
func TestRecordingFromTalkToErasure(t *testing.T) {
	t.Parallel()
	r := newRig(t, carrier.Config{}, "DELETE_AT_CARRIER", "true", "API_KEYS", "shop:s3cret")
	s := r.bookAs(map[string]any{"recording": "dual-wav"})
	r.talked(s)
	rec := r.recordingsOf(s.ID, 1, func(s shown) bool { return s.State == "archived" && !s.AtCarrier })[0]
	made := r.Carrier.Recordings()[0]
	if rec.SHA256 != made.SHA256 || rec.Bytes != made.Size || rec.Format != "wav" || rec.BookingID != s.ID || !made.Deleted ||
		rec.Caller != "party_b" || strings.Join(rec.Speakers, " ") != "party_b party_a" {
		t.Errorf("%+v; the carrier had %+v", rec, made)
	}
	var audio string
	if status := r.fetch("GET", r.app.URL()+"/recordings/"+rec.ID+"/audio", nil, &audio); status != http.StatusOK {
		t.Fatalf("audio: %d", status)
	}
	if sum := sha256.Sum256([]byte(audio)); hex.EncodeToString(sum[:]) != made.SHA256 {
		t.Errorf("%d bytes of audio are not what was said", len(audio))
	}
	var call struct {
		Caller, Outcome string
		Story           []struct{ What map[string]any }
	}
	r.must("GET", "/calls/"+rec.CallID, nil, &call)
	if call.Caller != "party_b" || call.Outcome != "talked" || len(call.Story) < 9 {
		t.Errorf("call: %+v", call)
	}

	hold := "/recordings/" + rec.ID + "/hold"
	r.must("POST", hold, map[string]any{"reason": "case 7"}, nil)
	var refused struct{ Code, Detail string }
	if status := r.rest("DELETE", "/recordings/"+rec.ID, nil, &refused); status != http.StatusConflict || refused.Code != "recording_held" || !strings.Contains(refused.Detail, "case 7") {
		t.Errorf("held: %d %+v", status, refused)
	}
	r.must("DELETE", "/bookings/"+s.ID, nil, nil)
	if e := r.erase(map[string]any{"party": s.a}); e.Bookings != 0 || len(e.Refused) != 1 || e.Refused[0].Code != "recording_held" {
		t.Errorf("receipt with a hold: %+v", e)
	}
	r.must("DELETE", hold, nil, nil)
	if e := r.erase(map[string]any{"party": s.a}); e.Bookings != 1 || e.Recordings != 1 || len(e.Refused) != 0 || strings.Contains(e.Subject, s.a) {
		t.Errorf("receipt: %+v", e)
	}
	r.recordingsOf(s.ID, 1, inState("erased"))
	if status := r.rest("GET", "/recordings/"+rec.ID+"/audio", nil, nil); status != http.StatusGone {
		t.Errorf("audio of an erased one: %d", status)
	}
	files, _ := filepath.Glob(filepath.Join(r.env["DATA_DIR"], "recordings", "*", "*", "*", "*", "*"))
	if len(files) > 0 {
		t.Errorf("left in the archive: %v", files)
	}
	var b struct {
		PartyA string `json:"party_a"`
		PartyB string `json:"party_b"`
	}
	r.must("GET", "/bookings/"+s.ID, nil, &b)
	if b.PartyA != "" || b.PartyB != s.b {
		t.Errorf("the booking holds %+v", b)
	}
	// The late caller is a stranger now: nobody remembers him.
	l := r.finish(r.PlaceCall(s.a, s.Proxy, party.Script{}))
	if l.Effects("answer") > 0 {
		t.Errorf("who was forgotten is answered:\n%s", l.Ladder())
	}
	if leaks := r.KeyLeaks(); len(leaks) > 0 {
		t.Errorf("the API key went to the storage: %v", leaks)
	}
}

type receipt struct {
	ID                   string `json:"erasure_id"`
	Done                 string `json:"done_at"`
	Subject              string
	Bookings, Recordings int
	Refused              []struct{ Code string }
}

// erase asks for an erasure, and waits for it.
func (r *rig) erase(body map[string]any) (e receipt) {
	r.Helper()
	if status := r.rest("POST", "/erasures", body, &e); status != http.StatusAccepted {
		r.Fatalf("POST /erasures: %d", status)
	}
	r.until("the erasure is done", func() bool {
		e = receipt{ID: e.ID}
		r.must("GET", "/erasures/"+e.ID, nil, &e)
		return e.Done != ""
	})
	return e
}

// A booking decides how it is recorded, and whether; both hear it before.
func TestRecordingAsAgreed(t *testing.T) {
	t.Parallel()
	r := newRig(t, carrier.Config{}, "CONSENT_MESSAGE", "This call is recorded.")
	off := r.bookAs(map[string]any{"recording": "off"})
	if l := r.talked(off); l.Effects("record_start") > 0 || l.Effects("speak") > 0 {
		t.Errorf("nobody asked:\n%s", l.Ladder())
	}
	single := r.bookAs(map[string]any{"recording": "single-mp3"})
	k := r.PlaceCall(single.a, single.Proxy, party.Script{})
	r.await(k, "they are recorded", done("record_start"))
	row := r.rowOpen(k)
	for _, action := range []string{"pause", "pause", "resume"} {
		var tape struct{ Paused bool }
		r.until("the switch knows that it records", func() bool {
			return r.rest("POST", "/calls/"+row+"/recording", map[string]any{"action": action}, &tape) == http.StatusOK
		})
		if tape.Paused != (action == "pause") {
			t.Errorf("%s: %+v", action, tape)
		}
	}
	k.HangUp(party.Caller)
	l := r.finish(k)
	if l.Effects("speak") != 1 || l.Effects("record_pause") != 1 || l.Effects("record_resume") != 1 {
		t.Errorf("told, paused, resumed:\n%s", l.Ladder())
	}
	rec := r.recordingsOf(single.ID, 1, inState("archived"))[0]
	if rec.Channels != "single" || rec.Format != "mp3" {
		t.Errorf("%+v", rec)
	}
	var call struct {
		Consent time.Time `json:"consent_at"`
		Talk    time.Time `json:"talk_at"`
	}
	r.must("GET", "/calls/"+rec.CallID, nil, &call)
	if call.Consent.Before(call.Talk) || call.Talk.IsZero() {
		t.Errorf("call: %+v", call)
	}
	if status := r.rest("POST", "/calls/"+rec.CallID+"/recording", map[string]any{"action": "pause"}, nil); status != http.StatusNotFound {
		t.Errorf("a call that is over is paused: %d", status)
	}
}

// rowOpen is the id of a call under way.
func (r *rig) rowOpen(k *carrier.Call) string {
	r.Helper()
	var id string
	r.until("the call is in the store", func() bool {
		row, _ := r.rowNow(k)
		id = row.ID.String()
		return row.Stage == "talking"
	})
	return id
}

// What was said is written down and summed up where both the operator and the
// booking want it, and marked as made by machines.
func TestSummary(t *testing.T) {
	t.Parallel()
	r := newRig(t, carrier.Config{}, "SUMMARIES", "true")
	plain, wanted := r.bookAs(nil), r.bookAs(map[string]any{"summary": true})
	r.talked(plain)
	r.talked(wanted)
	rec := r.recordingsOf(wanted.ID, 1, func(s shown) bool { return s.Summary.State == "done" })[0]
	r.must("GET", "/recordings/"+rec.ID, nil, &rec)
	if rec.Summary.Text == "" || rec.Summary.Model == "" || !rec.Summary.MachineMade || rec.Transcript == nil || rec.Transcript.Text == "" || !rec.Transcript.MachineMade {
		t.Errorf("%+v", rec)
	}
	other := r.recordingsOf(plain.ID, 1, inState("archived"))[0]
	r.must("GET", "/recordings/"+other.ID, nil, &other)
	if other.Summary.State != "none" || other.Transcript != nil {
		t.Errorf("nobody asked: %+v", other)
	}
	for _, c := range r.Completions() {
		if len(c.Leaks) > 0 || len(c.Recordings) != 1 || c.Recordings[0] != rec.ID {
			t.Errorf("the model was asked %+v", c)
		}
	}
}

// A switch that was stopped with recordings to fetch fetches them when it is
// back; so does one whose archive was out.
func TestRecordingsAfterARestart(t *testing.T) {
	t.Parallel()
	r := newRig(t, carrier.Config{})
	archive := filepath.Join(r.env["DATA_DIR"], "recordings")
	s := r.book()
	if err := os.Chmod(archive, 0o500); err != nil || os.Geteuid() == 0 {
		// Whom nothing is forbidden gets a file where the archive wants a folder.
		year := time.Now().UTC().Format("2006")
		if err := os.WriteFile(filepath.Join(archive, year), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		defer os.Remove(filepath.Join(archive, year))
	}
	r.talked(s)
	r.recordingsOf(s.ID, 1, func(s shown) bool { return s.State == "pending" && s.Why != "" })
	r.until("readiness names the archive", func() bool {
		ready, there := r.metrics()[`maskswitch_component_ready{component="archive"}`]
		return there && ready == 0
	})
	r.halt()
	_ = os.Chmod(archive, 0o700)
	_ = os.Remove(filepath.Join(archive, time.Now().UTC().Format("2006")))
	r.boot()
	rec := r.recordingsOf(s.ID, 1, inState("archived"))[0]
	if made := r.Carrier.Recordings(); len(made) != 1 || rec.SHA256 != made[0].SHA256 {
		t.Errorf("%+v; the carrier has %+v", rec, made)
	}
}
