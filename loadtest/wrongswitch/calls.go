package wrongswitch

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"
)

// call is what is known of both legs, and what was asked for already.
type call struct {
	session  string
	caller   string
	a, b     leg
	number   string   // dialled
	booking  *booking // by which the caller is connected
	over     bool     // for the booking
	refused  bool
	late     bool // to be told that the booking has ended
	cut      bool // at checkout
	to, from string
	failed   bool // the carrier will not transfer it
	spoken   bool
	muted    bool // left in silence
	asked    map[string]bool

	announced bool // both have heard that they are recorded
	unheard   bool // they cannot be told
	looking   bool // for recordings that no event told of
}

type leg struct {
	control               string
	rang, answered, ended bool
	cause                 string
}

// event is the part of a webhook that matters.
type event struct {
	Data struct {
		Type    string `json:"event_type"`
		Payload struct {
			Control   string `json:"call_control_id"`
			Session   string `json:"call_session_id"`
			Direction string `json:"direction"`
			State     string `json:"client_state"`
			From      string `json:"from"`
			To        string `json:"to"`
			Cause     string `json:"hangup_cause"`
			Status    string `json:"status"`
			saved
		} `json:"payload"`
	} `json:"data"`
}

// maxSkew is how old or new a webhook's timestamp may be, in seconds.
const maxSkew = 300

func (s *Switch) genuine(h http.Header, body []byte) bool {
	stamp := h.Get("telnyx-timestamp")
	at, err := strconv.ParseInt(stamp, 10, 64)
	signature, err2 := base64.StdEncoding.DecodeString(h.Get("telnyx-signature-ed25519"))
	if err != nil || err2 != nil || s.key == nil {
		return false
	}
	if age := time.Now().Unix() - at; age > maxSkew || age < -maxSkew {
		return false
	}
	return ed25519.Verify(s.key, append([]byte(stamp+"|"), body...), signature)
}

// webhook takes an event. Everything is in memory, so that an acknowledgement
// means no more than that it was understood.
func (s *Switch) webhook(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	if !s.genuine(r.Header, body) {
		refuse(w, http.StatusUnauthorized, "invalid signature", "unauthorized")
		return
	}
	var ev event
	if json.Unmarshal(body, &ev) != nil {
		refuse(w, http.StatusBadRequest, "malformed", "invalid")
		return
	}
	if s.wrong.strikes(RefusesWebhook) || ev.Data.Type == "call.recording.saved" && s.wrong.strikes(RefusesRecordings) {
		refuse(w, http.StatusBadRequest, "malformed", "invalid")
		return
	}
	if !s.wrong.strikes(DropsWebhook) {
		s.take(ev)
	}
	reply(w, http.StatusOK, map[string]any{"status": "ok"})
}

// tagB is the client_state of legs that we dialled; any other leg is a
// caller's.
var tagB = base64.StdEncoding.EncodeToString([]byte("b"))

// take notes an event and does what follows from all that is known.
func (s *Switch) take(ev event) {
	p := ev.Data.Payload
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	c := s.calls[p.Session]
	if c == nil {
		c = &call{session: p.Session, asked: map[string]bool{}}
		s.calls[p.Session] = c
	}
	g := &c.a
	if p.State == tagB || p.Direction == "outgoing" {
		g = &c.b
	}
	if p.Control != "" {
		g.control = p.Control
	}
	switch ev.Data.Type {
	case "call.initiated":
		if g == &c.a && !g.rang {
			s.place(c, p.From, p.To)
		}
		g.rang = true
	case "call.answered":
		g.answered = true
	case "call.hangup":
		g.ended, g.cause = true, p.Cause
	case "call.speak.ended":
		if !c.asked["announce"] {
			c.spoken = true
		} else if p.Status == "completed" {
			c.announced = true
		}
	case "call.recording.saved":
		s.keep(c, p.saved)
	case "call.recording.transcription.saved":
		s.sumUp(p.saved)
	}
	s.lookLater(c)
	c.leave()
	s.decide(c)
}

