package call

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// Row is the call as the store keeps it.
func (c *Call) Row() protocol.Call {
	row := protocol.Call{
		ID: c.ID, Partition: c.Partition, Booking: c.Booking, Number: c.Number, Caller: c.Caller,
		Session: c.Session, Stage: c.Stage.String(), Outcome: c.Outcome, Reason: c.Reason,
		RangAt: c.StartedAt, AnsweredAt: c.A.AnsweredAt, DialedAt: c.B.RangAt, TalkAt: c.B.AnsweredAt,
		ConsentAt: c.ConsentAt,
	}
	if c.Stage >= StageOver {
		row.EndAt = c.endedAt()
		row.HangupCause, row.HangupSource = c.cause()
	}
	if c.Stage != StageClosed {
		row.State = c.snapshot()
	}
	return row
}

// endedAt is when the last leg was over; a call whose legs never said so ended
// with the last thing known of it.
func (c *Call) endedAt() time.Time {
	end := c.StartedAt
	for _, at := range [...]time.Time{c.A.AnsweredAt, c.B.RangAt, c.B.AnsweredAt, c.A.EndedAt, c.B.EndedAt} {
		if at.After(end) {
			end = at
		}
	}
	return end
}

// cause is the hangup that ended the call: after talk, whichever leg went first;
// otherwise B's if it failed, or A's.
func (c *Call) cause() (protocol.HangupCause, protocol.HangupSource) {
	a, b := c.A, c.B
	switch {
	case a.EndedAt.IsZero():
		return b.Cause, b.Source
	case b.EndedAt.IsZero() || !a.EndedAt.After(b.EndedAt):
		return a.Cause, a.Source
	}
	return b.Cause, b.Source
}

// saved is the snapshot: what the row's columns do not say. Its member names are
// short, since it is written with every event; what is left out is zero.
type saved struct {
	V          int             `json:"v"`
	Connection string          `json:"cn,omitempty"`
	To         string          `json:"to,omitempty"`
	From       string          `json:"fr,omitempty"`
	Refusal    string          `json:"rf,omitempty"`
	Rung       bool            `json:"rg,omitempty"`
	A          savedLeg        `json:"a"`
	B          savedLeg        `json:"b"`
	Sent       [sends]savedCmd `json:"s"`
	Spoken     bool            `json:"sp,omitempty"` // of A, in rows from before its legs had that
	Policy     int             `json:"rm,omitempty"`
	Summary    bool            `json:"su,omitempty"`
	Unheard    bool            `json:"uh,omitempty"`
	Unsaved    bool            `json:"us,omitempty"`
	Tape       *savedTape      `json:"tp,omitempty"`
	Report     bool            `json:"rp,omitempty"`
	Cut        bool            `json:"ct,omitempty"`
	Grace      int64           `json:"gr,omitempty"` // nanoseconds
	CutAt      int64           `json:"ca,omitempty"`
	Recordings string          `json:"rc,omitempty"`
	Stage      Stage           `json:"st"`
	Deadline   int64           `json:"dl"`
	Patience   int             `json:"pa,omitempty"`
	Stuck      bool            `json:"sk,omitempty"`
	Lines      int             `json:"n"`
	Repeats    int             `json:"re,omitempty"`
}

type savedLeg struct {
	ID       string                `json:"i,omitempty"`
	Rang     int64                 `json:"r,omitempty"`
	Answered int64                 `json:"a,omitempty"`
	Ended    int64                 `json:"e,omitempty"`
	Bridged  bool                  `json:"b,omitempty"`
	Spoken   bool                  `json:"h,omitempty"` // in rows from before the next was kept
	SpokenAt int64                 `json:"t,omitempty"`
	Gone     bool                  `json:"g,omitempty"`
	Cause    protocol.HangupCause  `json:"c,omitempty"`
	Source   protocol.HangupSource `json:"s,omitempty"`
}

