package carrier

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// rule is what the carrier says of one member of a command.
type rule struct {
	is       kind
	need     bool
	words    []string // allowed values of a text
	min, max int      // of a number, or of a text's length; 0 and 0: any
	code     string   // the carrier's own code for a bad value; empty: the general one
}

// unbounded is the max of a number that may not be negative.
const unbounded = 1 << 30

type kind uint8

const (
	text kind = iota
	number64
	flag
	object
	list
	decimal
	textOrNumber // loop: a count, or "infinity"
	textOrList
	base64Text
	uuidText
	dialled // strict +E.164; the carrier would take more, and no booking may reach that
	retries // webhook_retries_policies
)

// body is a command's JSON object, already checked.
type body map[string]any

func (b body) text(name string) string { s, _ := b[name].(string); return s }
func (b body) flag(name string) bool   { f, _ := b[name].(bool); return f }
func (b body) seconds(name string, otherwise int) time.Duration {
	n := int64(otherwise)
	if v, ok := b[name].(json.Number); ok {
		n, _ = v.Int64()
	}
	return time.Duration(n) * time.Second
}

func (b body) or(name, otherwise string) string {
	if s := b.text(name); s != "" {
		return s
	}
	return otherwise
}

// group is rules by the name of what they are about.
type group map[string]rule

// rules are those of one command, with the members it cannot do without.
type rules struct {
	of     group
	needed []string
}

func with(groups ...group) rules {
	all := group{}
	for _, g := range groups {
		maps.Copy(all, g)
	}
	rs := rules{of: all}
	for name, r := range all {
		if r.need {
			rs.needed = append(rs.needed, name)
		}
	}
	return rs
}

