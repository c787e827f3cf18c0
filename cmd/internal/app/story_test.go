package app

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"maskswitch/actors/protocol"
	"maskswitch/actors/story"
	"maskswitch/loadtest/carrier"
	"maskswitch/loadtest/party"
)

// told is the story of a call as the API has it.
func (r *rig) told(row protocol.Call) story.Story {
	r.Helper()
	q, err := http.NewRequestWithContext(r.ctx, http.MethodGet, r.app.URL()+"/calls/"+row.ID.String(), nil)
	if err != nil {
		r.Fatal(err)
	}
	q.Header.Set("Accept", "text/plain")
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		r.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		r.Fatal(err)
	}
	s, err := story.Parse(string(text))
	if err != nil || s.String() != string(text) {
		r.Fatalf("%v\n%s", err, text)
	}
	return s
}

// The story of a call has what the carrier did and what it cost, on real sockets.
func TestStoryOfACall(t *testing.T) {
	t.Parallel()
	refused := false
	r := newRig(t, carrier.Config{
		OnDelivery: func(e carrier.Event) *carrier.Plan {
			if e.Kind == "call.answered" {
				return &carrier.Plan{Copies: 2}
			}
			return nil
		},
		OnCommand: func(c carrier.Command) *carrier.Reply {
			if c.Action != "transfer" || refused {
				return nil
			}
			refused = true
			return &carrier.Reply{Status: http.StatusServiceUnavailable}
		},
	})
	s := r.book()
	row := r.judge(r.call(s, party.Talks(20*time.Millisecond, talk)), s, protocol.OutcomeTalked)
	told := r.told(row)
	sums := told.Sums()
	if told.Call != row.ID.String() || told.Booking != s.ID || told.Number != s.Proxy || told.Caller != "party_a" || told.Outcome != "talked" || told.Stage != "" {
		t.Errorf("the head is that of another call:\n%v", told)
	}
	if sums.Setup <= 0 || sums.PostDial <= 0 || sums.Own <= 0 || sums.Own >= sums.Setup || sums.Talk != row.EndAt.Sub(row.TalkAt) {
		t.Errorf("sums %+v of\n%v", sums, told)
	}
	var names []string
	for _, c := range told.Commands() {
		names = append(names, c.Name)
		if tries := map[bool]int{true: 2, false: 1}[c.Name == "transfer"]; c.Attempts != tries || c.Result != "ok" || c.Own <= 0 || c.Took <= 0 {
			t.Errorf("%+v", c)
		}
	}
	if got := strings.Join(names, " "); got != "answer transfer record_start" {
		t.Errorf("the commands are %s", got)
	}
	repeats := 0
	for _, rung := range told.Rungs {
		if rung.Kind == story.Event && (rung.Span("wait") < 0 || rung.Span("lag") < 0) { // one clock, here
			t.Errorf("came before it happened: %+v", rung)
		}
		if rung.Has("repeat") {
			repeats++
		}
	}
	if repeats != 2 {
		t.Errorf("%d repeats in\n%v", repeats, told)
	}
}
