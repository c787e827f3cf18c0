package carrier

import (
	"strconv"
	"time"

	"maskswitch/loadtest/party"
)

// action is one command of the API: what its body may hold, and what it does.
type action struct {
	method string
	rules  *rules // nil: no body
	// effect runs with the Call's mutex held, on a live leg. What it returns
	// joins "result" in the answer.
	effect func(*Call, *leg, body) (map[string]any, *problem)
}

var actions = map[string]action{
	"answer":              {"POST", &answerRules, (*Call).answer},
	"reject":              {"POST", &rejectRules, (*Call).reject},
	"hangup":              {"POST", &hangupRules, (*Call).hangup},
	"transfer":            {"POST", &transferRules, (*Call).transfer},
	"record_start":        {"POST", &recordStartRules, (*Call).recordStart},
	"record_stop":         {"POST", &recordingRules, (*Call).recordStop},
	"record_pause":        {"POST", &recordingRules, (*Call).recordPause},
	"record_resume":       {"POST", &recordingRules, (*Call).recordResume},
	"speak":               {"POST", &speakRules, (*Call).speak},
	"playback_start":      {"POST", &playRules, (*Call).play},
	"playback_stop":       {"POST", &playStopRules, (*Call).playStop},
	"send_dtmf":           {"POST", &digitRules, (*Call).nothing},
	"client_state_update": {"PUT", &updateRules, (*Call).nothing}, // apply has set the state
}

// apply does a command whose body is in order: 90018 once the leg is over.
func (k *Call) apply(l *leg, a action, in body) (map[string]any, *problem) {
	if !l.alive() {
		return nil, bad("90018", "", "This call is no longer active and can't receive commands")
	}
	// The new state and policies hold for the events that the command causes,
	// and are taken back with it.
	state, kept := l.state, l.policies
	if s, ok := in["client_state"].(string); ok {
		l.state = &s
	}
	if v, ok := in["webhook_retries_policies"]; ok {
		l.policies, _ = policies(v)
	}
	extra, p := a.effect(k, l, in)
	if p != nil {
		l.state, l.policies = state, kept
	}
	return extra, p
}

func (k *Call) answer(l *leg, in body) (map[string]any, *problem) {
	switch {
	case !l.inbound():
		return nil, bad("90102", "", "only an incoming call can be answered")
	case l.stage == up || l.answering:
		// Undocumented. Refused, so that a second answer shows.
		return nil, bad("10015", "", "the call has been answered already")
	}
	l.answering = true
	l.onAnswer = recordMembers(in)
	k.later(l, k.carrier.cfg.Timing.Answer, func() { k.pickUp(l) })
	if l.onAnswer == nil {
		return nil, nil
	}
	l.onAnswer.id = newID()
	return map[string]any{"recording_id": l.onAnswer.id}, nil
}

// recordMembers reads the record block of answer and transfer.
func recordMembers(in body) *recordOrder {
	if in.text("record") == "" {
		return nil
	}
	return &recordOrder{format: in.or("record_format", "mp3"), channels: in.or("record_channels", "dual"),
		longest: in.seconds("record_max_length", 0), by: "OutboundAPI"}
}

func (k *Call) reject(l *leg, in body) (map[string]any, *problem) {
	if !l.inbound() || l.stage == up {
		// Undocumented: the words are ours.
		return nil, bad("10015", "", "only an incoming call that has not been answered can be rejected")
	}
	cause := "call_rejected"
	if in.text("cause") == "USER_BUSY" {
		cause = "user_busy"
	}
	k.release(l, cause, "callee", "unspecified")
	return nil, nil
}

func (k *Call) hangup(l *leg, _ body) (map[string]any, *problem) {
	if !l.inbound() && l.stage == ringing {
		k.release(l, "originator_cancel", "caller", "487")
	} else {
		k.release(l, "normal_clearing", "unknown", "200")
	}
	return nil, nil
}

// transfer dials a new leg, from the dialled number unless told otherwise. What
// "record" records is booked under the new leg; the documents do not say. A second one dials again: the carrier does not
// protect a switch that asks twice under two command ids, so the ledger must
// be able to show it.
func (k *Call) transfer(l *leg, in body) (map[string]any, *problem) {
	if l.stage != up {
		return nil, bad("90034", "", "the call has not been answered yet")
	}
	if !l.inbound() {
		// A leg that a transfer dialled is its callee's; a chain of transfers is
		// not played.
		return nil, &problem{status: 403, code: "10010", detail: "this carrier transfers incoming calls only"}
	}
	var state *string
	if s, ok := in["target_leg_client_state"].(string); ok {
		state = &s
	}
	to, from := in.text("to"), in.or("from", l.to)
	l.parks = in.text("park_after_unbridge") == "self"
	k.later(l, k.carrier.cfg.Timing.Dial, func() {
		name := "B"
		if n := len(k.legs); n > 1 {
			name += strconv.Itoa(n)
		}
		b := k.newLeg(name, from, to)
		b.state, b.policies = state, l.policies
		b.ringTimeout = in.seconds("timeout_secs", 30)
		b.timeLimit = in.seconds("time_limit_secs", 14400)
		b.onAnswer = recordMembers(in)
		b.connection = &Connection{Leg: name, Caller: number(k.from), Proxy: number(k.to),
			Shown: number(from), Callee: number(to), Rang: time.Now()}
		k.connections = append(k.connections, b.connection)
		k.ring(b)
	})
	return nil, nil
}

