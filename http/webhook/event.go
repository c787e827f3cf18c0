package webhook

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// ErrMalformed says that a body is not an event. Sending it again cannot help.
// Its texts hold nothing of the body, in which there are telephone numbers.
var ErrMalformed = errors.New("not an event")

// ErrForeign says that a body is the carrier's, in a format other than version
// 2 of its webhooks: version 1, or the debug view of its portal.
var ErrForeign = errors.New("not a version 2 event: set the application's webhook_api_version to 2")

// Longest texts taken, in bytes. The ids that were seen have about 60.
const (
	maxID     = 512
	maxWord   = 64
	maxReason = 200
	maxState  = 512 // of base64; ours has 108
	maxLink   = 4 << 10
)

// Decode reads a webhook into an event. read stands in for the carrier's clock
// where that says nothing. An event type that we do not know is a LegNoted,
// with whatever ids it has; a state on a leg that we did not write is no tag.
//
// The error is ErrForeign, or ErrMalformed with what is wrong and where: no
// JSON, no event type, a member of the wrong type that names event or leg, or
// neither session nor leg in an event that needs one. The carrier may take
// minutes to write down what was said; for that the recording's id is enough.
func Decode(body []byte, read time.Time) (protocol.LegEvent, error) {
	event, _, err := decode(body, read)
	return event, err
}

// decode also returns a hangup cause that is not in the carrier's list, for
// the log: the event says "unspecified" then.
func decode(body []byte, read time.Time) (event protocol.LegEvent, oddCause string, err error) {
	var in envelope
	if err := json.Unmarshal(body, &in, decoding); err != nil {
		event, err := salvage(body, read, err)
		return event, "", err
	}
	if in.Data == nil || in.Data.EventType == "" {
		if in.EventType != "" || in.WebhookID != "" || in.Metadata.Value.Event != "" {
			return nil, "", ErrForeign
		}
		return nil, "", malformed("there is no data.event_type")
	}
	what := text(in.Data.EventType).token(maxWord)
	switch {
	case what == "":
		return nil, "", malformed("data.event_type is not the name of an event")
	case strings.HasPrefix(what, "call_"): // version 1 has call_initiated for call.initiated
		return nil, "", ErrForeign
	}
	about, err := in.about(read)
	if err != nil && needsLeg(what) && !in.Data.Payload.transcribes(what) {
		return nil, "", err
	}
	event, oddCause = in.Data.Payload.event(what, about)
	return event, oddCause, nil
}

// needsLeg says whether an event is about a leg, and useless without one.
func needsLeg(what string) bool {
	for _, kind := range protocol.EventKinds() {
		if kind != protocol.EventOther && kind.String() == what {
			return true
		}
	}
	return false
}

// transcribes says whether an event brings the transcript of a recording that it
// names.
func (p *payload) transcribes(what string) bool {
	return what == protocol.EventTranscriptionSaved.String() && p.RecordingID.token(maxID) != ""
}

// about collects what all events say. With an error it has no leg or session.
func (in *envelope) about(read time.Time) (protocol.About, error) {
	p := &in.Data.Payload
	about := protocol.About{
		EventID:    in.Data.ID.token(maxID),
		Connection: p.ConnectionID.token(maxID),
		Tag:        p.ClientState.tag(),
		From:       phone.FromCarrier(string(p.From)),
		To:         phone.FromCarrier(string(p.To)),
		At:         in.Data.OccurredAt.instant(read),
		Attempt:    max(in.Meta.Value.Attempt.Value, 1),
	}
	leg, session := text(p.CallControlID).token(maxID), text(p.CallSessionID).token(maxID)
	switch {
	case leg == "" && p.CallControlID != "", session == "" && p.CallSessionID != "":
		return about, malformed("data.payload: call_control_id or call_session_id could not be an id")
	case leg == "" && session == "":
		return about, malformed("data.payload has neither call_control_id nor call_session_id")
	}
	about.Leg, about.Session = protocol.LegID(leg), protocol.SessionID(session)
	return about, nil
}

