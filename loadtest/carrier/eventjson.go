package carrier

import (
	"encoding/json"
	"strconv"
)

// append adds the payload to b as encoding/json would write it, which a test
// holds; nine of them a call are too many for reflection.
func (p *payload) append(b []byte) []byte {
	b = append(b, '{')
	b = member(b, `"call_control_id":`, p.CallControlID)
	b = appendText(append(comma(b), `"call_leg_id":`...), p.CallLegID)
	if len(p.CallQualityStats) > 0 {
		b = append(append(comma(b), `"call_quality_stats":`...), p.CallQualityStats...)
	}
	b = appendText(append(comma(b), `"call_session_id":`...), p.CallSessionID)
	b = member(b, `"caller_id_name":`, p.CallerIDName)
	b = member(b, `"calling_party_type":`, p.CallingPartyType)
	b = member(b, `"channels":`, p.Channels)
	b = append(comma(b), `"client_state":`...)
	if p.ClientState == nil {
		b = append(b, "null"...)
	} else {
		b = appendText(b, *p.ClientState)
	}
	b = member(b, `"codec":`, p.Codec)
	b = member(b, `"connection_codecs":`, p.ConnectionCodecs)
	b = appendText(append(comma(b), `"connection_id":`...), p.ConnectionID)
	b = member(b, `"direction":`, p.Direction)
	b = member(b, `"end_time":`, p.EndTime)
	b = member(b, `"format":`, p.Format)
	if p.From != nil {
		b = appendText(append(comma(b), `"from":`...), *p.From)
	}
	b = member(b, `"from_sip_uri":`, p.FromSIPURI)
	b = member(b, `"hangup_cause":`, p.HangupCause)
	b = member(b, `"hangup_source":`, p.HangupSource)
	b = member(b, `"media_url":`, p.MediaURL)
	b = member(b, `"media_name":`, p.MediaName)
	b = member(b, `"offered_codecs":`, p.OfferedCodecs)
	if p.Overlay != nil {
		b = strconv.AppendBool(append(comma(b), `"overlay":`...), *p.Overlay)
	}
	if len(p.PublicURLs) > 0 {
		b = append(append(comma(b), `"public_recording_urls":`...), p.PublicURLs...)
	}
	b = member(b, `"reason":`, p.Reason)
	b = member(b, `"recording_ended_at":`, p.RecordingEndedAt)
	b = member(b, `"recording_id":`, p.RecordingID)
	b = member(b, `"recording_started_at":`, p.RecordingStarted)
	b = member(b, `"recording_transcription_id":`, p.TranscriptionID)
	if len(p.RecordingURLs) > 0 {
		b = append(append(comma(b), `"recording_urls":`...), mustJSON(p.RecordingURLs)...)
	}
	if p.SamplingRate != 0 {
		b = strconv.AppendInt(append(comma(b), `"sampling_rate":`...), int64(p.SamplingRate), 10)
	}
	b = member(b, `"shaken_stir_attestation":`, p.ShakenAttestation)
	if p.ShakenValidated != nil {
		b = strconv.AppendBool(append(comma(b), `"shaken_stir_validated":`...), *p.ShakenValidated)
	}
	b = member(b, `"sip_hangup_cause":`, p.SIPHangupCause)
	b = member(b, `"start_time":`, p.StartTime)
	b = member(b, `"state":`, p.State)
	b = member(b, `"status":`, p.Status)
	if len(p.Tags) > 0 {
		b = append(comma(b), `"tags":[`...)
		for _, tag := range p.Tags {
			b = appendText(comma(b), tag)
		}
		b = append(b, ']')
	}
	if p.To != nil {
		b = appendText(append(comma(b), `"to":`...), *p.To)
	}
	b = member(b, `"to_sip_uri":`, p.ToSIPURI)
	b = member(b, `"transcription_text":`, p.TranscriptionText)
	return append(b, '}')
}

// comma separates a member from the one before it.
func comma(b []byte) []byte {
	if last := b[len(b)-1]; last == '{' || last == '[' {
		return b
	}
	return append(b, ',')
}

// member adds a text, unless it is empty. name is `"name":`.
func member(b []byte, name, text string) []byte {
	if text == "" {
		return b
	}
	return appendText(append(comma(b), name...), text)
}

// appendText adds a JSON string.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return append(b, mustJSON(s)...) // rare: what needs an escape
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // a struct of strings and numbers
	}
	return b
}