// The members of every command are those of the published API of July 2026;
// min and max come from its text where the schema has none.
var (
	commandRules = group{"client_state": {is: base64Text, code: "90017"}, "command_id": {}}
	headerRules  = group{"custom_headers": {is: list}, "sip_headers": {is: list}}
	hookRules    = group{
		"webhook_url":              {},
		"webhook_url_method":       {words: []string{"POST", "GET"}},
		"webhook_urls":             {is: object, code: "90057"},
		"webhook_urls_method":      {words: []string{"POST", "GET"}},
		"webhook_retries_policies": {is: retries},
	}
	recordRules = group{
		"record":                  {words: []string{"record-from-answer"}},
		"record_channels":         {words: channels, code: "90001"},
		"record_format":           {words: formats, code: "90000"},
		"record_max_length":       {is: number64, max: 43200},
		"record_timeout_secs":     {is: number64, max: unbounded, code: "90049"},
		"record_track":            {words: tracks, code: "90059"},
		"record_trim":             {words: []string{"trim-silence"}},
		"record_custom_file_name": {min: 1, max: 40},
	}
	formats  = []string{"wav", "mp3"}
	channels = []string{"single", "dual"}
	tracks   = []string{"both", "inbound", "outbound"}
	streamed = []string{"PCMU", "PCMA", "G722", "OPUS", "AMR-WB", "L16"}
	targets  = []string{"self", "opposite", "both"}

	answerRules = with(commandRules, hookRules, recordRules, headerRules, group{
		"assistant": {is: object}, "billing_group_id": {is: uuidText}, "conversation_relay_config": {is: object},
		"deepfake_detection": {is: object}, "preferred_codecs": {words: []string{"G722,PCMU,PCMA,G729,OPUS,VP8,H264"}}, "send_silence_when_idle": {is: flag},
		"sound_modifications": {is: object}, "stream_bidirectional_codec": {words: streamed}, "stream_bidirectional_mode": {words: []string{"mp3", "rtp"}},
		"stream_bidirectional_target_legs": {words: targets}, "stream_codec": {words: append([]string{"default"}, streamed...)}, "stream_url": {},
		"stream_track":  {words: []string{"inbound_track", "outbound_track", "both_tracks"}},
		"transcription": {is: flag}, "transcription_config": {is: object},
	})
	rejectRules   = with(commandRules, group{"cause": {need: true, words: []string{"CALL_REJECTED", "USER_BUSY"}}})
	hangupRules   = with(commandRules, group{"custom_headers": {is: list}})
	transferRules = with(commandRules, hookRules, recordRules, headerRules, group{
		"to": {is: dialled, need: true}, "from": {is: dialled}, "from_display_name": {max: 128},
		"timeout_secs":                       {is: number64, min: 5, max: 600, code: "90028"},
		"time_limit_secs":                    {is: number64, min: 30, max: 14400, code: "90029"},
		"target_leg_client_state":            {is: base64Text, code: "90017"},
		"answering_machine_detection":        {words: []string{"premium", "detect", "detect_beep", "detect_words", "greeting_end", "disabled"}},
		"answering_machine_detection_config": {is: object},
		"audio_url":                          {}, "media_name": {}, "early_media": {is: flag},
		"media_encryption":    {words: []string{"disabled", "SRTP", "DTLS"}},
		"mute_dtmf":           {words: []string{"none", "both", "self", "opposite"}},
		"park_after_unbridge": {words: []string{"self"}}, "preferred_codecs": {},
		"privacy": {words: []string{"id", "none"}}, "send_digits_on_answer": {max: 64},
		"sip_auth_password": {}, "sip_auth_username": {},
		"sip_region":             {words: []string{"US", "Europe", "Canada", "Australia", "Middle East"}},
		"sip_transport_protocol": {words: []string{"UDP", "TCP", "TLS"}}, "sound_modifications": {is: object},
	})
	recordStartRules = with(commandRules, group{
		"format":          {need: true, words: formats, code: "90000"},
		"channels":        {need: true, words: channels, code: "90001"},
		"recording_track": {words: tracks, code: "90059"}, "max_length": {is: number64, max: 14400},
		"timeout_secs": {is: number64, max: unbounded}, "play_beep": {is: flag},
		"trim": {words: []string{"trim-silence"}}, "custom_file_name": {min: 1, max: 40},
		"transcription": {is: flag}, "transcription_engine": {words: []string{"A", "B", "deepgram/nova-3"}},
		"transcription_language": {words: transcribed}, "transcription_max_speaker_count": {is: number64},
		"transcription_min_speaker_count": {is: number64}, "transcription_profanity_filter": {is: flag},
		"transcription_speaker_diarization": {is: flag},
	})
	recordingRules = with(commandRules, group{"recording_id": {is: uuidText}})
	speakRules     = with(commandRules, group{
		"payload": {need: true, min: 1, max: 3000, code: "90010"}, "voice": {need: true, min: 1, code: "90012"},
		"payload_type": {words: []string{"text", "ssml"}, code: "90011"}, "language": {words: spoken, code: "90013"},
		"service_level": {words: []string{"basic", "premium"}}, "loop": {is: textOrNumber},
		"stop": {}, "target_legs": {words: targets}, "voice_settings": {is: object},
	})
	playRules = with(commandRules, group{
		"audio_url": {}, "media_name": {}, "playback_content": {is: base64Text}, "audio_type": {words: formats},
		"cache_audio": {is: flag}, "loop": {is: textOrNumber}, "overlay": {is: flag}, "stop": {}, "target_legs": {words: targets},
	})
	playStopRules = with(commandRules, group{"overlay": {is: flag}, "stop": {}})
	digitRules    = with(commandRules, group{
		"digits": {need: true, min: 1}, "duration_millis": {is: number64, min: 100, max: 500},
	})
	updateRules = with(group{"client_state": {is: base64Text, need: true, code: "90017"}})
)

