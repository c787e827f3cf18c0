package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"maskswitch/actors/story"
)

// callTold is a call as the switch tells it, as far as people want it.
type callTold struct {
	ID           string      `json:"call_id"`
	Booking      string      `json:"booking_id"`
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
	At   time.Time       `json:"at"`
	What json.RawMessage `json:"what"`
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
		b.text(fmt.Sprintf("stories/%03d-%s.txt", b.calls, plainName(call.ID)), call.forStrangers()))
}

// harmless keeps a spreadsheet from taking a cell for a formula.
func harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\n", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

// story is what happened to the call, as people read it.
func (c callTold) story() story.Story {
	head := story.Story{
		Call: c.ID, Session: c.Session, Booking: c.Booking, Number: c.Number, Caller: c.Caller, Stage: c.Stage, Outcome: c.Outcome, Reason: c.Reason,
	}
	if c.Stage == story.Closed {
		head.Stage = ""
	}
	if at, err := time.Parse(time.RFC3339Nano, c.RangAt); err == nil && len(c.Story) == 0 {
		head.Began = at
	}
	told := make([]story.Told, len(c.Story))
	for i, l := range c.Story {
		told[i] = story.Told{At: l.At, What: string(l.What)}
	}
	return story.New(head, told)
}

// forStrangers is the story for whoever has not seen one before.
func (c callTold) forStrangers() string {
	s := c.story()
	s.Comment = []string{
		"Leg a is the caller's line, leg b that of the one he called. Times are UTC.",
		"A line says how many seconds after the first it was, on which leg, and what:",
		"→ what the carrier told, ← what the switch sent, · what neither did.",
	}
	if c.ConsentAt != "" {
		s.Comment = append(s.Comment, "Both had heard that they are recorded: "+oneLine(c.ConsentAt))
	}
	return s.String()
}
