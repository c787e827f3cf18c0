package carrier

import (
	"encoding/json"
	"strconv"
	"time"
)

// event is one webhook on its way. The exported half is what ledgers show; it
// and the deliveries are guarded by the Call's mutex, the rest never changes.
type event struct {
	Event
	call *Call
	nth  int             // among those of its kind on its leg, for the faults
	data json.RawMessage // the "data" member: the same on every delivery
	open int             // copies not settled yet
	gaps []time.Duration // pauses between deliveries

	usual [1]Delivery // most events need no more

	// Of the first delivery that a fault did not lose; before it leaves, due is
	// when the first of all is due.
	due, sent time.Time
}

// payload has the members of the published samples, in their order. Members
// that a kind of event does not have stay out; call.answered and call.hangup
// have no direction.
type payload struct {
	CallControlID     string             `json:"call_control_id,omitempty"`
	CallLegID         string             `json:"call_leg_id"`
	CallQualityStats  json.RawMessage    `json:"call_quality_stats,omitempty"`
	CallSessionID     string             `json:"call_session_id"`
	CallerIDName      string             `json:"caller_id_name,omitempty"`
	CallingPartyType  string             `json:"calling_party_type,omitempty"`
	Channels          string             `json:"channels,omitempty"`
	ClientState       *string            `json:"client_state"` // null for none
	Codec             string             `json:"codec,omitempty"`
	ConnectionCodecs  string             `json:"connection_codecs,omitempty"`
	ConnectionID      string             `json:"connection_id"`
	Direction         string             `json:"direction,omitempty"`
	EndTime           string             `json:"end_time,omitempty"`
	Format            string             `json:"format,omitempty"`
	From              *string            `json:"from,omitempty"`
	FromSIPURI        string             `json:"from_sip_uri,omitempty"`
	HangupCause       string             `json:"hangup_cause,omitempty"`
	HangupSource      string             `json:"hangup_source,omitempty"`
	MediaURL          string             `json:"media_url,omitempty"`
	MediaName         string             `json:"media_name,omitempty"`
	OfferedCodecs     string             `json:"offered_codecs,omitempty"`
	Overlay           *bool              `json:"overlay,omitempty"`
	PublicURLs        json.RawMessage    `json:"public_recording_urls,omitempty"`
	Reason            string             `json:"reason,omitempty"`
	RecordingEndedAt  string             `json:"recording_ended_at,omitempty"`
	RecordingID       string             `json:"recording_id,omitempty"`
	RecordingStarted  string             `json:"recording_started_at,omitempty"`
	TranscriptionID   string             `json:"recording_transcription_id,omitempty"`
	RecordingURLs     map[string]*string `json:"recording_urls,omitempty"`
	SamplingRate      int                `json:"sampling_rate,omitempty"`
	ShakenAttestation string             `json:"shaken_stir_attestation,omitempty"`
	ShakenValidated   *bool              `json:"shaken_stir_validated,omitempty"`
	SIPHangupCause    string             `json:"sip_hangup_cause,omitempty"`
	StartTime         string             `json:"start_time,omitempty"`
	State             string             `json:"state,omitempty"`
	Status            string             `json:"status,omitempty"`
	Tags              []string           `json:"tags,omitempty"`
	To                *string            `json:"to,omitempty"`
	ToSIPURI          string             `json:"to_sip_uri,omitempty"`
	TranscriptionText string             `json:"transcription_text,omitempty"`
}

// ending is what a call.hangup says besides the leg.
type ending struct {
	cause, source, sip string
	talked             bool // the leg had been answered
}

// wireTime is ISO 8601 with microseconds, as the carrier writes it.
func wireTime(t time.Time) string {
	t = t.UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	if year < 1000 || year > 9999 {
		return t.Format("2006-01-02T15:04:05.000000Z")
	}
	b := [27]byte{4: '-', 7: '-', 10: 'T', 13: ':', 16: ':', 19: '.', 26: 'Z'}
	put := func(at, digits, v int) {
		for i := at + digits - 1; i >= at; i-- {
			b[i] = byte('0' + v%10)
			v /= 10
		}
	}
	put(0, 4, year)
	put(5, 2, int(month))
	put(8, 2, day)
	put(11, 2, hour)
	put(14, 2, minute)
	put(17, 2, second)
	put(20, 6, t.Nanosecond()/1000)
	return string(b[:])
}

