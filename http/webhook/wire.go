package webhook

import (
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// envelope is a delivery as the carrier words it. The carrier calls every
// member optional, sends null for many and adds members that it does not
// document. So: members that name the event and its leg must be texts if they
// are there; any other one of an unexpected type counts as absent, for a
// refused webhook is never delivered again.
type envelope struct {
	Data *struct {
		EventType  string  `json:"event_type"`
		ID         text    `json:"id"`
		OccurredAt text    `json:"occurred_at"`
		Payload    payload `json:"payload"`
	} `json:"data"`
	Meta lenient[struct {
		Attempt lenient[int] `json:"attempt"`
	}] `json:"meta"`

	// Of the older format and of the portal's debug view, which both are flat.
	EventType text `json:"event_type"`
	WebhookID text `json:"webhook_id"`
	Metadata  lenient[struct {
		Event text `json:"event"`
	}] `json:"metadata"`
}

type payload struct {
	CallControlID string `json:"call_control_id"`
	CallSessionID string `json:"call_session_id"`
	CallLegID     text   `json:"call_leg_id"`
	ConnectionID  text   `json:"connection_id"`
	ClientState   text   `json:"client_state"`
	From          text   `json:"from"`
	To            text   `json:"to"`

	Direction text `json:"direction"` // call.initiated
	State     text `json:"state"`

	HangupCause    text `json:"hangup_cause"` // call.hangup
	HangupSource   text `json:"hangup_source"`
	SIPHangupCause text `json:"sip_hangup_cause"`

	RecordingID        text `json:"recording_id"` // call.recording.saved
	Format             text `json:"format"`
	Channels           text `json:"channels"`
	RecordingStartedAt text `json:"recording_started_at"`
	RecordingEndedAt   text `json:"recording_ended_at"`
	StartTime          text `json:"start_time"` // of the recording in that event, of the call in others
	EndTime            text `json:"end_time"`
	RecordingURLs      lenient[struct {
		MP3 text `json:"mp3"`
		WAV text `json:"wav"`
	}] `json:"recording_urls"`

	TranscriptionID   text `json:"recording_transcription_id"` // call.recording.transcription.saved
	TranscriptionText text `json:"transcription_text"`
	Status            text `json:"status"`

	Reason text `json:"reason"` // call.recording.error
}

// outline is the little of a delivery that must hold even if no other member
// has the type it should.
type outline struct {
	Data struct {
		EventType string `json:"event_type"`
		ID        text   `json:"id"`
	} `json:"data"`
}

// Names that come twice and texts in no UTF-8 are somebody else's fault, and
// no reason to lose the end of a call.
var decoding = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// text is a text or a number, as text. Anything else counts as absent.
type text string

func (t *text) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if kind := d.PeekKind(); kind != '"' && kind != '0' {
		*t = ""
		return d.SkipValue()
	}
	token, err := d.ReadToken()
	*t = text(token.String())
	return err
}

// lenient is a T, or its zero value if something else stands there.
type lenient[T any] struct{ Value T }

func (l *lenient[T]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	value, err := d.ReadValue()
	if err != nil {
		return err
	}
	var t T
	if json.Unmarshal(value, &t, decoding) != nil {
		t = *new(T)
	}
	l.Value = t
	return nil
}

// instant reads a time of the carrier's, or gives the other one.
func (t text) instant(otherwise time.Time) time.Time {
	at, err := time.Parse(time.RFC3339Nano, string(t))
	if err != nil {
		return otherwise
	}
	return at.UTC()
}

// token is the text if it could be an id or a word: visible ASCII, up to most
// bytes. Ids end up in URLs, stores and logs.
func (t text) token(most int) string {
	if len(t) > most {
		return ""
	}
	for i := range len(t) {
		if t[i] <= ' ' || t[i] > '~' {
			return ""
		}
	}
	return string(t)
}

// oneOf is the text if it is one of the words.
func (t text) oneOf(words ...string) string {
	for _, word := range words {
		if string(t) == word {
			return word
		}
	}
	return ""
}
