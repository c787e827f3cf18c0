package recording

import (
	"strings"
	"testing"
	"time"

	"maskswitch/actors/protocol"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// row is one as it came, changed by whatever is told of it.
func row(change ...func(*protocol.Recording)) protocol.Recording {
	r := protocol.Recording{
		ID: "r1", Session: "s", LegUUID: "leg", Format: "mp3", Channels: "dual",
		StartedAt: noon.Add(-time.Hour), EndedAt: noon.Add(-time.Minute), NoticedAt: noon.Add(-time.Minute), NextTryAt: noon,
	}
	for _, c := range change {
		c(&r)
	}
	return r
}

func status(s protocol.RecordingStatus) func(*protocol.Recording) {
	return func(r *protocol.Recording) {
		r.Status = s
		switch s {
		case protocol.RecordingArchived:
			r.ArchivedAt, r.Object, r.SHA256, r.Bytes = noon, "o", "h", 7
		case protocol.RecordingErasing:
			r.Why = "asked for"
		case protocol.RecordingErased, protocol.RecordingLost, protocol.RecordingReplaced:
			r.NextTryAt = time.Time{}
		}
	}
}

func waiting(r *protocol.Recording) { r.Summary = protocol.SummaryWaiting }
func gone(r *protocol.Recording)    { r.CarrierGone = true }
func noticed(ago time.Duration) func(*protocol.Recording) {
	return func(r *protocol.Recording) { r.NoticedAt = noon.Add(-ago) }
}
func since(ago time.Duration) func(*protocol.Recording) {
	return func(r *protocol.Recording) { r.ArchivedAt = noon.Add(-ago) }
}
func tries(n int) func(*protocol.Recording) { return func(r *protocol.Recording) { r.Tries = n } }
func why(s string) func(*protocol.Recording) {
	return func(r *protocol.Recording) { r.Why = s }
}

func TestDue(t *testing.T) {
	both := Policy{DeleteAtCarrier: true, Summaries: true}
	for _, c := range []struct {
		story  string
		policy Policy
		row    protocol.Recording
		want   Act
	}{
		{"to be fetched", both, row(), ActFetch},
		{"to be erased, whatever else", both, row(status(protocol.RecordingErasing), waiting), ActErase},
		{"the summary before the carrier's copy goes", both, row(status(protocol.RecordingArchived), waiting), ActSummarise},
		{"the carrier's copy", both, row(status(protocol.RecordingArchived)), ActTidy},
		{"which is gone", both, row(status(protocol.RecordingArchived), gone), ActNothing},
		{"which stays", Policy{}, row(status(protocol.RecordingArchived)), ActNothing},
		{"a summary that nobody makes is given up", Policy{}, row(status(protocol.RecordingArchived), waiting), ActSummarise},
		{"lost", both, row(status(protocol.RecordingLost)), ActNothing},
		{"erased", both, row(status(protocol.RecordingErased), waiting), ActNothing},
		{"replaced", both, row(status(protocol.RecordingReplaced)), ActNothing},
	} {
		if got := c.policy.Due(c.row); got != c.want {
			t.Errorf("%s: act %d, want %d", c.story, got, c.want)
		}
	}
}

func TestStep(t *testing.T) {
	later := &protocol.RecordingError{Trouble: protocol.TroubleLater, Detail: "no luck"}
	asked := &protocol.RecordingError{Trouble: protocol.TroubleLater, After: 9 * time.Hour, Detail: "no luck"}
	none := &protocol.RecordingError{Trouble: protocol.TroubleGone, Status: 404}
	failed := func(err *protocol.RecordingError) Event { return FetchFailed{Failure{Err: err}} }
	archived, erasing := protocol.RecordingArchived, protocol.RecordingErasing
	for _, c := range []struct {
		story   string
		row     protocol.Recording
		event   Event
		status  protocol.RecordingStatus
		why     string // contained; empty: none
		from    time.Duration
		to      time.Duration // when the next try is; both 0: never again
		tries   int
		summary protocol.SummaryStatus
	}{
		{"a first failure", row(), failed(later), 0, "no luck", 5 * time.Second, 7 * time.Second, 1, 0},
		{"pauses grow", row(tries(4)), failed(later), 0, "no luck", 80 * time.Second, 100 * time.Second, 5, 0},
		{"up to ten minutes", row(tries(400)), failed(later), 0, "no luck", 8 * time.Minute, 10 * time.Minute, 401, 0},
		{"as long as the carrier says, an hour at most", row(), failed(asked), 0, "no luck", time.Hour, time.Hour, 1, 0},
		{"the archive's trouble does not grow", row(tries(9)), FetchFailed{Failure{later, true}}, 0, "no luck", archiveWait, archiveWait, 10, 0},
		{"the last try", row(noticed(tryFor), tries(9)), failed(later), protocol.RecordingLost, "72 hours; the last trouble: no luck", 0, 0, 0, 0},
		{"and its summary", row(noticed(tryFor), tries(9), waiting), failed(later), protocol.RecordingLost, "no luck", 0, 0, 0, protocol.SummaryFailed},
		{"just before", row(noticed(tryFor-1), tries(9)), failed(later), 0, "no luck", 8 * time.Minute, 10 * time.Minute, 10, 0},
		{"late, but tried too little", row(noticed(2*tryFor), tries(3)), failed(later), 0, "no luck", 40 * time.Second, 50 * time.Second, 4, 0},
		{"gone for the first time", row(tries(3)), failed(none), 0, "no such recording", time.Hour, time.Hour, 4, 0},
		{"gone for the second", row(why(whyGone)), failed(none), protocol.RecordingLost, "twice", 0, 0, 0, 0},
		{"the archive says gone: its own trouble", row(why(whyGone)), FetchFailed{Failure{none, true}}, 0, "gone", archiveWait, archiveWait, 1, 0},
		{"no list for a while", row(), Unlisted{}, 0, "does not list", 30 * time.Second, 40 * time.Second, 1, 0},
		{"no list for a day", row(noticed(lookFor)), Unlisted{}, protocol.RecordingLost, "no recording of this call", 0, 0, 0, 0},
		{"a failure that comes late", row(status(archived)), failed(later), archived, "", 0, 0, 0, 0},
		{"no transcript yet", row(status(archived), since(time.Minute), waiting), NoTranscript{later}, archived, "", 9 * time.Minute, 9 * time.Minute, 0, protocol.SummaryWaiting},
		{"no transcript when asked", row(status(archived), since(time.Hour), waiting), NoTranscript{later}, archived, "", time.Minute, 75 * time.Second, 1, protocol.SummaryWaiting},
		{"no transcript at last", row(status(archived), since(transcriptFor), waiting), NoTranscript{later}, archived, "", 0, 0, 0, protocol.SummaryFailed},
		{"no model yet", row(status(archived), since(11*time.Hour), waiting, tries(2)), SummaryFailed{later}, archived, "", 4 * time.Minute, 5 * time.Minute, 3, protocol.SummaryWaiting},
		{"no model at last", row(status(archived), since(summaryFor), waiting), SummaryFailed{later}, archived, "", 0, 0, 0, protocol.SummaryFailed},
		{"a summary that comes late", row(status(erasing), waiting), Summarised{protocol.Summary{Text: "x"}}, erasing, "asked for", 0, 0, 0, protocol.SummaryWaiting},
		{"erasing fails", row(status(erasing)), EraseFailed{Err: later}, erasing, "asked for; not done yet: no luck", 5 * time.Second, 7 * time.Second, 1, 0},
		{"and fails again", row(status(erasing), why("asked for; not done yet: bad")), EraseFailed{Err: later}, erasing, "asked for; not done yet: no luck", 5 * time.Second, 7 * time.Second, 1, 0},
		{"audio that comes while it is erased", row(status(erasing)), Archived{SHA256: "x"}, erasing, "asked for", 0, 0, 0, 0},
		{"audio that comes twice", row(status(archived)), Archived{SHA256: "x"}, archived, "", 0, 0, 0, 0},
		{"found when it is lost", row(status(protocol.RecordingLost)), Resolved{[]protocol.CarrierRecording{{ID: "r7"}}}, protocol.RecordingLost, "", 0, 0, 0, 0},
	} {
		d := Policy{Summaries: true}.Step(c.row, c.event, noon)
		r := d.Row
		if r.Status != c.status || r.Summary != c.summary || c.why == "" != (r.Why == "") || !strings.Contains(r.Why, c.why) {
			t.Errorf("%s: %s (%s), summary %s", c.story, r.Status, r.Why, r.Summary)
		}
		if len(d.Fresh)+len(d.Texts) > 0 {
			t.Errorf("%s: %v, %v", c.story, d.Fresh, d.Texts)
		}
		if r.Status == erasing && c.to == 0 { // as it was
			if r != c.row {
				t.Errorf("%s: %+v", c.story, r)
			}
			continue
		}
		wait := r.NextTryAt.Sub(noon)
		if c.to == 0 {
			if !r.NextTryAt.IsZero() || r.Tries != 0 {
				t.Errorf("%s: once more after %s, %d tries", c.story, wait, r.Tries)
			}
		} else if wait < c.from || wait > c.to || r.Tries != c.tries {
			t.Errorf("%s: once more after %s, want %s to %s; %d tries", c.story, wait, c.from, c.to, r.Tries)
		}
	}
}

func TestStepArchived(t *testing.T) {
	r := row(tries(3), why("no luck"), waiting, func(r *protocol.Recording) {
		r.Format, r.Channels, r.StartedAt, r.EndedAt = "", "", time.Time{}, time.Time{}
	})
	ev := Archived{
		Object: protocol.Object{Name: "n", Bytes: 9, ContentType: "audio/wav"}, SHA256: "h", Format: "wav",
		Told: protocol.CarrierRecording{Channels: "single", LegUUID: "other", StartedAt: noon.Add(-time.Hour), EndedAt: noon.Add(-30 * time.Minute)},
	}
	d := Policy{Summaries: true}.Step(r, ev, noon)
	got := d.Row
	want := r
	want.Status, want.Why, want.Tries, want.ArchivedAt = protocol.RecordingArchived, "", 0, noon
	want.Object, want.Bytes, want.ContentType, want.SHA256, want.Format = "n", 9, "audio/wav", "h", "wav"
	want.Channels, want.StartedAt, want.EndedAt = "single", noon.Add(-time.Hour), noon.Add(-30*time.Minute)
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestStepResolved(t *testing.T) {
	found := []protocol.CarrierRecording{
		{ID: "a", Leg: "ctl", LegUUID: "leg-a", Channels: "single", StartedAt: noon.Add(-time.Hour), EndedAt: noon},
		{ID: "b", StartedAt: noon.Add(-time.Minute)},
	}
	stand := row(waiting, func(r *protocol.Recording) {
		r.ID, r.Hold, r.Booking, r.Call, r.Caller = "leg:x@1", "case 17", protocol.BookingID{7}, protocol.CallID{8}, protocol.PartyB
	})
	d := Policy{}.Step(stand, Resolved{found}, noon)
	if d.Row.Status != protocol.RecordingReplaced || d.Row.Hold != "" || d.Row.Summary != protocol.SummaryNone || !d.Row.NextTryAt.IsZero() || len(d.Fresh) != 2 {
		t.Fatalf("%+v", d)
	}
	a, b := d.Fresh[0], d.Fresh[1]
	if a.ID != "a" || a.Leg != "ctl" || a.LegUUID != "leg-a" || a.Channels != "single" || a.EndedAt != noon || a.Status != protocol.RecordingPending || a.NextTryAt != noon ||
		a.Hold != "case 17" || a.Summary != protocol.SummaryWaiting || a.Booking != stand.Booking || a.Call != stand.Call || a.Caller != stand.Caller || a.NoticedAt != stand.NoticedAt {
		t.Errorf("%+v", a)
	}
	if b.LegUUID != "leg" || b.Channels != "dual" || b.Session != "s" {
		t.Errorf("%+v", b)
	}
	stand.ID, stand.Status, stand.Why, stand.Hold = "call:x", protocol.RecordingErasing, "erasure 9; not done yet: x", ""
	d = Policy{}.Step(stand, Resolved{found[:1]}, noon)
	if a := d.Fresh[0]; a.Status != protocol.RecordingErasing || a.Why != "erasure 9" || a.NoticedAt != noon {
		t.Errorf("%+v", a)
	}
	// Told once more, it makes no rows once more.
	if again := (Policy{}).Step(d.Row, Resolved{found}, noon); again.Row != d.Row || len(again.Fresh) > 0 {
		t.Errorf("%+v", again)
	}
}

func TestStepErased(t *testing.T) {
	r := row(status(protocol.RecordingArchived), status(protocol.RecordingErasing), waiting, why("retention; not done yet: x"))
	d := Policy{}.Step(r, Erased{[]protocol.RecordingID{"real"}}, noon)
	if d.Row.Status != protocol.RecordingErased || d.Row.Why != "retention" || d.Row.Object != "" || d.Row.SHA256 != "h" || d.Row.Bytes != 7 ||
		!d.Row.CarrierGone || d.Row.ErasedAt != noon || d.Row.Summary != protocol.SummaryFailed {
		t.Errorf("%+v", d.Row)
	}
	var gone []string
	for _, text := range d.Texts {
		if text.Text != "" || text.Session != "s" {
			t.Errorf("%+v", text)
		}
		gone = append(gone, string(text.Recording)+" "+text.Kind.String())
	}
	if got := strings.Join(gone, ", "); got != "r1 transcript, r1 summary, real transcript, real summary" {
		t.Error(got)
	}
}

func TestStepTexts(t *testing.T) {
	text := protocol.RecordingText{Recording: "r1", Kind: protocol.TextTranscript, Text: "hello", MadeBy: "tr"}
	p := Policy{Summaries: true}
	d := p.Step(row(status(protocol.RecordingArchived), waiting, tries(3), func(r *protocol.Recording) { r.NextTryAt = noon.Add(time.Hour) }), Transcribed{text}, noon)
	if len(d.Texts) != 1 || d.Texts[0] != text || d.Row.NextTryAt != noon || d.Row.Tries != 0 {
		t.Errorf("%+v", d)
	}
	pending := row(waiting, tries(3), func(r *protocol.Recording) { r.NextTryAt = noon.Add(time.Hour) })
	if d := p.Step(pending, Transcribed{text}, noon); len(d.Texts) != 1 || d.Row != pending {
		t.Errorf("before it is archived: %+v", d)
	}
	for _, s := range []protocol.RecordingStatus{protocol.RecordingErasing, protocol.RecordingErased} {
		if d := p.Step(row(status(s)), Transcribed{text}, noon); len(d.Texts) != 0 {
			t.Errorf("%s: %+v", s, d)
		}
	}
	d = p.Step(row(status(protocol.RecordingArchived), waiting), Summarised{protocol.Summary{Text: "short", Model: "m"}}, noon)
	want := protocol.RecordingText{Recording: "r1", Kind: protocol.TextSummary, Text: "short", MadeBy: "m", At: noon}
	if d.Row.Summary != protocol.SummaryDone || len(d.Texts) != 1 || d.Texts[0] != want {
		t.Errorf("%+v", d)
	}
}

func TestHoldAndEraseDecide(t *testing.T) {
	held := func(r *protocol.Recording) { r.Hold = "case 17" }
	type recording = protocol.Recording
	p := Policy{}
	hold := func(r recording) (Decision, error) { return p.Hold(r, "case 18") }
	let := func(r recording) (Decision, error) { return p.Hold(r, "") }
	erase := func(r recording) (Decision, error) { return p.Erase(r, "asked for", noon) }
	for _, c := range []struct {
		story  string
		row    recording
		do     func(recording) (Decision, error)
		code   string
		status protocol.RecordingStatus
		hold   string
	}{
		{"hold", row(), hold, "", protocol.RecordingPending, "case 18"},
		{"hold otherwise", row(held), hold, "", protocol.RecordingPending, "case 18"},
		{"hold what is lost", row(status(protocol.RecordingLost)), hold, "", protocol.RecordingLost, "case 18"},
		{"hold what is being erased", row(status(protocol.RecordingErasing)), hold, "recording_erased", 0, ""},
		{"hold what is erased", row(status(protocol.RecordingErased)), hold, "recording_erased", 0, ""},
		{"hold what stood for others", row(status(protocol.RecordingReplaced)), hold, "recording_replaced", 0, ""},
		{"let go", row(held), let, "", protocol.RecordingPending, ""},
		{"let go what is erased", row(status(protocol.RecordingErased)), let, "", protocol.RecordingErased, ""},
		{"erase", row(), erase, "", protocol.RecordingErasing, ""},
		{"erase what is archived", row(status(protocol.RecordingArchived)), erase, "", protocol.RecordingErasing, ""},
		{"erase what is held", row(status(protocol.RecordingArchived), held), erase, "recording_held", 0, ""},
		{"erase what is lost", row(status(protocol.RecordingLost)), erase, "", protocol.RecordingErasing, ""},
		{"erase twice", row(status(protocol.RecordingErased)), erase, "", protocol.RecordingErased, ""},
	} {
		d, err := c.do(c.row)
		if code(err) != c.code || err != nil && protocol.KindOf(err) != protocol.Conflict {
			t.Errorf("%s: %v", c.story, err)
		} else if err == nil && (d.Row.Status != c.status || d.Row.Hold != c.hold) {
			t.Errorf("%s: %+v", c.story, d.Row)
		}
	}
}

// TestPausesDiffer: what failed together does not come back together.
func TestPausesDiffer(t *testing.T) {
	waits := map[time.Duration]bool{}
	for i := range 50 {
		r := row(tries(9))
		r.ID = protocol.RecordingID(string(rune('a' + i)))
		waits[wait(r, tryFirst, tryMost, 0)] = true
	}
	if len(waits) < 40 {
		t.Errorf("only %d different pauses of 50", len(waits))
	}
}