// emit builds an event as the leg is now and sends it on its way. detail is an
// *ending, *recording, *kept (of a transcription) or *speech where the kind needs one.
func (k *Call) emit(l *leg, kind string, detail any) {
	c := k.carrier
	now := time.Now()
	p := payload{CallControlID: l.control, CallLegID: l.id, CallSessionID: k.session,
		ClientState: l.state, ConnectionID: c.cfg.ConnectionID}
	ev := &event{call: k, Event: Event{ID: newID(), Kind: kind, Leg: l.name, At: now}}
	ev.Deliveries = ev.usual[:0]
	if l.state != nil {
		ev.ClientState = *l.state
	}
	for _, other := range k.events {
		if other.Leg == l.name && other.Kind == kind {
			ev.nth++
		}
	}
	faults := c.faults.Load()
	stray := faults.Skew
	if faults.Jitter != 0 {
		stray += time.Duration((2*c.draw("jitter", k.number, l.name, kind, uint64(ev.nth)) - 1) * float64(faults.Jitter))
	}
	occurred := wireTime(now.Add(stray))
	if ev.due = now; kind == "call.initiated" && l.inbound() {
		ev.due = k.placed
	}
	k.calls(ev, l, detail)

	switch d := detail.(type) {
	case *ending:
		ev.Cause, ev.Source = d.cause, d.source
		p.CallQualityStats = json.RawMessage("null")
		if d.talked {
			p.CallQualityStats = stats
			p.ofNumber(l)
		}
		p.parties(l)
		p.StartTime, p.EndTime = wireTime(l.started), wireTime(l.ended)
		p.HangupCause, p.HangupSource, p.SIPHangupCause = d.cause, d.source, d.sip
	case *recording:
		ev.Recording = d.ID
		d.describe(&p, kind)
	case *kept:
		ev.Recording = d.ID
		d.describeTranscript(&p)
	case *speech:
		d.describe(&p)
		if kind == "call.speak.ended" || kind == "call.playback.ended" {
			ev.Cause, p.Status = d.status, d.status
		}
	default:
		p.parties(l)
		switch kind {
		case "call.initiated":
			p.initiated(l)
		case "call.answered":
			p.ofNumber(l)
			p.Codec, p.SamplingRate, p.StartTime = "PCMU", 8000, wireTime(l.started)
		}
	}
	b := make([]byte, 0, 1280)
	b = append(append(b, `{"record_type":"event","event_type":"`...), kind...)
	b = append(append(b, `","id":"`...), ev.ID...)
	b = append(append(b, `","occurred_at":"`...), occurred...)
	ev.data = append(p.append(append(b, `","payload":`...)), '}')
	ev.gaps = c.gaps(l, kind)
	k.events = append(k.events, ev)
	k.owed++
	k.note()
	c.send.push(job{event: ev})
}

func (p *payload) parties(l *leg) { p.From, p.To = &l.from, &l.to }

// ofNumber adds what only the leg of the dialled number has.
func (p *payload) ofNumber(l *leg) {
	if l.inbound() {
		p.CallingPartyType, p.Tags = "pstn", l.call.carrier.cfg.Tags
	}
}

func (p *payload) initiated(l *leg) {
	p.StartTime = wireTime(l.started)
	if !l.inbound() {
		p.Direction, p.State = "outgoing", "bridging"
		return
	}
	p.ofNumber(l)
	p.Direction, p.State = "incoming", "parked"
	p.CallerIDName = l.from
	set(&p.CallerIDName, "Anonymous")
	p.ConnectionCodecs, p.OfferedCodecs = "PCMU,PCMA,G722", "PCMU,G729"
	// The addresses are of the ranges kept for documentation (RFC 5737).
	user := l.from
	set(&user, "anonymous")
	if len(user) > 2 && user[:2] == "+1" {
		user = user[2:]
	}
	p.FromSIPURI = user + "@198.51.100.20:5060"
	p.ToSIPURI = l.to + "@203.0.113.10:5060"
	valid := true
	p.ShakenAttestation, p.ShakenValidated = "A", &valid
}

// stats are those of a sample: nothing listens.
var stats = json.RawMessage(`{"inbound":{"jitter_max_variance":"2.74","jitter_packet_count":"0","mos":"4.50","packet_count":"3310","skip_packet_count":"9"},"outbound":{"packet_count":"3302","skip_packet_count":"0"}}`)

// appendBody adds the whole document of one delivery to b.
func (ev *event) appendBody(b []byte, attempt int, url []byte) []byte {
	b = append(b, `{"data":`...)
	b = append(b, ev.data...)
	b = append(b, `,"meta":{"attempt":`...)
	b = strconv.AppendInt(b, int64(attempt), 10)
	b = append(b, `,"delivered_to":`...)
	b = append(b, url...)
	return append(b, "}}"...)
}