// recordStart wants audio: 90034 on a caller who has not been answered, 90020
// on a leg that still rings at the other end. Which of the two the carrier
// says when is not documented.
func (k *Call) recordStart(l *leg, in body) (map[string]any, *problem) {
	switch {
	case l.stage != up && l.inbound():
		return nil, bad("90034", "", "the call has not been answered yet")
	case l.stage != up:
		return nil, bad("90020", "", "recording was asked for before audio started")
	}
	k.record(l, &recordOrder{format: in.text("format"), channels: in.text("channels"),
		longest: in.seconds("max_length", 0), by: "StartCallRecordingAPI", transcribe: in.flag("transcription")})
	return nil, nil
}

func (k *Call) recordStop(l *leg, in body) (map[string]any, *problem) {
	for _, r := range l.running(in.text("recording_id")) {
		k.finish(r)
	}
	return nil, nil
}

func (k *Call) nothing(*leg, body) (map[string]any, *problem) { return nil, nil }

// speech is a spoken line or a playback under way.
type speech struct {
	kind            string // call.speak or call.playback
	mediaURL, media string
	overlay         bool
	status          string
	unreported      bool // no events of it
}

func (s *speech) describe(p *payload) {
	if s.kind == "call.playback" {
		p.MediaURL, p.MediaName, p.Overlay = s.mediaURL, s.media, &s.overlay
	}
}

func (k *Call) speak(l *leg, in body) (map[string]any, *problem) {
	return k.say(l, in, speech{kind: "call.speak"})
}

func (k *Call) play(l *leg, in body) (map[string]any, *problem) {
	s := speech{kind: "call.playback", mediaURL: in.text("audio_url"), media: in.text("media_name"), overlay: in.flag("overlay")}
	if s.mediaURL == "" && s.media == "" && in.text("playback_content") == "" {
		return nil, bad("10004", "/audio_url", "one of audio_url, media_name and playback_content is required")
	}
	return k.say(l, in, s)
}

// say starts a line on the legs that target_legs names; one that was under way
// there is cut. The documents do not say on which of two legs a line is
// reported: half of the calls have the events of both, half those of the leg
// that the command was for.
func (k *Call) say(l *leg, in body, s speech) (map[string]any, *problem) {
	if l.stage != up {
		return nil, bad("90034", "", "the call has not been answered yet")
	}
	target := in.or("target_legs", "self")
	opposite := k.opposite(l)
	if target == "opposite" && opposite == nil {
		return nil, bad("90034", "", "there is no other leg that could hear it")
	}
	reported := k.carrier.draw("speech events", k.number, "", "", 0) < .5
	if target != "opposite" {
		k.hear(l, s)
	}
	if target != "self" && opposite != nil {
		s.unreported = target == "both" && !reported
		k.hear(opposite, s)
	}
	return nil, nil
}

// opposite is the leg that another one is connected to; nil if nobody talks
// there.
func (k *Call) opposite(l *leg) *leg {
	for _, other := range k.legs {
		if other != l && other.stage == up && other.inbound() != l.inbound() {
			return other
		}
	}
	return nil
}

// hear plays a line on one leg. Whether a caller who talks to nobody leaves
// afterwards is the script's.
func (k *Call) hear(l *leg, line speech) {
	s := &line
	k.endSpeech(l, "cancelled")
	l.speech = s
	k.tell(l, s, ".started")
	k.later(l, k.carrier.cfg.Timing.Speech, func() {
		if l.speech != s {
			return
		}
		k.endSpeech(l, "completed")
		if d := k.script.AfterSpeech; d > 0 && l.inbound() && !k.talking() {
			k.later(l, d, func() { k.leave(l, party.Caller) })
		}
	})
}

func (k *Call) tell(l *leg, s *speech, what string) {
	if !s.unreported {
		k.emit(l, s.kind+what, s)
	}
}

func (k *Call) playStop(l *leg, _ body) (map[string]any, *problem) {
	k.endSpeech(l, "cancelled")
	return nil, nil
}

func (k *Call) endSpeech(l *leg, status string) {
	s := l.speech
	if s == nil {
		return
	}
	l.speech = nil
	s.status = status
	k.tell(l, s, ".ended")
}