// read parses and checks a command's body. An unknown member is refused here
// though the carrier lets it pass: a misspelt one would do nothing, silently.
// Of several faults the first by name is told, and unknown members last.
func (rs rules) read(raw []byte) (body, *problem) {
	in, ok := parse(raw)
	if !ok {
		return nil, bad("10015", "", "the body must be a JSON object")
	}
	names := make([]string, 0, 16)
	for name := range in {
		names = append(names, name)
	}
	for _, name := range rs.needed {
		if _, given := in[name]; !given {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	unknown := ""
	for _, name := range names {
		r, known := rs.of[name]
		v, given := in[name]
		switch {
		case !known && unknown == "":
			unknown = "/" + name
		case !known:
		case !given:
			return in, bad("10004", "/"+name, "The '%s' parameter is required", name)
		default:
			if p := r.check(name, v); p != nil {
				return in, p
			}
		}
	}
	if unknown != "" {
		return in, bad("10015", unknown, "the API has no member '%s' here", unknown[1:])
	}
	return in, nil
}

func (r rule) check(name string, v any) *problem {
	refuse := func(code, why string) *problem {
		if r.code != "" {
			code = r.code
		}
		return bad(code, "/"+name, "The '%s' parameter %s", name, why)
	}
	switch r.is {
	case flag:
		if _, ok := v.(bool); !ok {
			return refuse("10015", "must be a boolean")
		}
	case object:
		if _, ok := v.(map[string]any); !ok {
			return refuse("10015", "must be an object")
		}
	case list:
		if _, ok := v.([]any); !ok {
			return refuse("10015", "must be an array")
		}
	case retries:
		if _, ok := policies(v); !ok {
			return refuse("10015", "must give each event at most 5 retries_ms that add up to 60000 or less")
		}
	case number64:
		n, ok := v.(json.Number)
		i, err := n.Int64()
		if !ok || err != nil {
			return refuse("10015", "must be an integer")
		}
		if r.max > 0 && (i < int64(r.min) || i > int64(r.max)) {
			return refuse("10033", "is out of range")
		}
	case decimal:
		if !isDecimal(v) {
			return refuse("10015", "must be a number")
		}
	case textOrList:
		switch v.(type) {
		case string, []any:
		default:
			return refuse("10015", "must be a text or an array")
		}
	case textOrNumber:
		switch v.(type) {
		case string, json.Number:
		default:
			return refuse("10015", "must be a number or a text")
		}
	default:
		s, ok := v.(string)
		if !ok {
			return refuse("10015", "must be a string")
		}
		return r.checkText(s, refuse)
	}
	return nil
}

func (r rule) checkText(s string, refuse func(code, why string) *problem) *problem {
	switch {
	case r.words != nil && !slices.Contains(r.words, s):
		return refuse("10032", "must be one of: "+strings.Join(r.words, ", "))
	case len([]rune(s)) < r.min, r.max > 0 && len([]rune(s)) > r.max:
		return refuse("10033", "has a wrong length")
	}
	switch r.is {
	case base64Text:
		if _, err := base64.StdEncoding.Strict().DecodeString(s); err != nil || strings.ContainsAny(s, "\r\n") {
			return refuse("10015", "must be base64")
		}
	case uuidText:
		if uuid.Validate(s) != nil {
			return refuse("10015", "must be a UUID")
		}
	case dialled:
		if !e164(s) {
			return refuse("10016", "must be in +E.164 format")
		}
	}
	return nil
}

// e164 is the carrier's own reading, apart from the switch's: a plus, no zero
// first, 7 to 15 digits.
func e164(s string) bool {
	if len(s) < 8 || len(s) > 16 || s[0] != '+' || s[1] == '0' {
		return false
	}
	return strings.Trim(s[1:], "0123456789") == ""
}

// policies reads webhook_retries_policies: for each event at most five pauses
// in milliseconds, a minute in all.
func policies(v any) (map[string][]time.Duration, bool) {
	events, ok := v.(map[string]any)
	if !ok {
		return nil, false
	}
	all := map[string][]time.Duration{}
	for event, policy := range events {
		p, _ := policy.(map[string]any)
		gaps, ok := p["retries_ms"].([]any)
		if !ok || len(p) != 1 || len(gaps) > 5 || !strings.HasPrefix(event, "call.") {
			return nil, false
		}
		var sum time.Duration
		all[event] = []time.Duration{}
		for _, g := range gaps {
			n, ok := g.(json.Number)
			ms, err := n.Int64()
			if !ok || err != nil || ms < 0 || ms > 60_000 {
				return nil, false
			}
			gap := time.Duration(ms) * time.Millisecond
			sum += gap
			all[event] = append(all[event], gap)
		}
		if sum > time.Minute {
			return nil, false
		}
	}
	return all, true
}