func (p *payload) event(what string, about protocol.About) (event protocol.LegEvent, oddCause string) {
	switch what {
	case "call.initiated":
		return protocol.LegRang{
			About: about,
			// A parked leg without a direction is one that waits for us.
			Incoming: p.Direction == "incoming" || p.Direction == "" && p.State == "parked",
			Withheld: !about.From.Known(),
		}, ""
	case "call.answered":
		return protocol.LegAnswered{About: about}, ""
	case "call.bridged":
		return protocol.LegBridged{About: about}, ""
	case "call.hangup":
		cause, known := protocol.ParseHangupCause(string(p.HangupCause))
		if !known {
			oddCause = p.HangupCause.token(maxWord)
		}
		return protocol.LegHungUp{
			About: about, Cause: cause, Source: protocol.ParseHangupSource(string(p.HangupSource)),
			SIP: p.SIPHangupCause.token(maxWord),
		}, oddCause
	case "call.speak.ended":
		return protocol.SpeechEnded{About: about, Broken: p.Status != "" && p.Status != "completed"}, ""
	case "call.recording.saved":
		return p.recorded(about), ""
	case "call.recording.transcription.saved":
		if p.Status != "" && p.Status != "completed" { // no text, then, or not all of it
			break
		}
		return protocol.LegTranscribed{
			About: about, Recording: protocol.RecordingID(p.RecordingID.token(maxID)),
			ID: p.TranscriptionID.token(maxID), Text: p.TranscriptionText.transcript(),
		}, ""
	case "call.recording.error":
		return protocol.RecordingFailed{About: about, Reason: p.Reason.line(maxReason)}, ""
	}
	return protocol.LegNoted{About: about, What: what}, ""
}

// recorded takes the members of the official schema first, then those that the
// carrier's guide and live deliveries have instead. A link that could not be one
// is left out: the recording id gets fresh ones.
func (p *payload) recorded(about protocol.About) protocol.LegRecorded {
	urls := p.RecordingURLs.Value
	format := p.Format.oneOf("mp3", "wav")
	if format == "" && urls.MP3 != "" {
		format = "mp3"
	} else if format == "" && urls.WAV != "" {
		format = "wav"
	}
	link := urls.MP3
	if format == "wav" {
		link = urls.WAV
	}
	return protocol.LegRecorded{
		About:     about,
		Recording: protocol.RecordingID(p.RecordingID.token(maxID)),
		LegUUID:   p.CallLegID.token(maxID),
		Format:    format,
		Channels:  p.Channels.oneOf("single", "dual"),
		StartedAt: p.RecordingStartedAt.instant(p.StartTime.instant(time.Time{})),
		EndedAt:   p.RecordingEndedAt.instant(p.EndTime.instant(time.Time{})),
		Link:      protocol.Secret(link.token(maxLink)),
	}
}

// transcript is the text as far as it is kept, cut between two letters. Some
// stores do not take the byte 0.
func (t text) transcript() string {
	s := strings.ReplaceAll(string(t), "\x00", " ")
	if len(s) <= protocol.MaxTranscript {
		return s
	}
	end := protocol.MaxTranscript
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}

// tag reads a client state: standard base64 of a tag of ours.
func (t text) tag() protocol.Tag {
	if t == "" || len(t) > maxState {
		return protocol.Tag{}
	}
	var buf [maxState]byte
	n, err := base64.StdEncoding.Decode(buf[:], []byte(t))
	if err != nil {
		return protocol.Tag{}
	}
	tag, _ := protocol.ParseTag(string(buf[:n]))
	return tag
}

// line is the text on one line, up to most bytes.
func (t text) line(most int) string {
	s := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(string(t), " "))
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return s
}

// salvage looks at a body that could not be decoded: an event that we only
// note may look as it likes.
func salvage(body []byte, read time.Time, cause error) (protocol.LegEvent, error) {
	var out outline
	if json.Unmarshal(body, &out, decoding) == nil {
		what := text(out.Data.EventType).token(maxWord)
		if what != "" && !needsLeg(what) && !strings.HasPrefix(what, "call_") {
			about := protocol.About{EventID: out.Data.ID.token(maxID), At: read, Attempt: 1}
			return protocol.LegNoted{About: about, What: what}, nil
		}
	}
	return nil, malformed(reason(cause))
}

// reason words a fault of the decoder's. Its own words may quote the body.
func reason(err error) string {
	var semantic *json.SemanticError
	var syntactic *jsontext.SyntacticError
	switch {
	case errors.As(err, &semantic):
		at := text(semantic.JSONPointer).token(maxWord)
		if strings.Trim(at, "abcdefghijklmnopqrstuvwxyz_/") != "" {
			at = ""
		}
		return "a member has the wrong type: " + at
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "the JSON ends too soon"
	case errors.As(err, &syntactic):
		return fmt.Sprintf("no JSON from byte %d on", syntactic.ByteOffset)
	}
	return "no JSON"
}

func malformed(why string) error { return fmt.Errorf("%w: %s", ErrMalformed, why) }
