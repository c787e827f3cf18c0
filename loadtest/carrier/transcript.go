package carrier

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// transcript is what the carrier's machine heard in a recording.
type transcript struct {
	id, text string
	ready    time.Time // by this machine's clock: until then it is in progress
}

// transcribe has a recording written down: its event comes some time after that
// of the recording, or never.
func (k *Call) transcribe(r *recording) {
	c := k.carrier
	took := max(c.cfg.Timing.Transcribe, 0)
	r.kept.transcript = &transcript{id: newID(), text: talkOf(r.ID, k.from), ready: time.Now().Add(c.world(took))}
	if c.drawFor("transcript untold", r) < c.faults.Load().TranscriptUntold {
		return
	}
	k.laterOwed(took, func() { k.emit(r.leg, "call.recording.transcription.saved", r.kept) })
}

// describeTranscript fills an event in.
func (k *kept) describeTranscript(p *payload) {
	p.CallingPartyType, p.RecordingID, p.Status = "pstn", k.ID, "completed"
	p.TranscriptionID, p.TranscriptionText = k.transcript.id, k.transcript.text
}

// talkOf is what two people said. Somebody tells a number, which is to go no
// further, and the reference shows whose talk is in a later request.
func talkOf(recording, caller string) string {
	spoken := "my number is withheld"
	if n := digits(caller); len(n) == 10 {
		spoken = "my number is " + n[:3] + "-" + n[3:6] + "-" + n[6:]
	}
	return "Hello, it is about the stay " + reference(recording) + ", " + spoken + ". " + promise +
		". That is fine, I will wait for you at the door."
}

// promise is a sentence that every transcript has, so that it can be quoted.
const promise = "I will be there at noon and bring the key"

// reference writes a recording's id in letters only: a number might be masked.
func reference(id string) string {
	return "stay-" + strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9':
			return 'g' + r - '0'
		case r == '-':
			return -1
		}
		return r
	}, strings.ToLower(id))
}

// references finds them in a text.
var references = regexp.MustCompile(`stay-[a-p]{32}`)

// spokenOf are the recordings whose transcripts are in a text.
func (s *shelf) spokenOf(text string) (all []*kept) {
	found := references.FindAllString(text, -1)
	if len(found) == 0 {
		return nil
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	seen := map[string]bool{}
	for _, ref := range found {
		if seen[ref] {
			continue
		}
		seen[ref] = true
		if k := s.byID[idOf(ref)]; k != nil {
			all = append(all, k)
		}
	}
	return all
}

// idOf undoes reference.
func idOf(ref string) string {
	hex := strings.Map(func(r rune) rune {
		if r >= 'g' {
			return '0' + r - 'g'
		}
		return r
	}, strings.TrimPrefix(ref, "stay-"))
	return hex[:8] + "-" + hex[8:12] + "-" + hex[12:16] + "-" + hex[16:20] + "-" + hex[20:]
}

// listTranscriptions pages like the list of recordings. The published answer has
// cursors, and the published request page numbers: next carries the number.
func (c *Carrier) listTranscriptions(w http.ResponseWriter, r *http.Request) {
	found, p := c.part(r.URL.Query(), transcriptFilters, transcriptTimes, func(k *kept) bool { return k.transcript != nil })
	if p != nil {
		p.write(w, nil)
		return
	}
	data := []any{}
	for _, k := range found.rows {
		data = append(data, k.transcription(time.Now()))
	}
	meta := map[string]string{}
	if found.number < found.pages {
		q := r.URL.Query()
		q.Set("page[number]", strconv.Itoa(found.number+1))
		meta["next"] = "http://" + r.Host + r.URL.Path + "?" + q.Encode()
	}
	writeJSON(w, http.StatusOK, map[string]any{"data": data, "meta": meta})
}

func (k *kept) transcription(now time.Time) map[string]any {
	t := k.transcript
	row := map[string]any{"record_type": "recording_transcription", "id": t.id, "recording_id": k.ID, "status": "in-progress",
		"transcription_text": "", "duration_millis": k.ended.Sub(k.started).Milliseconds(),
		"created_at": wireTime(k.saved), "updated_at": wireTime(k.saved)}
	if !now.Before(t.ready) {
		row["status"], row["transcription_text"], row["updated_at"] = "completed", t.text, wireTime(t.ready)
	}
	return row
}