type savedTape struct {
	Paused bool  `json:"p,omitempty"`
	Doubt  bool  `json:"d,omitempty"`
	Since  int64 `json:"s,omitempty"`
	Turn   int   `json:"n"`
}

// savedCmd is [instant, ended, result].
type savedCmd [3]int64

const savedVersion = 1

// snapshot writes what saved reads. It is written with every event, so it is
// put together by hand: encoding/json takes four times as long.
func (c *Call) snapshot() string {
	b := make([]byte, 0, 640)
	b = append(b, `{"v":`...)
	b = strconv.AppendInt(b, savedVersion, 10)
	b = appendText(b, `,"cn":`, c.Connection)
	b = appendText(b, `,"to":`, c.To.E164())
	b = appendText(b, `,"fr":`, c.From.E164())
	b = appendText(b, `,"rf":`, c.Refusal.String())
	b = appendTrue(b, `,"rg":true`, c.Rung)
	b = appendLeg(b, `,"a":{`, &c.A)
	b = appendLeg(b, `,"b":{`, &c.B)
	b = append(b, `,"s":[`...)
	for i, sent := range c.Sent {
		if i > 0 {
			b = append(b, ',')
		}
		ended := int64(0)
		if sent.Ended {
			ended = 1
		}
		b = append(b, '[')
		b = strconv.AppendInt(b, micros(sent.At), 10)
		b = append(b, ',')
		b = strconv.AppendInt(b, ended, 10)
		b = append(b, ',')
		b = strconv.AppendInt(b, int64(sent.Result), 10)
		b = append(b, ']')
	}
	b = append(b, ']')
	b = appendTrue(b, `,"rp":true`, c.Report)
	b = appendTrue(b, `,"ct":true`, c.Cut)
	b = appendNumber(b, `,"gr":`, int64(c.Grace))
	b = appendNumber(b, `,"ca":`, micros(c.CutAt))
	b = appendText(b, `,"rc":`, c.Recordings)
	b = appendNumber(b, `,"rm":`, int64(c.Policy))
	b = appendTrue(b, `,"su":true`, c.Summary)
	b = appendTrue(b, `,"uh":true`, c.Unheard)
	b = appendTrue(b, `,"us":true`, c.Unsaved)
	if c.Tape != (Tape{}) {
		b = appendNumber(b, `,"tp":{"n":`, int64(c.Tape.Turn))
		b = appendNumber(b, `,"s":`, micros(c.Tape.Since))
		b = appendTrue(b, `,"p":true`, c.Tape.Paused)
		b = appendTrue(b, `,"d":true`, c.Tape.Doubt)
		b = append(b, '}')
	}
	b = appendNumber(b, `,"st":`, int64(c.Stage))
	b = appendNumber(b, `,"dl":`, micros(c.Deadline))
	b = appendNumber(b, `,"pa":`, int64(c.Patience))
	b = appendTrue(b, `,"sk":true`, c.Stuck)
	b = appendNumber(b, `,"n":`, int64(c.Lines))
	b = appendNumber(b, `,"re":`, int64(c.Repeats))
	return string(append(b, '}'))
}

func appendText(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(b, name...)
	for i := range len(value) {
		if c := value[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			text, err := json.Marshal(value) // rare: ids of the carrier are plain
			if err != nil {
				panic(err) // a string always marshals
			}
			return append(b, text...)
		}
	}
	b = append(b, '"')
	b = append(b, value...)
	return append(b, '"')
}

func appendTrue(b []byte, text string, is bool) []byte {
	if is {
		b = append(b, text...)
	}
	return b
}

func appendNumber(b []byte, name string, n int64) []byte {
	if n == 0 {
		return b
	}
	return strconv.AppendInt(append(b, name...), n, 10)
}

