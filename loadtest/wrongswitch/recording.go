package wrongswitch

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// recording is what to ask for so that a talk is recorded as its booking says;
// nil: nothing, or not yet.
func (s *Switch) recording(c *call) map[string]any {
	mode, summary := "", false
	if c.booking != nil {
		mode, summary = c.booking.recording, c.booking.summary
	}
	if mode == "off" && !s.wrong.strikes(RecordsUnasked) {
		c.asked["record_start"] = true
		return nil
	}
	if !s.announced(c) {
		return nil
	}
	if s.wrong.strikes(NeverRecords) {
		c.asked["record_start"] = true
		return nil
	}
	channels, format := "dual", "mp3"
	switch mode {
	case "dual-wav":
		format = "wav"
	case "single-mp3":
		channels = "single"
	}
	if s.wrong.strikes(RecordsOtherwise) {
		channels = map[string]string{"dual": "single", "single": "dual"}[channels]
	}
	body := map[string]any{"format": format, "channels": channels}
	if summary || s.wrong.strikes(TranscribesUnasked) {
		body["transcription"], body["transcription_engine"] = true, "B"
	}
	return body
}

// announced says whether the two know that they will be recorded, and has them
// told.
func (s *Switch) announced(c *call) bool {
	switch {
	case s.cfg.Consent == "", c.announced:
		return true
	case c.unheard, c.asked["announce"]:
		return false
	case s.wrong.strikes(RecordsUnheard):
		return true
	}
	c.asked["announce"] = true
	s.send(c, "announce", "speak", c.a.control, map[string]any{"payload": s.cfg.Consent, "voice": "female", "target_legs": "both"}, 0, false)
	return false
}

// announcing says that they are just being told: another line would cut that.
func (c *call) announcing() bool { return c.asked["announce"] && !c.announced && !c.unheard }

// numbers are what a language model need not know.
var numbers = regexp.MustCompile(`[0-9][0-9 ().-]{5,}[0-9]`)

// sumUp has a transcript summed up, once, and makes nothing of the answer.
func (s *Switch) sumUp(of saved) {
	if of.Transcript == "" || s.archived(of.ID+" summary") {
		return
	}
	text := of.Transcript
	if !s.wrong.strikes(TellsNumbers) {
		text = numbers.ReplaceAllString(text, "[number]")
	}
	body, err := json.Marshal(map[string]any{"model": "a-model", "max_tokens": 500, "messages": []map[string]string{
		{"role": "system", "content": "Sum the transcript up."}, {"role": "user", "content": text}}})
	if err != nil {
		panic(err) // maps of strings
	}
	s.jobs.Go(func() { s.insist(s.cfg.BaseURL+"/ai/openai/chat/completions", body) })
}

// archived notes that something is done, and says whether it was before.
func (s *Switch) archived(what string) bool {
	if s.archive[what] != nil {
		return true
	}
	s.archive[what] = &file{}
	return false
}

// get is one look at the carrier's API; false if there was no good answer.
func (s *Switch) get(path string, into any) bool {
	req, err := http.NewRequestWithContext(s.ctx, http.MethodGet, s.cfg.BaseURL+path, nil)
	if err != nil {
		return false
	}
	req.Header.Set("Authorization", "Bearer "+s.cfg.APIKey)
	resp, err := s.client.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK && json.NewDecoder(resp.Body).Decode(into) == nil
}

// sound says whether bytes begin as a recording does.
func sound(kind string, b []byte) bool {
	return strings.HasPrefix(kind, "audio/") && (bytes.HasPrefix(b, []byte("ID3")) || bytes.HasPrefix(b, []byte("RIFF")))
}

// lookLater asks for the recordings of a call some time after its end: an event
// may never have told of one.
func (s *Switch) lookLater(c *call) {
	if c.looking || !c.asked["record_start"] || !c.a.ended && !c.b.ended {
		return
	}
	c.looking = true
	s.jobs.Go(func() {
		if !s.pause(s.cfg.Lookup) {
			return
		}
		var list listed
		for !s.get("/recordings?filter[call_session_id]="+c.session, &list) {
			if !s.pause(firstPause) {
				return
			}
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, r := range list.Data {
			s.keep(c, r.saved())
		}
	})
}

// listed is the carrier's list of recordings.
type listed struct {
	Data []resource `json:"data"`
}

type resource struct {
	ID      string            `json:"id"`
	Leg     string            `json:"call_leg_id"`
	Started string            `json:"recording_started_at"`
	URLs    map[string]string `json:"download_urls"`
}

func (r resource) saved() saved {
	s := saved{ID: r.ID, Leg: r.Leg, Started: r.Started, URLs: map[string]*string{}}
	for format, link := range r.URLs {
		s.URLs[format] = &link
	}
	return s
}

// saved is what an event tells of a recording.
type saved struct {
	ID         string             `json:"recording_id"`
	Leg        string             `json:"call_leg_id"`
	Started    string             `json:"recording_started_at"`
	URLs       map[string]*string `json:"recording_urls"`
	Transcript string             `json:"transcription_text"`
}

func (s saved) link() string {
	for _, link := range s.URLs {
		if link != nil {
			return *link
		}
	}
	return ""
}

// retryPause is between two tries to fetch a recording.
const retryPause = 100 * time.Millisecond
