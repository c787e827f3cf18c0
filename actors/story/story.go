// Package story has what happened to a call as people read it: a head, a ladder
// with one rung for each event and command, and sums.
//
//	call          019d0e6a-5f80-7a54-8d1c-3f4a5b6c7d8e
//	booking       stay-7
//	proxy number  +13125550100
//	caller        party_b
//	began         2026-08-24T15:00:00.081Z
//	settings      recording dual-mp3, ring 30s, limit 4h0m0s, unreachable
//	outcome       busy
//
//	0.000  a  →  initiated         lag 80ms, wait 1ms, connect, caller b, stage answering
//	0.000  a  ←  answer
//	0.152  a  →  reply answer      result ok, own 2ms, took 149ms, wait 1ms
//	0.310  a  →  answered          lag 70ms, stage dialing
//	…
//
//	setup  4.2s
//
// A rung begins with the seconds since the first, by our clock, at which the call
// took it up. An arrow to the right is news, one to the left a command of ours
// that follows from the news above it, a dot what nobody sent. Package call says
// what the details mean; the switch prints this form, and the tests of package
// call play it: what happened to a real call can be pasted into one.
//
// The text has all that a decision hangs on, and nobody's number but ours. It
// leaves out the carrier's ids of events, which the JSON has.
package story

import (
	"strconv"
	"strings"
	"time"
)

// Story is one call's.
type Story struct {
	Comment []string // on lines of its own before the head, in tests
	Call    string
	Session string // the carrier's for it
	Booking string // empty: none
	Number  string // the proxy number that was dialled
	Caller  string // his role; empty: he is nobody's party
	Began   time.Time
	// Settings are those of the operator when it began, as on a rung.
	Settings string
	Stage    string // where it stands; empty: nothing is due any more
	Outcome  string // empty: none yet
	Reason   string
	Rungs    []Rung
}

// Closed is the stage of a call of which nothing is due any more.
const Closed = "closed"

// Kind is what a rung tells of.
type Kind byte

// The kinds.
const (
	Note  Kind = iota // what nobody sent: a deadline, a restart
	Event             // of the carrier's
	Reply             // of the carrier's, to a command
	Send              // a command of ours
)

// Rung is one thing that happened.
type Rung struct {
	At      time.Time // when the call took it up, by our clock
	Leg     string    // a, b; empty: neither
	Kind    Kind
	What    string // in one or a few words: of an event its name without "call."
	Details []Detail
}

// Detail is a name, and a value as text has it; a name alone says that it is so.
type Detail struct{ Name, Value string }

// Has says whether a rung has a detail.
func (r Rung) Has(name string) bool {
	_, ok := r.find(name)
	return ok
}

// Text is the value of a detail; empty if there is none.
func (r Rung) Text(name string) string {
	value, _ := r.find(name)
	return plain(value)
}

// Span is the value of a detail that is a span of time; 0 if there is none.
func (r Rung) Span(name string) time.Duration {
	value, _ := r.find(name)
	d, _ := time.ParseDuration(value) // Parse has seen that it is one
	return d
}

func (r Rung) find(name string) (string, bool) {
	for _, d := range r.Details {
		if d.Name == name {
			return d.Value, true
		}
	}
	return "", false
}

// Happened is when a rung happened: of an event by the carrier's clock, of a
// reply when it came.
func (r Rung) Happened() time.Time { return r.At.Add(-r.Span("wait") - r.Span("lag")) }

// Sums are how long a call took; 0 if the story does not tell.
type Sums struct {
	Setup    time.Duration // from A's ring to B's answer, by the carrier's clock
	PostDial time.Duration // from A's ring to B's
	Own      time.Duration // our own share of the setup
	Talk     time.Duration
}

// Sums adds up what the rungs tell.
func (s Story) Sums() Sums {
	var rang, rangB, talk, end time.Time
	first := func(at *time.Time, r Rung) {
		if at.IsZero() {
			*at = r.Happened()
		}
	}
	var sums Sums
	for _, r := range s.Rungs {
		switch {
		case r.Has("repeat"):
		case r.Kind == Event && r.What == "initiated" && r.Leg == "a":
			first(&rang, r)
		case r.Kind == Event && r.What == "initiated":
			first(&rangB, r)
		case r.Kind == Event && r.What == "answered" && r.Leg == "b":
			first(&talk, r)
		case r.Kind == Event && r.What == "hangup":
			if at := r.Happened(); at.After(end) {
				end = at
			}
		case r.Kind == Reply && (r.What == "answer" || r.What == "transfer"):
			sums.Own += r.Span("own")
		}
	}
	between := func(from, to time.Time) time.Duration {
		if from.IsZero() || to.Before(from) {
			return 0
		}
		return to.Sub(from)
	}
	sums.Setup, sums.PostDial, sums.Talk = between(rang, talk), between(rang, rangB), between(talk, end)
	return sums
}

// Command is what became of a command of ours.
type Command struct {
	Name     string // the carrier's for it
	Leg      string
	What     string        // which sentence, or which pause or resumption by its turn
	At       time.Time     // when it was decided
	Own      time.Duration // from reading the webhook that caused it until it was on the wire; 0: none did, or it is not known
	Took     time.Duration // from then to the carrier's last answer; 0: not known
	Attempts int           // 0: nothing is known of it
	Result   string        // empty: nothing is known of it
	Status   int           // HTTP, if it was not taken
	Code     string        // the carrier's
}

// Commands lists them in the order in which they were decided.
func (s Story) Commands() []Command {
	var list []Command
	for _, r := range s.Rungs {
		switch r.Kind {
		case Send:
			list = append(list, Command{Name: r.What, Leg: r.Leg, What: r.Text("what") + r.Text("turn"), At: r.At})
		case Reply:
			for i := range list {
				c := &list[i]
				if c.Result != "" || c.Name != r.What || c.What != r.Text("what")+r.Text("turn") || r.Leg != "" && c.Leg != r.Leg {
					continue // lines of earlier versions do not tell the leg of a reply
				}
				c.Own, c.Took, c.Result, c.Code = r.Span("own"), r.Span("took"), r.Text("result"), r.Text("code")
				c.Status, _ = strconv.Atoi(r.Text("status"))
				if c.Attempts, _ = strconv.Atoi(r.Text("attempts")); c.Attempts == 0 {
					c.Attempts = 1
				}
				break
			}
		}
	}
	return list
}

// value is a text as a rung has it: as it is, if that cannot be misread.
func value(text string) string {
	if text == "" || text[0] == ' ' || text[len(text)-1] == ' ' || strings.Contains(text, "  ") {
		return strconv.Quote(text)
	}
	for _, c := range text {
		if c == ',' || c == '"' || c == '\\' || !strconv.IsPrint(c) {
			return strconv.Quote(text)
		}
	}
	return text
}

// plain is the text that a value is of.
func plain(value string) string {
	if text, err := strconv.Unquote(value); err == nil && value[0] == '"' {
		return text
	}
	return value
}
