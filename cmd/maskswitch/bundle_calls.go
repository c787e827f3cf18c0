package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// callTold is a call as the switch tells it, as far as people want it.
type callTold struct {
	ID           string      `json:"call_id"`
	Session      string      `json:"session_id"`
	Stage        string      `json:"stage"`
	Caller       string      `json:"caller"`
	Number       string      `json:"proxy_number"`
	Outcome      string      `json:"outcome"`
	Reason       string      `json:"reason"`
	RangAt       string      `json:"rang_at"`
	AnsweredAt   string      `json:"answered_at"`
	RingingAt    string      `json:"ringing_at"`
	TalkAt       string      `json:"talk_at"`
	ConsentAt    string      `json:"consent_at"`
	EndedAt      string      `json:"ended_at"`
	TalkSeconds  json.Number `json:"talk_seconds"`
	HangupCause  string      `json:"hangup_cause"`
	HangupSource string      `json:"hangup_source"`
	Story        []storyTold `json:"story"`
}

type storyTold struct {
	At   time.Time                  `json:"at"`
	What map[string]json.RawMessage `json:"what"`
}

var callHead = []string{
	"call_id", "session_id", "caller", "proxy_number", "stage", "outcome", "reason", "rang_at", "answered_at", "ringing_at", "talk_at",
	"consent_at", "ended_at", "talk_seconds", "hangup_cause", "hangup_source",
}

func (c callTold) row() []string {
	return []string{
		c.ID, c.Session, c.Caller, c.Number, c.Stage, c.Outcome, c.Reason, c.RangAt, c.AnsweredAt, c.RingingAt, c.TalkAt,
		c.ConsentAt, c.EndedAt, c.TalkSeconds.String(), c.HangupCause, c.HangupSource,
	}
}

// putCalls writes the calls as they were told, as a table, and as stories.
func (b *bundle) putCalls(ctx context.Context, path string) error {
	raw, err := b.spool()
	if err != nil {
		return err
	}
	defer discard(raw.File)
	table, err := b.spool()
	if err != nil {
		return err
	}
	defer discard(table.File)
	all, rows := &array{to: raw}, csv.NewWriter(table)
	rows.UseCRLF = true // RFC 4180
	if err := rows.Write(callHead); err != nil {
		return err
	}
	for cursor := ""; ; {
		query := url.Values{"limit": {"200"}}
		if cursor != "" {
			query.Set("cursor", cursor)
		}
		var page struct {
			Calls []struct {
				ID string `json:"call_id"`
			} `json:"calls"`
			Next string `json:"next_cursor"`
		}
		if _, err := b.read(ctx, path+"/calls", query, &page); err != nil {
			return err
		}
		for _, c := range page.Calls {
			if err := b.putCall(ctx, c.ID, all, rows); err != nil {
				return err
			}
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	rows.Flush()
	return errors.Join(rows.Error(), b.putList("calls.json", all), b.putSpool("calls.csv", table))
}

func (b *bundle) putCall(ctx context.Context, id string, all *array, rows *csv.Writer) error {
	var call callTold
	raw, err := b.read(ctx, "/calls/"+id, nil, &call)
	switch {
	case absent(err):
		b.broken = true
		b.lacks("call %s: it was there a moment before: %v", id, err)
		return nil
	case err != nil:
		return err
	}
	b.calls++
	b.meter.show("call %d", b.calls)
	if call.TalkAt != "" {
		b.silent[call.ID] = true
		b.talks = append(b.talks, call.ID)
	}
	if call.EndedAt == "" {
		b.lacks("call %s: its end; it was under way when this was made", call.ID)
	}
	row := call.row()
	for i := range row {
		row[i] = harmless(row[i])
	}
	return errors.Join(all.add(raw), rows.Write(row),
		b.text(fmt.Sprintf("stories/%03d-%s.txt", b.calls, plainName(call.ID)), call.ladder()))
}

// harmless keeps a spreadsheet from taking a cell for a formula.
func harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\n", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

// ladder tells a call line by line: when, how long after the first, between whom,
// and what.
func (c callTold) ladder() string {
	var out strings.Builder
	caller := c.Caller
	if caller == "" {
		caller = "somebody who was not known"
	}
	fmt.Fprintf(&out, "Call %s\n%s called %s\n", c.ID, caller, c.Number)
	outcome := c.Outcome
	switch {
	case outcome == "":
		outcome = "none yet, it was under way when this was made"
	case c.Reason != "":
		outcome += ": " + oneLine(c.Reason)
	}
	fmt.Fprintf(&out, "Outcome: %s\n", outcome)
	if c.ConsentAt != "" {
		fmt.Fprintf(&out, "Both had heard that they are recorded: %s\n", c.ConsentAt)
	}
	out.WriteString("Leg a is the caller's line, leg b that of the one he called. Times are UTC.\n\n")
	for _, l := range c.Story {
		fmt.Fprintf(&out, "%s %+10.3fs  %s\n", l.At.UTC().Format("2006-01-02 15:04:05.000000"), l.At.Sub(c.Story[0].At).Seconds(), l.rung())
	}
	return out.String()
}

// rung says between whom a line was, on which leg, and what: the thing itself
// first, then all else that is known of it.
func (l storyTold) rung() string {
	left := maps.Clone(l.What)
	take := func(name, lead string) string {
		value, ok := left[name]
		if !ok {
			return ""
		}
		delete(left, name)
		return lead + plain(value)
	}
	between, leg, what := "", take("leg", "leg "), ""
	if what = take("event", ""); what != "" {
		between = "carrier -> switch"
	} else if what = take("send", ""); what != "" {
		between = "carrier <- switch"
	} else if what = take("reply", "reply to "); what != "" {
		between = "carrier -> switch"
	}
	for _, name := range slices.Sorted(maps.Keys(left)) {
		if what != "" {
			what += ", "
		}
		what += oneLine(name) + " " + plain(left[name])
	}
	return fmt.Sprintf("%-17s  %-5s  %s", between, leg, what)
}

// plain shows a value as people write it, if that cannot be misread.
func plain(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) != nil {
		return string(value)
	}
	if text == "" || strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsPrint(c) || c == '"' || c == ',' }) {
		return strconv.Quote(text)
	}
	return text
}
