package carrier

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Widths of the ladder's columns, in characters.
const (
	timeWidth   = 10
	personWidth = 25
	switchWidth = 38
)

// tardy is a delivery so late that the ladder says so.
const tardy = 100 * time.Millisecond

// Ladder draws the call for people: a line for each thing that happened, the
// caller on the left, the switch in the middle, the callee on the right, and
// milliseconds since the dialling. Numbers are masked.
func (k *Call) Ladder() string { return k.Ledger().Ladder() }

// rung is one line, in up to three columns.
type rung struct {
	at      time.Time
	leg     string
	person  string // what the person, or their phone, does
	middle  string // what the switch hears or says
	command bool   // the switch speaks
}

// Ladder is Call.Ladder, of what was known then.
func (l Ledger) Ladder() string {
	rungs := append(l.eventRungs(), l.commandRungs()...)
	slices.SortStableFunc(rungs, func(a, b rung) int { return a.at.Compare(b.at) })

	var b strings.Builder
	callee := "B"
	if n := len(l.Connections); n > 0 {
		callee = "B " + l.Connections[n-1].Callee.String()
	}
	row(&b, "", "A "+l.Caller.String(), " ", "switch "+l.Proxy.String(), " ", callee)
	row(&b, strings.Repeat("─", timeWidth), strings.Repeat("─", personWidth), "─", strings.Repeat("─", switchWidth), "─", strings.Repeat("─", personWidth))
	for _, r := range rungs {
		at := fmt.Sprintf("+%d ms", r.at.Sub(l.Placed).Milliseconds())
		toward, away := "▶", "◀"
		if r.command {
			toward, away = away, toward
		}
		if r.leg == "A" || r.leg == "" {
			row(&b, at, r.person, toward, r.middle, " ", "")
		} else {
			row(&b, at, "", " ", r.middle, away, r.person)
		}
	}
	for _, r := range l.Recordings {
		switch {
		case r.Failed:
			fmt.Fprintf(&b, "recording %s: the carrier could not keep it\n", r.ID)
		case r.Size > 0:
			fmt.Fprintf(&b, "recording %s: %s %s, %.1f s, %d bytes, fetched %s%s\n", r.ID, r.Channels, r.Format,
				r.Ended.Sub(r.Started).Seconds(), r.Size, times(r.Fetches), r.notes())
		default:
			fmt.Fprintf(&b, "recording %s: not saved yet\n", r.ID)
		}
	}
	for _, c := range l.Connections {
		how := "did not answer"
		if !c.Talked.IsZero() {
			how = "answered"
		}
		fmt.Fprintf(&b, "leg %s: %s dialled %s; %s saw %s and %s\n", c.Leg, c.Caller, c.Proxy, c.Callee, c.Shown, how)
	}
	for _, leak := range l.Leaks {
		fmt.Fprintf(&b, "LEAK: %s in %s of %s on leg %s\n", leak.Number, leak.Member, leak.Action, leak.Leg)
	}
	return b.String()
}

// row pads by characters and leaves no blanks at the end.
func row(b *strings.Builder, at, left, a, middle, c, right string) {
	var line strings.Builder
	pad := func(s string, width int, toRight bool) {
		gap := strings.Repeat(" ", max(width-utf8.RuneCountInString(s), 0))
		if toRight {
			line.WriteString(gap + s)
		} else {
			line.WriteString(s + gap)
		}
	}
	pad(at, timeWidth, true)
	line.WriteString("  ")
	pad(left, personWidth, false)
	line.WriteString(" " + a + " ")
	pad(middle, switchWidth, false)
	line.WriteString(" " + c + " " + right)
	b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
}

func (l Ledger) eventRungs() []rung {
	var rungs []rung
	for _, e := range l.Events {
		r := rung{at: e.At, leg: e.Leg, middle: e.Kind + fate(e)}
		switch e.Kind {
		case "call.initiated":
			r.person = "dials"
			if e.Leg != "A" {
				r.person = "rings"
				if i := slices.IndexFunc(l.Connections, func(c Connection) bool { return c.Leg == e.Leg }); i >= 0 {
					r.person = "rings, sees " + l.Connections[i].Shown.String()
				}
			}
		case "call.answered":
			r.person = "is through"
			if e.Leg != "A" {
				r.person = "answers"
			}
		case "call.hangup":
			r.person = "over: " + e.Cause
		case "call.speak.started":
			r.person = "hears a voice"
		case "call.playback.started":
			r.person = "hears a recording"
		}
		rungs = append(rungs, r)
	}
	return rungs
}