// place finds out who is to be called, if anybody is.
func (s *Switch) place(c *call, caller, number string) {
	now := time.Now()
	c.caller, c.number, c.from = caller, number, number
	k := s.holder(key{number, caller}, now)
	switch {
	case k != nil && s.wrong.strikes(RefusesCallers):
		k = nil
	case k == nil && !dialable(caller):
		if any := s.anybody(number, "", now); any != nil && s.wrong.strikes(ConnectsWithheld) {
			c.to = any.a
			return
		}
	case k == nil:
		if old := s.past[key{number, caller}]; old != nil {
			switch {
			case s.wrong.strikes(ConnectsLate):
				k = old
			case !s.cfg.RejectsLate:
				c.late = true
				return
			}
		} else if any := s.anybody(number, caller, now); any != nil && s.wrong.strikes(ConnectsStrangers) {
			c.to = any.a
			return
		} else if s.wrong.strikes(AnswersStrangers) {
			c.late = true
			return
		}
	}
	if k == nil {
		c.refused = true
		return
	}
	c.to, c.from = k.other(caller)
	c.booking = k
	k.calls++
	if k.cut || s.wrong[CutsFinish] != nil {
		s.watch(c, k)
	}
	if s.wrong[WrongPerson] != nil {
		for _, o := range s.order {
			if o.live(now) && o.a != c.to && o.a != caller && o.b != c.to && o.b != caller && s.wrong.strikes(WrongPerson) {
				c.to = o.a
				return
			}
		}
	}
}

// anybody is some live booking on a number.
func (s *Switch) anybody(number, not string, now time.Time) *booking {
	for _, k := range s.order {
		if k.numberA == number && k.live(now) && k.a != not && k.b != not {
			return k
		}
	}
	return nil
}

// decide asks for what is missing. It goes by what has happened, not by the
// order in which that was told.
func (s *Switch) decide(c *call) {
	switch {
	case !c.a.rang || c.a.ended: // not known yet, or over: the carrier ends leg B
	case c.cut:
	case c.refused:
		s.reject(c)
	case c.late:
		s.tellLate(c)
	case c.b.ended && (c.b.answered || c.b.cause == "normal_clearing"): // talked: the carrier ends leg A
	case c.b.ended || c.failed:
		s.letGo(c)
	case c.b.answered:
		s.talk(c)
	case c.b.rang:
	case c.a.answered:
		s.transfer(c)
	default:
		s.answer(c)
	}
}

func (s *Switch) reject(c *call) {
	cause := "CALL_REJECTED"
	if !c.asked["reject"] && s.wrong.strikes(BadCommand) {
		cause = "UNALLOCATED_NUMBER"
	}
	s.once(c, "reject", &c.a, map[string]any{"cause": cause})
}

func (s *Switch) answer(c *call) {
	if c.asked["answer"] {
		return
	}
	late := time.Duration(0)
	if s.wrong.strikes(AnswersLate) {
		late = s.cfg.Lateness
	}
	c.asked["answer"] = true
	s.command(c, "answer", c.a.control, s.tagged(c, nil), late, s.wrong.strikes(AnswersTwice))
	if s.wrong.strikes(CommandsStrays) {
		s.command(c, "hangup", "v3:"+base64.RawURLEncoding.EncodeToString([]byte(c.session)), nil, 0, false)
	}
}

// tagged adds the client_state of leg A.
func (s *Switch) tagged(c *call, body map[string]any) map[string]any {
	if body == nil {
		body = map[string]any{}
	}
	tag := "a"
	if s.wrong.strikes(LeaksNumber) {
		tag += " " + c.caller
	}
	body["client_state"] = base64.StdEncoding.EncodeToString([]byte(tag))
	return body
}

func (s *Switch) transfer(c *call) {
	if c.asked["transfer"] {
		return
	}
	body := map[string]any{"to": c.to, "from": c.from, "timeout_secs": 30, "target_leg_client_state": tagB}
	switch {
	case c.from != c.number && s.wrong.strikes(ShowsCallersProxy):
		body["from"] = c.number
	case s.wrong.strikes(ShowsNumber):
		body["from"] = c.caller
	case s.wrong.strikes(ShowsAnotherNumber):
		body["from"] = s.another(c.from)
	}
	if s.wrong.strikes(ParksCallers) {
		body["park_after_unbridge"] = "self"
	}
	c.asked["transfer"] = true
	s.command(c, "transfer", c.a.control, body, 0, s.wrong.strikes(TransfersTwice))
}

func (s *Switch) talk(c *call) {
	if c.asked["record_start"] {
		return
	}
	if s.wrong.strikes(CutsCalls) {
		s.once(c, "hangup", &c.a, nil)
		return
	}
	if body := s.recording(c); body != nil {
		c.asked["record_start"] = true
		s.command(c, "record_start", c.a.control, body, 0, s.wrong.strikes(RecordsTwice))
	}
}

// letGo tells the caller that nobody can be had, and hangs up after that.
func (s *Switch) letGo(c *call) {
	switch {
	case c.muted:
	case !c.asked["speak"] && s.wrong.strikes(LeavesInSilence):
		c.muted = true
	case c.spoken:
		if c.asked["hangup"] || s.wrong.strikes(NeverHangsUp) {
			return
		}
		s.once(c, "hangup", &c.a, nil)
	default:
		s.once(c, "speak", &c.a, map[string]any{"payload": "They cannot be reached.", "voice": "female", "language": "en-US"})
	}
}
