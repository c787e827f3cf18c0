package call

import (
	"slices"
	"strings"
	"time"

	"maskswitch/actors/protocol"
)

// mode is how the talk is recorded: as its booking says, or else the operator.
func (c *Call) mode() protocol.RecordingMode {
	if c.Policy != protocol.RecordDefault {
		return c.Policy
	}
	return c.Settings.Recording
}

func (c *Call) record(now time.Time, fx *Effects) {
	if mode := c.mode(); mode != protocol.RecordOff && c.send(sendRecord, now) {
		c.command(fx, now, protocol.StartRecording{
			Leg: c.A.ID, Tag: c.tag(protocol.LegA), Mode: mode, Transcribe: c.summed(),
		})
	}
}

func (c *Call) summed() bool { return c.Summary && c.Summaries }

// maybeRecorded says that the carrier may have recorded something, as far as its
// answers tell.
func (c *Call) maybeRecorded() bool {
	r := c.Sent[sendRecord]
	return r.sent() && (!r.Ended || r.Result != protocol.CommandRefused && r.Result != protocol.CommandLegGone)
}

// recordingsMost is how many recordings of one session are known when their
// event comes again. The store knows the others.
const recordingsMost = 16

func (c *Call) noteRecording(ev protocol.LegRecorded, fx *Effects) bool {
	row := protocol.SavedRecording(ev)
	known := strings.Split(c.Recordings, "\n")
	if slices.Contains(known, string(row.ID)) {
		return false
	}
	switch {
	case c.Recordings == "":
		c.Recordings = string(row.ID)
	case len(known) < recordingsMost:
		c.Recordings += "\n" + string(row.ID)
	}
	row.Call, row.Booking, row.Partition, row.Caller = c.ID, c.Booking, c.Partition, c.Caller
	if c.summed() {
		row.Summary = protocol.SummaryWaiting
	}
	fx.Recording = &protocol.FetchRecording{Row: row, Link: ev.Link, Since: ev.At}
	return true
}

// unsaved writes down that the carrier could not keep what it recorded.
func (c *Call) unsaved(fx *Effects, at time.Time, why string) {
	row := protocol.ExpectedRecording(c.Row(), at)
	row.Status, row.Why, row.NextTryAt = protocol.RecordingLost, "the carrier could not keep it: "+why, time.Time{}
	fx.Recording = &protocol.FetchRecording{Row: row}
}

// awaitRecording keeps a call that was recorded until the recording is known,
// and one that was answered until that is known, for a bounded time. After that
// the queue asks the carrier for a recording of which no event came.
func (c *Call) awaitRecording(now time.Time, fx *Effects) {
	recorded := !c.maybeRecorded() || c.Recordings != ""
	answered := !c.B.AnsweredAt.IsZero() || c.Outcome != protocol.OutcomeTalked
	waited := !now.Before(c.Deadline)
	if !waited && !(recorded && answered) {
		return
	}
	if !recorded {
		row := protocol.ExpectedRecording(c.Row(), now)
		if c.summed() {
			row.Summary = protocol.SummaryWaiting
		}
		fx.Recording = &protocol.FetchRecording{Row: row}
	}
	c.enter(StageClosed, time.Time{})
}

const consentLine = "consent"

// informed tells both that they will be recorded, and says whether that is
// settled. They can hear each other meanwhile, since the carrier bridges them
// when B answers; nothing is recorded before. Who cannot hear it is not recorded.
//
// The event of a sentence's end does not say which sentence. No other is said to
// A before this one is settled, so the first that ends is this one, even if the
// process that had it said died before it could write so.
func (c *Call) informed(now time.Time, fx *Effects) bool {
	said := c.Sent[sendConsent]
	switch {
	case c.mode() == protocol.RecordOff, c.Sent[sendRecord].sent(), c.Consent == "" && !said.sent():
		return true
	case c.Unheard, said.failed(), c.consentDue(now):
		c.Unheard = true
		if c.because(unheard) {
			fx.Write = true
		}
	case c.A.spoken():
		c.ConsentAt = c.A.SpokenAt
		return true
	case c.send(sendConsent, now):
		c.command(fx, now, protocol.Speak{Leg: c.A.ID, Text: c.Consent, What: consentLine, Both: true})
	}
	return false
}

const unheard = "not recorded, because the two could not be told so"

// consentBy is when the consent line is given up; zero if it is not waited for.
func (c *Call) consentBy() time.Time {
	said := c.Sent[sendConsent]
	if c.Stage != StageTalking || !said.sent() || c.Unheard || c.A.spoken() {
		return time.Time{}
	}
	return said.At.Add(tellWait)
}

func (c *Call) consentDue(now time.Time) bool {
	by := c.consentBy()
	return !by.IsZero() && !now.Before(by)
}