// fate tells what is not ordinary about how an event arrived.
func fate(e Event) string {
	var notes []string
	copies, failed := 0, []string{}
	var taken time.Time
	for _, d := range slices.SortedFunc(slices.Values(e.Deliveries), func(a, b Delivery) int { return cmp.Compare(a.Attempt, b.Attempt) }) {
		copies = max(copies, d.Copy)
		switch {
		case d.Lost:
			failed = append(failed, "lost")
		case d.Status/100 == 2:
			if end := d.Sent.Add(d.Took); taken.IsZero() || end.Before(taken) {
				taken = end
			}
		case d.Status == 0:
			failed = append(failed, "no answer")
		default:
			failed = append(failed, strconv.Itoa(d.Status))
		}
	}
	if copies > 1 {
		notes = append(notes, fmt.Sprintf("%d copies", copies))
	}
	notes = append(notes, shorten(failed)...)
	switch {
	case taken.IsZero() && e.GivenUp:
		notes = append(notes, "given up")
	case taken.IsZero() && e.Refused:
		notes = append(notes, "never again")
	case taken.IsZero():
		notes = append(notes, "under way")
	case taken.Sub(e.At) >= tardy:
		notes = append(notes, fmt.Sprintf("%d ms late", taken.Sub(e.At).Milliseconds()))
	}
	return bracket(notes)
}

// commandRungs puts the attempts at one command on one line.
func (l Ledger) commandRungs() []rung {
	type attempts struct {
		rung
		notes []string
	}
	var order []*attempts
	byID := map[string]*attempts{}
	for _, c := range l.Commands {
		key := c.Leg + " " + c.Action + " " + c.ID
		a := byID[key]
		if a == nil || c.ID == "" {
			a = &attempts{rung: rung{at: c.At, leg: c.Leg, middle: c.Action, command: true}}
			byID[key] = a
			order = append(order, a)
		}
		switch {
		case c.Repeat:
			a.notes = append(a.notes, "repeat ignored")
		case c.Status == 0 && c.Took == 0:
			a.notes = append(a.notes, "under way")
		case c.Status == 0 && c.Effective:
			a.notes = append(a.notes, "done, answer lost")
		case c.Status == 0:
			a.notes = append(a.notes, "cut")
		case c.Code != "":
			a.notes = append(a.notes, fmt.Sprintf("%d/%s", c.Status, c.Code))
		default:
			if len(a.notes) > 0 {
				a.notes = append(a.notes, "ok")
			}
		}
	}
	var rungs []rung
	for _, a := range order {
		a.middle += bracket(shorten(a.notes))
		rungs = append(rungs, a.rung)
	}
	return rungs
}

// shorten folds equal neighbours: "503 x3".
func shorten(notes []string) []string {
	var short []string
	for i := 0; i < len(notes); {
		n := i
		for n < len(notes) && notes[n] == notes[i] {
			n++
		}
		if n-i > 1 {
			short = append(short, fmt.Sprintf("%s x%d", notes[i], n-i))
		} else {
			short = append(short, notes[i])
		}
		i = n
	}
	return short
}

func bracket(notes []string) string {
	if len(notes) == 0 {
		return ""
	}
	return " (" + strings.Join(notes, ", ") + ")"
}

// notes tells what is not ordinary about a saved recording.
func (r Recording) notes() string {
	var notes []string
	if r.Untold {
		notes = append(notes, "no event tells of it")
	}
	if r.Paused > 0 {
		notes = append(notes, fmt.Sprintf("%.1f s of it paused", r.Paused.Seconds()))
	}
	if r.Transcribed {
		notes = append(notes, "transcribed")
	}
	if r.Deleted {
		notes = append(notes, "deleted by the switch")
	}
	return bracket(notes)
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return strconv.Itoa(n) + " times"
}