func appendLeg(b []byte, open string, l *Leg) []byte {
	b = append(b, open...)
	from := len(b)
	b = appendText(b, `,"i":`, string(l.ID))
	b = appendNumber(b, `,"r":`, micros(l.RangAt))
	b = appendNumber(b, `,"a":`, micros(l.AnsweredAt))
	b = appendNumber(b, `,"e":`, micros(l.EndedAt))
	b = appendTrue(b, `,"b":true`, l.Bridged)
	b = appendNumber(b, `,"t":`, micros(l.SpokenAt))
	b = appendTrue(b, `,"g":true`, l.Gone)
	b = appendNumber(b, `,"c":`, int64(l.Cause))
	b = appendNumber(b, `,"s":`, int64(l.Source))
	if len(b) > from { // without the first comma
		b = append(b[:from], b[from+1:]...)
	}
	return append(b, '}')
}

// Restore reads a call back from its row.
func Restore(row protocol.Call, set Settings) (Call, error) {
	var s saved
	if err := json.Unmarshal([]byte(row.State), &s); err != nil {
		return Call{}, fmt.Errorf("call %s: state: %w", row.ID, err)
	}
	to, err1 := phone.FromStore(s.To)
	from, err2 := phone.FromStore(s.From)
	refusal, ok := protocol.ParseOutcome(s.Refusal)
	switch {
	case s.V != savedVersion:
		return Call{}, fmt.Errorf("call %s: state: version %d, this program knows %d", row.ID, s.V, savedVersion)
	case err1 != nil || err2 != nil || !ok || s.Policy < 0 || s.Policy > int(protocol.RecordOff) || s.Stage > StageClosed || !s.A.sane() || !s.B.sane():
		return Call{}, fmt.Errorf("call %s: state: a number, a leg, the refusal, the policy or the stage makes no sense", row.ID)
	}
	c := Call{
		Settings: set, ID: row.ID, Partition: row.Partition, Session: row.Session, Connection: s.Connection,
		Number: row.Number, Booking: row.Booking, Caller: row.Caller, To: to, From: from,
		Refusal: refusal, Reason: row.Reason, Rung: s.Rung, A: s.A.leg(), B: s.B.leg(),
		Report: s.Report, Cut: s.Cut, Grace: time.Duration(s.Grace), CutAt: instant(s.CutAt),
		Policy: protocol.RecordingMode(s.Policy), Summary: s.Summary, ConsentAt: row.ConsentAt, Unheard: s.Unheard, Unsaved: s.Unsaved,
		Recordings: s.Recordings, Stage: s.Stage, Outcome: row.Outcome,
		StartedAt: row.RangAt, Deadline: instant(s.Deadline), Patience: s.Patience, Stuck: s.Stuck, Lines: s.Lines, Repeats: s.Repeats,
	}
	if s.Spoken {
		s.A.Spoken = true
	}
	for leg, old := range map[*Leg]bool{&c.A: s.A.Spoken, &c.B: s.B.Spoken} {
		if old && !leg.spoken() {
			leg.SpokenAt = instant(1) // nobody knows when
		}
	}
	if s.Tape != nil {
		c.Tape = Tape{s.Tape.Paused, instant(s.Tape.Since), s.Tape.Doubt, s.Tape.Turn}
	}
	for i, sent := range s.Sent {
		if sent[2] < 0 || int(sent[2]) >= len(protocol.CommandResults()) {
			return Call{}, fmt.Errorf("call %s: state: command result %d", row.ID, sent[2])
		}
		c.Sent[i] = Sending{instant(sent[0]), sent[1] == 1, protocol.CommandResult(sent[2])}
	}
	return c, nil
}

func (s savedLeg) leg() Leg {
	return Leg{protocol.LegID(s.ID), instant(s.Rang), instant(s.Answered), instant(s.Ended), s.Bridged, instant(s.SpokenAt), s.Gone, s.Cause, s.Source}
}

func (s savedLeg) sane() bool {
	return s.Cause <= protocol.CauseNoAnswer && s.Source <= protocol.SourceCallee
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func instant(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
